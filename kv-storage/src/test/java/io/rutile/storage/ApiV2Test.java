package io.rutile.storage;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.bytes;
import static io.rutile.storage.StoreFixture.key;
import static io.rutile.storage.StoreFixture.keys;
import static io.rutile.storage.StoreFixture.pairs;
import static io.rutile.storage.StoreFixture.rawFailure;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.LocalKv;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawScan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** API V2: raw and transactional data in key spaces of one store, W11 and E09 on such a store. */
class ApiV2Test {

    private static final String RAW = "r\0\0\1";
    private static final String TXN = "x\0\0\1";

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private StoreFixture store;

    @BeforeEach
    void open() {
        store = StoreFixture.of(ApiVersion.V2, directory);
    }

    @AfterEach
    void close() {
        store.close();
    }

    private static KvContext ctx(APIVersion version) {
        return KvContext.of(
                Context.newBuilder()
                        .setRegionId(LocalKv.REGION_ID)
                        .setApiVersion(version)
                        .build(),
                System.nanoTime() + Duration.ofSeconds(30).toNanos());
    }

    private static KvContext v2() {
        return ctx(APIVersion.V2);
    }

    private void rawPut(String key, String value, long ttl) {
        await(store.storage.rawPut(v2(), "", key(key), bytes(value), ttl));
    }

    private GetResponse get(KvContext ctx, String key, long version) {
        return await(store.storage.kvGet(
                ctx,
                GetRequest.newBuilder()
                        .setContext(ctx.request())
                        .setKey(ByteString.copyFromUtf8(key))
                        .setVersion(version)
                        .build()));
    }

    private PrewriteResponse prewrite(KvContext ctx, String key, String value, long startTs) {
        ByteString bytes = ByteString.copyFromUtf8(key);
        return await(store.storage.kvPrewrite(
                ctx,
                PrewriteRequest.newBuilder()
                        .setContext(ctx.request())
                        .addMutations(Mutation.newBuilder()
                                .setOp(Op.Put)
                                .setKey(bytes)
                                .setValue(ByteString.copyFromUtf8(value)))
                        .setPrimaryLock(bytes)
                        .setStartVersion(startTs)
                        .setLockTtl(3000)
                        .build()));
    }

    @Test
    void rawAndTransactionalDataLiveSideBySide() {
        rawPut(RAW + "k", "raw", 0);
        assertThat(prewrite(v2(), TXN + "k", "txn", 10).getErrorsList()).isEmpty();
        await(store.storage.kvCommit(
                v2(),
                CommitRequest.newBuilder()
                        .setContext(v2().request())
                        .addKeys(ByteString.copyFromUtf8(TXN + "k"))
                        .setStartVersion(10)
                        .setCommitVersion(12)
                        .build()));

        assertThat(await(store.storage.rawGet(v2(), "", key(RAW + "k")))).hasValue(bytes("raw"));
        assertThat(get(v2(), TXN + "k", 20).getValue().toStringUtf8()).isEqualTo("txn");
    }

    /** Regions are routed and split by the memcomparable key, so that is what is stored. */
    @Test
    void rawKeysAreStoredAsRegionsAreSplit() {
        rawPut(RAW + "k", "v", 0);

        assertThat(store.kv.engine().get(Cf.RAW, MemComparable.encode(bytes(RAW + "k"))))
                .isNotNull();
    }

    @Test
    void scansStayInTheKeySpaceAndSpeakTheClientsKeys() {
        rawPut(RAW + "a", "1", 0);
        rawPut(RAW + "b", "2", 0);
        rawPut("r\0\0\2" + "c", "3", 0);

        List<RawPair> forward =
                pairs(store.storage.rawScan(v2(), "", new RawScan(key(RAW), key("r\0\0\2"), 10, false, false)));
        List<RawPair> back =
                pairs(store.storage.rawScan(v2(), "", new RawScan(key("r\0\0\2"), key(RAW), 10, true, false)));

        assertThat(keys(forward)).isEqualTo(RAW + "a," + RAW + "b");
        assertThat(keys(back)).isEqualTo(RAW + "b," + RAW + "a");
        assertThat(await(store.storage.rawChecksum(
                                v2(),
                                ChecksumAlgorithm.Crc64_Xor,
                                List.of(new io.rutile.protocol.KeyRange(key(RAW), key("r\0\0\2")))))
                        .totalBytes())
                .isEqualTo(2 * (RAW.length() + 1 + 1));
        await(store.storage.rawDeleteRange(v2(), "", new io.rutile.protocol.KeyRange(key(RAW), key("r\0\0\2"))));
        assertThat(pairs(store.storage.rawScan(v2(), "", new RawScan(key(RAW), key("r\0\0\2"), 10, false, false))))
                .isEmpty();
    }

    @Test
    void rawPairsExpire() {
        rawPut(RAW + "k", "v", 2);
        assertThat(await(store.storage.rawGetKeyTtl(v2(), "", key(RAW + "k")))).hasValue(2);

        store.clock.advance(Duration.ofSeconds(3));

        assertThat(await(store.storage.rawGet(v2(), "", key(RAW + "k")))).isEmpty();
    }

    @Test
    void w11NoColumnFamilyHasAName() {
        for (String cf : List.of("default", "nope", "write")) {
            assertThat(rawFailure(store.storage.rawGet(v2(), cf, key(RAW + "k"))))
                    .startsWith("cf is deprecated in API V2");
        }
    }

    @Test
    void keysOutsideTheirKeySpaceAreRefused() {
        for (String key : List.of("k", "", "r\0\0", TXN + "k")) {
            assertThat(rawFailure(store.storage.rawPut(v2(), "", key(key), bytes("v"), 0)))
                    .startsWith("InvalidKeyMode");
        }
        for (String key : List.of("k", "", "x\0\0", RAW + "k")) {
            assertThat(get(v2(), key, 10).getError().getAbort()).startsWith("InvalidKeyMode");
            assertThat(prewrite(v2(), key, "v", 10).getErrors(0).getAbort()).startsWith("InvalidKeyMode");
        }
        assertThat(store.kv.writes()).isEmpty();
    }

    @Test
    void e09RequestsOfV1AreRefusedButForASqlServersOwn() {
        assertThat(rawFailure(store.storage.rawGet(ctx(APIVersion.V1), "", key("k"))))
                .contains("Api version in request does not match");
        assertThat(get(ctx(APIVersion.V1), "k", 10).getError().getAbort()).startsWith("InvalidKeyMode");
        assertThat(get(ctx(APIVersion.V1), "mMeta", 10).getNotFound()).isTrue();
        assertThat(get(ctx(APIVersion.V1TTL), TXN + "k", 10).getError().getAbort())
                .startsWith("ApiVersionNotMatched");
    }

    @Test
    void theKeySpacesBytesAreNotCountedAgainstTheKeysLength() {
        String longest = "k".repeat(8192);
        rawPut(RAW + longest, "v", 0);

        assertThat(await(store.storage.rawGet(v2(), "", key(RAW + longest)))).isPresent();
        assertThat(rawFailure(store.storage.rawPut(v2(), "", ByteKey.wrap(bytes(RAW + longest + "k")), bytes(""), 0)))
                .contains("max key size exceeded");
    }
}
