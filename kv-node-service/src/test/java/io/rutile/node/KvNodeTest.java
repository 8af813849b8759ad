package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GCRequest;
import io.rutile.protocol.kvrpcpb.GetHealthFeedbackRequest;
import io.rutile.protocol.kvrpcpb.KeyRange;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawBatchDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawBatchPutRequest;
import io.rutile.protocol.kvrpcpb.RawBatchScanRequest;
import io.rutile.protocol.kvrpcpb.RawCASRequest;
import io.rutile.protocol.kvrpcpb.RawCASResponse;
import io.rutile.protocol.kvrpcpb.RawChecksumRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteRangeRequest;
import io.rutile.protocol.kvrpcpb.RawDeleteRequest;
import io.rutile.protocol.kvrpcpb.RawGetKeyTTLRequest;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.StoreSafeTSRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** One node and a PD in one JVM: it founds a cluster and serves the raw API over gRPC through Raft. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KvNodeTest {

    @TempDir
    static Path dir;

    private FakePd pd;
    private TestNode node;

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        node = new TestNode(pd, dir.resolve("n1")).start();
        await().atMost(Duration.ofSeconds(30)).until(() -> pd.firstRegion().isPresent());
    }

    @AfterAll
    void stop() throws Exception {
        node.close();
        pd.close();
    }

    private Context context() {
        RegionHeartbeatRequest beat = pd.firstRegion().orElseThrow();
        return TestNode.context(beat.getRegion(), beat.getLeader());
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static KvPair pair(String key, String value) {
        return KvPair.newBuilder().setKey(bytes(key)).setValue(bytes(value)).build();
    }

    @Test
    void whatWasPutIsGotAndWhatWasDeletedIsGone() {
        assertThat(node.put(context(), "k", "v").hasRegionError()).isFalse();
        assertThat(node.get(context(), "k").getValue()).isEqualTo(bytes("v"));

        node.stub()
                .rawDelete(RawDeleteRequest.newBuilder()
                        .setContext(context())
                        .setKey(bytes("k"))
                        .build());

        assertThat(node.get(context(), "k").getNotFound()).isTrue();
    }

    @Test
    void batchesAndScansGoBothWays() {
        node.stub()
                .rawBatchPut(RawBatchPutRequest.newBuilder()
                        .setContext(context())
                        .addPairs(pair("s/a", "1"))
                        .addPairs(pair("s/b", "2"))
                        .addPairs(pair("s/c", "3"))
                        .build());

        List<KvPair> up = node.stub()
                .rawScan(RawScanRequest.newBuilder()
                        .setContext(context())
                        .setStartKey(bytes("s/a"))
                        .setEndKey(bytes("s/c"))
                        .setLimit(10)
                        .build())
                .getKvsList();
        List<KvPair> down = node.stub()
                .rawScan(RawScanRequest.newBuilder()
                        .setContext(context())
                        .setStartKey(bytes("s/d"))
                        .setEndKey(bytes("s/b"))
                        .setLimit(10)
                        .setReverse(true)
                        .build())
                .getKvsList();
        List<KvPair> found = node.stub()
                .rawBatchGet(RawBatchGetRequest.newBuilder()
                        .setContext(context())
                        .addKeys(bytes("s/c"))
                        .addKeys(bytes("s/x"))
                        .build())
                .getPairsList();
        List<KvPair> scans = node.stub()
                .rawBatchScan(RawBatchScanRequest.newBuilder()
                        .setContext(context())
                        .setEachLimit(1)
                        .addRanges(
                                KeyRange.newBuilder().setStartKey(bytes("s/a")).setEndKey(bytes("s/b")))
                        .addRanges(
                                KeyRange.newBuilder().setStartKey(bytes("s/c")).setEndKey(bytes("s/d")))
                        .build())
                .getKvsList();

        assertThat(up).containsExactly(pair("s/a", "1"), pair("s/b", "2"));
        assertThat(down).containsExactly(pair("s/c", "3"), pair("s/b", "2"));
        assertThat(found).containsExactly(pair("s/c", "3"));
        assertThat(scans).containsExactly(pair("s/a", "1"), pair("s/c", "3"));
    }

    @Test
    void rangesAndBatchesAreDeletedAndCounted() {
        for (String key : List.of("d/a", "d/b", "d/c", "d/d")) {
            node.put(context(), key, "v");
        }
        node.stub()
                .rawBatchDelete(RawBatchDeleteRequest.newBuilder()
                        .setContext(context())
                        .addKeys(bytes("d/d"))
                        .build());
        node.stub()
                .rawDeleteRange(RawDeleteRangeRequest.newBuilder()
                        .setContext(context())
                        .setStartKey(bytes("d/a"))
                        .setEndKey(bytes("d/c"))
                        .build());

        var sum = node.stub()
                .rawChecksum(RawChecksumRequest.newBuilder()
                        .setContext(context())
                        .addRanges(
                                KeyRange.newBuilder().setStartKey(bytes("d/")).setEndKey(bytes("d0")))
                        .build());

        assertThat(sum.getTotalKvs()).isEqualTo(1);
        assertThat(sum.getTotalBytes()).isEqualTo("d/c".length() + "v".length());
    }

    @Test
    void w13_anEmptyDeleteRangeIsRefusedWithAMessage() {
        Error error = node.stub()
                .rawDeleteRange(RawDeleteRangeRequest.newBuilder()
                        .setContext(context())
                        .setStartKey(bytes("c"))
                        .setEndKey(bytes("c"))
                        .build())
                .getRegionError();

        assertThat(error.getMessage()).isNotEmpty();
        assertThat(error.toBuilder().clearMessage().build()).isEqualTo(Error.getDefaultInstance());
    }

    @Test
    void aValueIsSwappedOnlyIfItIsTheExpectedOne() {
        RawCASResponse absent = swap(true, "", "v1");
        RawCASResponse wrong = swap(false, "v0", "v2");
        RawCASResponse right = swap(false, "v1", "v2");

        assertThat(absent.getSucceed()).isTrue();
        assertThat(absent.getPreviousNotExist()).isTrue();
        assertThat(wrong.getSucceed()).isFalse();
        assertThat(wrong.getPreviousValue()).isEqualTo(bytes("v1"));
        assertThat(right.getSucceed()).isTrue();
    }

    private RawCASResponse swap(boolean absent, String previous, String value) {
        return node.stub()
                .rawCompareAndSwap(RawCASRequest.newBuilder()
                        .setContext(context())
                        .setKey(bytes("cas"))
                        .setPreviousNotExist(absent)
                        .setPreviousValue(bytes(previous))
                        .setValue(bytes(value))
                        .build());
    }

    @Test
    void aTimeToLiveIsRefusedByAStoreWithoutOne() {
        var refused = node.stub()
                .rawPut(RawPutRequest.newBuilder()
                        .setContext(context())
                        .setKey(bytes("ttl"))
                        .setTtl(5)
                        .build());

        assertThat(refused.getError()).contains("ttl is not enabled");
        assertThat(node.stub()
                        .rawGetKeyTTL(RawGetKeyTTLRequest.newBuilder()
                                .setContext(context())
                                .setKey(bytes("ttl"))
                                .build())
                        .getError())
                .isNotEmpty();
        assertThat(node.get(context(), "ttl").getNotFound()).isTrue();
    }

    @Test
    void w03_rangesThatRunBackwardsAreOnePairWithAnError() {
        var answer = node.stub()
                .rawBatchScan(RawBatchScanRequest.newBuilder()
                        .setContext(context())
                        .setEachLimit(2)
                        .addRanges(KeyRange.newBuilder().setStartKey(bytes("b")).setEndKey(bytes("a")))
                        .build());

        assertThat(answer.getKvsList()).hasSize(1);
        assertThat(answer.getKvs(0).getError().getAbort()).contains("Invalid KeyRanges");
        assertThat(answer.getKvs(0).getKey().isEmpty()).isTrue();
    }

    @Test
    void w11_anUnknownColumnFamilyIsNamedInTheError() {
        var answer = node.stub()
                .rawGet(RawGetRequest.newBuilder()
                        .setContext(context())
                        .setKey(bytes("k"))
                        .setCf("nope")
                        .build());

        assertThat(answer.getError()).contains("invalid cf name: nope");
    }

    @Test
    void e01_anotherStoresRequestIsRefused() {
        Context other = context().toBuilder()
                .setPeer(context().getPeer().toBuilder().setStoreId(99))
                .build();

        Error error = node.get(other, "k").getRegionError();

        assertThat(error.getStoreNotMatch().getRequestStoreId()).isEqualTo(99);
        assertThat(error.getStoreNotMatch().getActualStoreId()).isEqualTo(node.node.storeId());
    }

    @Test
    void e04_anyOtherVersionIsAnotherEpoch() {
        for (long version : new long[] {0, 2, 99}) {
            Context other = context().toBuilder()
                    .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(version))
                    .build();

            assertThat(node.get(other, "k").getRegionError().getEpochNotMatch().getCurrentRegionsList())
                    .containsExactly(pd.firstRegion().orElseThrow().getRegion());
            assertThat(node.put(other, "k", "v").getRegionError().hasEpochNotMatch())
                    .isTrue();
        }
    }

    @Test
    void e06_anUnknownRegionIsNotFound() {
        Context other = context().toBuilder().setRegionId(4711).build();

        assertThat(node.get(other, "k").getRegionError().getRegionNotFound().getRegionId())
                .isEqualTo(4711);
    }

    @Test
    void anotherIncarnationsRequestIsRefused() {
        Context other = context().toBuilder()
                .setPeer(context().getPeer().toBuilder().setId(99))
                .build();

        assertThat(node.get(other, "k").getRegionError().getMismatchPeerId().getRequestPeerId())
                .isEqualTo(99);
    }

    @Test
    void e07_anotherClustersRequestIsAnInvalidArgument() {
        Context other = context().toBuilder().setClusterId(1).build();
        Context named = context().toBuilder().setClusterId(FakePd.CLUSTER_ID).build();

        assertThatThrownBy(() -> node.get(other, "k"))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT));
        assertThat(node.get(named, "missing").hasRegionError()).isFalse();
    }

    @Test
    void e09_anotherApiVersionIsRefused() {
        Context other = context().toBuilder().setApiVersion(APIVersion.V2).build();

        assertThat(node.get(other, "k").getError()).isNotEmpty();
    }

    @Test
    void aRequestWithoutAContextIsRefusedAndHurtsNobody() {
        assertThat(node.stub()
                        .rawGet(RawGetRequest.getDefaultInstance())
                        .getRegionError()
                        .hasStoreNotMatch())
                .isTrue();
        assertThat(node.get(
                                Context.newBuilder()
                                        .setRegionId(context().getRegionId())
                                        .setPeer(context().getPeer())
                                        .build(),
                                "k")
                        .getRegionError()
                        .getMessage())
                .contains("missing epoch");
        assertThat(node.get(
                                context().toBuilder()
                                        .setPeer(Peer.newBuilder().setId(-1).setStoreId(-1))
                                        .build(),
                                "k")
                        .getRegionError()
                        .hasStoreNotMatch())
                .isTrue();
    }

    @Test
    void aValueOverEightMebibytesIsTooLarge() {
        ByteString key = bytes("large");
        ByteString fits = ByteString.copyFrom(new byte[WireLimits.ENTRY_BYTES_MAX - key.size()]);
        RawPutRequest.Builder put =
                RawPutRequest.newBuilder().setContext(context()).setKey(key);

        Error taken = node.stub().rawPut(put.setValue(fits).build()).getRegionError();
        Error refused = node.stub()
                .rawPut(put.setValue(ByteString.copyFrom(new byte[WireLimits.ENTRY_BYTES_MAX + 1]))
                        .build())
                .getRegionError();

        assertThat(taken).isEqualTo(Error.getDefaultInstance());
        assertThat(refused.getRaftEntryTooLarge().getEntrySize()).isGreaterThan(WireLimits.ENTRY_BYTES_MAX);
        assertThat(node.get(context(), "large").getValue().size()).isEqualTo(fits.size());
    }

    @Test
    void aMessageOverTheLimitEndsItsCallOnly() {
        RawPutRequest huge = RawPutRequest.newBuilder()
                .setContext(context())
                .setKey(bytes("huge"))
                .setValue(ByteString.copyFrom(new byte[WireLimits.MESSAGE_BYTES_MAX + 1]))
                .build();

        assertThatThrownBy(() -> node.stub().rawPut(huge)).isInstanceOf(StatusRuntimeException.class);

        assertThat(node.get(context(), "missing").getNotFound()).isTrue();
    }

    @Test
    void aRequestWithoutTimeIsAnsweredWithTheTextThatClientsKnow() {
        Context hurried = context().toBuilder().setMaxExecutionDurationMs(1).build();

        await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> {
            var answer = node.stub()
                    .rawScan(RawScanRequest.newBuilder()
                            .setContext(hurried)
                            .setLimit(10_000)
                            .build());
            assertThat(answer.hasRegionError() ? answer.getRegionError().getMessage() : "served")
                    .isIn("Deadline is exceeded", "served");
        });
    }

    @Test
    void whatIsNotBuiltIsUnimplemented() {
        assertThatThrownBy(() -> node.stub().kvGC(GCRequest.getDefaultInstance()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED));
    }

    @Test
    void theStoreSaysHowItIs() {
        assertThat(HealthGrpc.newBlockingStub(node.channel())
                        .check(HealthCheckRequest.getDefaultInstance())
                        .getStatus())
                .isEqualTo(ServingStatus.SERVING);
        assertThat(node.stub()
                        .getHealthFeedback(GetHealthFeedbackRequest.getDefaultInstance())
                        .getHealthFeedback()
                        .getStoreId())
                .isEqualTo(node.node.storeId());
        // Once the Region that it leads has been looked at.
        StoreSafeTSRequest all = StoreSafeTSRequest.getDefaultInstance();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> node.stub().getStoreSafeTS(all).getSafeTs() > 0);
        assertThat(pd.storeHeartbeats()).isPositive();
        assertThat(node.metrics
                        .get("kv.rpc.duration")
                        .tag("rpc", "GetHealthFeedback")
                        .timer()
                        .count())
                .isPositive();
    }

    @Test
    void e1_garbageOnThePortEndsItsConnectionOnly() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 20; i++) {
            try (Socket socket = connect()) {
                byte[] garbage = new byte[1 + random.nextInt(4096)];
                random.nextBytes(garbage);
                socket.getOutputStream().write(garbage);
                socket.getOutputStream().flush();
                assertThat(readToEnd(socket)).as("seed %s", seed).isTrue();
            }
        }

        assertThat(node.get(context(), "missing").getNotFound()).isTrue();
    }

    @Test
    void e1_connectionsThatSayNothingDisturbNobody() throws Exception {
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                silent.add(connect());
            }

            assertThat(node.put(context(), "beside", "v").hasRegionError()).isFalse();
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    private Socket connect() throws IOException {
        Socket socket =
                new Socket(node.node.address().host(), node.node.address().port());
        socket.setSoTimeout(30_000);
        return socket;
    }

    /** True once the other side has closed. */
    private static boolean readToEnd(Socket socket) {
        try {
            InputStream in = socket.getInputStream();
            in.transferTo(java.io.OutputStream.nullOutputStream());
            return true;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }
}
