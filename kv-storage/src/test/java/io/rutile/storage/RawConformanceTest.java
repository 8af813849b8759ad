package io.rutile.storage;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.bytes;
import static io.rutile.storage.StoreFixture.ctx;
import static io.rutile.storage.StoreFixture.key;
import static io.rutile.storage.StoreFixture.keys;
import static io.rutile.storage.StoreFixture.range;
import static io.rutile.storage.StoreFixture.rawFailure;
import static io.rutile.storage.StoreFixture.regionError;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.PairBytes;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.ChecksumAlgorithm;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.LocalKv;
import io.rutile.storage.raw.RawCasRequest;
import io.rutile.storage.raw.RawChecksumResult;
import io.rutile.storage.raw.RawPair;
import io.rutile.storage.raw.RawScan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The conformance cases W01 to W14 and E09 of the raw API, by their id, and the bounds beside them. */
class RawConformanceTest {

    private static final byte[] NOTHING = {};

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // each test opens the store it wants
    private StoreFixture store;

    private StoreFixture v1() {
        store = StoreFixture.of(ApiVersion.V1, directory);
        return store;
    }

    private StoreFixture v1ttl() {
        store = StoreFixture.of(ApiVersion.V1TTL, directory);
        return store;
    }

    private StoreFixture v1WithRegion(String start, String end) {
        store = StoreFixture.withRegion(directory, start, end);
        return store;
    }

    @AfterEach
    void close() {
        store.close();
    }

    @Test
    void w01PutGetDeleteGet() {
        v1().put("k", "v");
        assertThat(store.get("k")).isEqualTo("v");

        store.delete("k");
        assertThat(store.get("k")).isEqualTo("not_found");

        store.delete("k"); // an absent key is fine
        store.put("k", "");
        assertThat(store.get("k")).isEmpty(); // an empty value is not absence
    }

    @Test
    void w02ScanBothWays() {
        v1().putAll("a", "b", "c", "d", "e");

        assertThat(store.scan("b", "d", 10)).isEqualTo("b,c");
        assertThat(store.reverseScan("d", "b", 10)).isEqualTo("c,b");
        assertThat(store.scan("a", "", 0)).isEmpty();
        assertThat(store.scan("", "", 3)).isEqualTo("a,b,c");
        assertThat(store.scan("d", "b", 10)).isEmpty();
        assertThat(store.reverseScan("", "", 10)).isEmpty(); // in reverse an empty start is not infinity
        assertThat(store.reverseScan("zz", "", 2)).isEqualTo("e,d");
        assertThat(store.scan("", "", 0xFFFF_FFFFL)).isEqualTo("a,b,c,d,e");
    }

    @Test
    void w02ScanOfKeysOnlyLeavesValuesOut() {
        v1().put("k", "v");

        List<RawPair> pairs =
                StoreFixture.pairs(store.storage.rawScan(ctx(), "", new RawScan(key(""), key(""), 10, false, true)));

        assertThat(keys(pairs)).isEqualTo("k");
        assertThat(pairs.get(0).value()).isEmpty();
    }

    @Test
    void w03BatchScan() {
        v1().putAll("a", "b", "c", "d", "e");

        assertThat(store.batchScan(2, false, range("a", ""), range("c", ""), range("e", "")))
                .isEqualTo("a,b,c,d,e");
        assertThat(store.batchScan(2, false, range("c", "d"), range("a", "b"))).isEqualTo("c,a");
        assertThat(store.batchScan(2, true, range("e", "c"), range("c", "a"))).isEqualTo("d,c,b,a");
        assertThat(batchScanFailure(false, range("c", ""), range("a", ""))).isEqualTo("Invalid KeyRanges");
        assertThat(batchScanFailure(false, range("b", "a"))).isEqualTo("Invalid KeyRanges");
        assertThat(batchScanFailure(true, range("a", "b"))).isEqualTo("Invalid KeyRanges");
        assertThat(batchScanFailure(true, range("", ""))).isEqualTo("Invalid KeyRanges");
    }

    private String batchScanFailure(boolean reverse, KeyRange... ranges) {
        return rawFailure(store.storage.rawBatchScan(ctx(), "", List.of(ranges), 2, reverse, false));
    }

    @Test
    void w04ScansOfAStoreWithTtlShowWhatWasPut() {
        v1ttl().put("a", "v", 2);
        store.put("b", "");

        List<RawPair> pairs =
                StoreFixture.pairs(store.storage.rawScan(ctx(), "", new RawScan(key(""), key(""), 10, false, false)));

        assertThat(keys(pairs)).isEqualTo("a,b");
        assertThat(pairs.get(0).value()).isEqualTo(bytes("v"));
        assertThat(pairs.get(1).value()).isEmpty();
    }

    @Test
    void w04TtlExpires() {
        v1ttl().put("k", "v", 2);
        store.put("stays", "v");
        assertThat(ttl("k")).isEqualTo(OptionalLong.of(2));
        assertThat(ttl("stays")).isEqualTo(OptionalLong.of(0));

        store.clock.advance(Duration.ofSeconds(1));
        assertThat(ttl("k")).isEqualTo(OptionalLong.of(1));
        assertThat(store.get("k")).isEqualTo("v");

        store.clock.advance(Duration.ofSeconds(1)); // expired = expiry ≤ now
        assertThat(ttl("k")).isEmpty();
        assertThat(store.get("k")).isEqualTo("not_found");
        assertThat(store.scan("", "", 10)).isEqualTo("stays");
        assertThat(store.reverseScan("z", "", 1)).isEqualTo("stays");
        assertThat(await(store.storage.rawBatchGet(ctx(), "", List.of(key("k")))))
                .isEmpty();
        assertThat(store.cas("k", "v", "w")).isEqualTo("fail not_exist");
        assertThat(store.cas("k", null, "w", 5)).isEqualTo("succeed not_exist");
        assertThat(ttl("k")).isEqualTo(OptionalLong.of(5));
    }

    @Test
    void w04PutWithoutTtlForgetsTheOldOne() {
        v1ttl().put("k", "v", 2);
        store.put("k", "w");

        store.clock.advance(Duration.ofDays(1));

        assertThat(store.get("k")).isEqualTo("w");
    }

    @Test
    void w04ATtlBeyondTheEndOfTimeNeverEnds() {
        v1ttl().put("k", "v", -1L); // 2^64-1 on the wire

        store.clock.advance(Duration.ofDays(365_000));

        assertThat(store.get("k")).isEqualTo("v");
    }

    private OptionalLong ttl(String key) {
        return await(store.storage.rawGetKeyTtl(ctx(), "", key(key)));
    }

    @Test
    void w05TtlOnAStoreWithoutTtlIsRefused() {
        Storage storage = v1().storage;

        assertThat(rawFailure(storage.rawPut(ctx(), "", key("k"), bytes("v"), 5)))
                .contains("ttl is not enabled");
        assertThat(rawFailure(storage.rawBatchPut(ctx(), "", pairs("a", "b"), List.of(0L, 5L))))
                .contains("ttl is not enabled");
        assertThat(rawFailure(storage.rawCompareAndSwap(ctx(), "", new RawCasRequest(key("k"), null, bytes("v"), 5))))
                .contains("ttl is not enabled");
        assertThat(rawFailure(storage.rawGetKeyTtl(ctx(), "", key("k")))).contains("ttl is not enabled");
        assertThat(store.kv.writes()).isEmpty();
        await(storage.rawBatchPut(ctx(), "", pairs("a", "b"), List.of(0L, 0L, 0L)));
        assertThat(store.scan("", "", 10)).isEqualTo("a,b");
    }

    @Test
    void w06TtlsMustFitThePairs() {
        Storage storage = v1ttl().storage;

        assertThat(rawFailure(storage.rawBatchPut(ctx(), "", pairs("a", "b", "c"), List.of(1L, 2L))))
                .startsWith("The length of ttls does not equal");
        assertThat(store.kv.writes()).isEmpty();

        await(storage.rawBatchPut(ctx(), "", pairs("a", "b", "c"), List.of(9L)));
        assertThat(ttl("a")).isEqualTo(OptionalLong.of(9));
        assertThat(ttl("c")).isEqualTo(OptionalLong.of(9));

        await(storage.rawBatchPut(ctx(), "", pairs("a", "b", "c"), List.of(1L, 2L, 3L)));
        assertThat(ttl("b")).isEqualTo(OptionalLong.of(2));

        await(storage.rawBatchPut(ctx(), "", pairs("a", "b", "c"), List.of()));
        assertThat(ttl("b")).isEqualTo(OptionalLong.of(0));
    }

    @Test
    void w07CompareAndSwap() {
        v1();

        assertThat(store.cas("k", null, "v1")).isEqualTo("succeed not_exist");
        assertThat(store.cas("k", "v0", "v2")).isEqualTo("fail 'v1'");
        assertThat(store.cas("k", null, "v2")).isEqualTo("fail 'v1'");
        assertThat(store.cas("k", "v1", "v2")).isEqualTo("succeed 'v1'");
        assertThat(store.get("k")).isEqualTo("v2");
    }

    @Test
    void w08CompareAndSwapDeletes() {
        v1().put("k", "v");

        assertThat(store.cas("k", "v", null)).isEqualTo("succeed 'v'");

        assertThat(store.get("k")).isEqualTo("not_found");
    }

    @Test
    void w09DeleteRange() {
        v1().putAll("a", "b", "c");

        await(store.storage.rawDeleteRange(ctx(), "", range("a", "c")));
        assertThat(store.scan("", "", 10)).isEqualTo("c");

        store.putAll("a", "b");
        await(store.storage.rawDeleteRange(ctx(), "", range("b", "")));
        assertThat(store.scan("", "", 10)).isEqualTo("a");
    }

    @Test
    void w10BatchGetAnswersWhatIsThere() {
        v1().putAll("k", "m");

        List<RawPair> found = await(store.storage.rawBatchGet(ctx(), "", List.of(key("m"), key("missing"), key("k"))));

        assertThat(keys(found)).isEqualTo("m,k");
    }

    @Test
    void w11ColumnFamilies() {
        Storage storage = v1().storage;
        await(storage.rawPut(ctx(), "default", key("k"), bytes("in default"), 0));
        await(storage.rawPut(ctx(), "write", key("k"), bytes("in write"), 0));
        await(storage.rawPut(ctx(), "lock", key("k"), bytes("in lock"), 0));

        assertThat(await(storage.rawGet(ctx(), "", key("k")))).hasValue(bytes("in default"));
        assertThat(await(storage.rawGet(ctx(), "write", key("k")))).hasValue(bytes("in write"));
        assertThat(await(storage.rawGet(ctx(), "lock", key("k")))).hasValue(bytes("in lock"));
        assertThat(rawFailure(storage.rawGet(ctx(), "nope", key("k")))).isEqualTo("invalid cf name: nope");
        assertThat(rawFailure(storage.rawPut(ctx(), "raw", key("k"), NOTHING, 0)))
                .isEqualTo("invalid cf name: raw");
        // Raw pairs never lie where transactions look.
        for (Cf transactional : List.of(Cf.DEFAULT, Cf.LOCK, Cf.WRITE)) {
            assertThat(store.kv.engine().get(transactional, bytes("k"))).isNull();
        }
    }

    @Test
    void w12TheEmptyKeyIsLikeAnyOther() {
        v1().put("", "v");
        assertThat(store.get("")).isEqualTo("v");

        await(store.storage.rawBatchPut(ctx(), "", pairs("", "a"), List.of()));
        assertThat(keys(StoreFixture.pairs(
                        store.storage.rawScan(ctx(), "", new RawScan(key(""), key(""), 9, false, false)))))
                .isEqualTo(",a");
        assertThat(store.reverseScan("b", "", 9)).isEqualTo("a,");

        store.delete("");
        assertThat(store.get("")).isEqualTo("not_found");
        assertThat(store.cas("", null, "w")).isEqualTo("succeed not_exist");
    }

    @Test
    void w13RegionBorders() {
        v1WithRegion("b", "d").putAll("b", "c");

        assertThat(regionError(scanning("", "", false)).hasKeyNotInRegion()).isTrue();
        assertThat(regionError(scanning("", "", true)).hasKeyNotInRegion()).isTrue();
        assertThat(regionError(scanning("e", "", false)).hasKeyNotInRegion()).isTrue();
        assertThat(store.reverseScan("d", "b", 10)).isEqualTo("c,b");
        assertThat(store.reverseScan("d", "a", 10)).isEqualTo("c,b"); // the far end is clipped
        assertThat(store.scan("b", "z", 10)).isEqualTo("b,c");
        assertThat(store.scan("d", "z", 10)).isEmpty();
        assertThat(regionError(store.storage.rawGet(ctx(), "", key("d"))).getKeyNotInRegion())
                .satisfies(outside -> {
                    assertThat(outside.getKey().toStringUtf8()).isEqualTo("d");
                    assertThat(outside.getRegionId()).isEqualTo(LocalKv.REGION_ID);
                    assertThat(outside.getStartKey().toStringUtf8()).isEqualTo("b");
                    assertThat(outside.getEndKey().toStringUtf8()).isEqualTo("d");
                });
        assertThat(regionError(store.storage.rawPut(ctx(), "", key("a"), NOTHING, 0))
                        .hasKeyNotInRegion())
                .isTrue();
        assertThat(regionError(deleting("b", "")).hasKeyNotInRegion()).isTrue();
        assertThat(regionError(deleting("b", "dd")).hasKeyNotInRegion()).isTrue();
        assertThat(regionError(deleting("a", "c")).hasKeyNotInRegion()).isTrue();
        Error empty = regionError(deleting("c", "c"));
        assertThat(empty.getMessage()).isNotEmpty();
        assertThat(empty.toBuilder().clearMessage().build()).isEqualTo(Error.getDefaultInstance());
        assertThat(store.scan("b", "", 10)).isEqualTo("b,c"); // nothing was deleted

        await(deleting("b", "d"));
        assertThat(store.scan("b", "", 10)).isEmpty();
    }

    private CompletableFuture<PairBytes> scanning(String start, String end, boolean reverse) {
        return store.storage.rawScan(ctx(), "", new RawScan(key(start), key(end), 10, reverse, false));
    }

    private CompletableFuture<Void> deleting(String start, String end) {
        return store.storage.rawDeleteRange(ctx(), "", range(start, end));
    }

    @Test
    void w14CompareAndSwapWithNothingThere() {
        v1();

        assertThat(store.cas("k", null, null)).isEqualTo("succeed not_exist");
        assertThat(store.kv.writes()).isEmpty();
        assertThat(store.cas("k", "", "v")).isEqualTo("fail not_exist"); // "" never matches absence

        store.put("k", "");
        assertThat(store.cas("k", "", "v")).isEqualTo("succeed ''");
        assertThat(store.get("k")).isEqualTo("v");
    }

    @Test
    void e09AnotherApiVersionIsRefused() {
        Storage storage = v1().storage;
        Context v2 =
                StoreFixture.request().toBuilder().setApiVersion(APIVersion.V2).build();
        KvContext ctx =
                KvContext.of(v2, System.nanoTime() + Duration.ofSeconds(9).toNanos());

        assertThat(rawFailure(storage.rawGet(ctx, "", key("k"))))
                .isEqualTo("Api version in request does not match with TiKV storage, storage: V1, request: V2");
        assertThat(rawFailure(storage.rawPut(ctx, "", key("k"), NOTHING, 0))).contains("Api version");
        assertThat(rawFailure(storage.rawScan(ctx, "", new RawScan(key(""), key(""), 1, false, false))))
                .contains("Api version");
        assertThat(rawFailure(storage.rawChecksum(ctx, ChecksumAlgorithm.Crc64_Xor, List.of())))
                .contains("Api version");
    }

    @Test
    void checksumDependsOnPairsAndNothingElse() {
        v1ttl().put("a", "1");
        store.put("b", "2", 3);
        store.put("z", "outside");
        RawChecksumResult both = checksum(range("a", "c"));
        assertThat(both.totalKvs()).isEqualTo(2);
        assertThat(both.totalBytes()).isEqualTo(4);
        assertThat(checksum(range("a", "b"), range("b", "c"))).isEqualTo(both);
        RawChecksumResult one = checksum(range("a", "b"));

        store.clock.advance(Duration.ofSeconds(3));

        assertThat(checksum(range("a", "c"))).isEqualTo(one).isNotEqualTo(both);
        assertThat(checksum(range("m", "n"))).isEqualTo(new RawChecksumResult(0, 0, 0));
        assertThat(rawFailure(
                        store.storage.rawChecksum(ctx(), ChecksumAlgorithm.UNRECOGNIZED, List.of(range("a", "c")))))
                .contains("unknown checksum algorithm");
    }

    private RawChecksumResult checksum(KeyRange... ranges) {
        return await(store.storage.rawChecksum(ctx(), ChecksumAlgorithm.Crc64_Xor, List.of(ranges)));
    }

    @Test
    void e1KeysAndValuesHaveALongestLength() {
        Storage storage = v1().storage;
        String longest = "k".repeat(WireLimits.KEY_BYTES_MAX);
        store.put(longest, "v");
        assertThat(store.get(longest)).isEqualTo("v");

        assertThat(rawFailure(storage.rawPut(ctx(), "", key(longest + "k"), NOTHING, 0)))
                .isEqualTo("max key size exceeded, size: 8193, limit: 8192");
        assertThat(rawFailure(storage.rawDelete(ctx(), "", key(longest + "k")))).contains("max key size exceeded");
        assertThat(rawFailure(
                        storage.rawCompareAndSwap(ctx(), "", new RawCasRequest(key(longest + "k"), null, NOTHING, 0))))
                .contains("max key size exceeded");
        assertThat(store.get(longest + "k")).isEqualTo("not_found");

        byte[] tooLarge = new byte[WireLimits.ENTRY_BYTES_MAX + 1];
        Error refused = regionError(storage.rawPut(ctx(), "", key("k"), tooLarge, 0));
        assertThat(refused.getRaftEntryTooLarge().getEntrySize()).isEqualTo(tooLarge.length + 1);
        assertThat(refused.getRaftEntryTooLarge().getRegionId()).isEqualTo(LocalKv.REGION_ID);
        assertThat(regionError(storage.rawCompareAndSwap(ctx(), "", new RawCasRequest(key("k"), null, tooLarge, 0)))
                        .hasRaftEntryTooLarge())
                .isTrue();
        assertThat(store.get("k")).isEqualTo("not_found");
    }

    @Test
    void r10BatchesHaveALargestSize() {
        Storage storage = v1().storage;
        List<RawPair> pairs = new ArrayList<>();
        IntStream.rangeClosed(0, WireLimits.BATCH_ITEMS_MAX)
                .forEach(i -> pairs.add(new RawPair(key("k" + i), NOTHING)));
        List<ByteKey> keys = pairs.stream().map(RawPair::key).toList();

        assertThat(regionError(storage.rawBatchPut(ctx(), "", pairs, List.of())).hasRaftEntryTooLarge())
                .isTrue();
        assertThat(regionError(storage.rawBatchGet(ctx(), "", keys)).hasRaftEntryTooLarge())
                .isTrue();
        assertThat(regionError(storage.rawBatchDelete(ctx(), "", keys)).hasRaftEntryTooLarge())
                .isTrue();
        await(storage.rawBatchPut(ctx(), "", pairs.subList(1, pairs.size()), List.of()));
        assertThat(await(storage.rawBatchGet(ctx(), "", keys.subList(1, keys.size()))))
                .hasSize(WireLimits.BATCH_ITEMS_MAX);
    }

    @Test
    void r10AScanIsCompleteOrRefusedButNeverCutShort() {
        v1();
        for (int from = 0; from <= WireLimits.SCAN_PAIRS_MAX; from += WireLimits.BATCH_ITEMS_MAX) {
            List<RawPair> pairs = IntStream.range(from, from + WireLimits.BATCH_ITEMS_MAX)
                    .mapToObj(i -> new RawPair(key("k%06d".formatted(i)), NOTHING))
                    .toList();
            await(store.storage.rawBatchPut(ctx(), "", pairs, List.of()));
        }

        Error refused = regionError(
                store.storage.rawScan(ctx(), "", new RawScan(key(""), key(""), 1_000_000_000, false, true)));
        assertThat(refused.hasRaftEntryTooLarge()).isTrue();
        assertThat(refused.getMessage()).contains("ask for fewer pairs");
        RawScan atTheBound = new RawScan(key(""), key(""), WireLimits.SCAN_PAIRS_MAX, false, true);
        assertThat(StoreFixture.pairs(store.storage.rawScan(ctx(), "", atTheBound)))
                .hasSize(WireLimits.SCAN_PAIRS_MAX);
        RawScan fewInRange = new RawScan(key("k000000"), key("k000100"), 1_000_000_000, false, true);
        assertThat(StoreFixture.pairs(store.storage.rawScan(ctx(), "", fewInRange)))
                .hasSize(100);
    }

    @Test
    void r10AnAnswerHasALargestSize() {
        store = new StoreFixture(
                LocalKv.open(directory),
                StorageOptions.builder(ApiVersion.V1).answerBytesMax(10_000).build());
        for (int i = 0; i < 12; i++) {
            store.put("k" + i, "v".repeat(1000));
        }

        assertThat(regionError(scanning("", "", false)).hasRaftEntryTooLarge()).isTrue();
        assertThat(store.scan("", "", 9)).isEqualTo("k0,k1,k10,k11,k2,k3,k4,k5,k6");
        List<ByteKey> all = IntStream.range(0, 12).mapToObj(i -> key("k" + i)).toList();
        assertThat(regionError(store.storage.rawBatchGet(ctx(), "", all)).hasRaftEntryTooLarge())
                .isTrue();
    }

    @Test
    void deadlineInThePastIsNotWorkedFor() {
        v1();
        KvContext late = ctx(Duration.ofSeconds(-1));

        assertThat(regionError(store.storage.rawGet(late, "", key("k"))).getMessage())
                .isEqualTo("Deadline is exceeded");
        assertThat(regionError(store.storage.rawPut(late, "", key("k"), NOTHING, 0))
                        .getMessage())
                .isEqualTo("Deadline is exceeded");
        assertThat(store.kv.writes()).isEmpty();
    }

    private static List<RawPair> pairs(String... keys) {
        return List.of(keys).stream()
                .map(key -> new RawPair(key(key), bytes("v" + key)))
                .toList();
    }
}
