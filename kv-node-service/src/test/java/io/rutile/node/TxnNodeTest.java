package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.client.rpc.Endpoint;
import io.rutile.node.deadlock.PdDetectorLookup;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.deadlock.DeadlockGrpc;
import io.rutile.protocol.deadlock.WaitForEntriesRequest;
import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.Deadlock;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What whole nodes do for transactions beside answering requests. Two of them, with a replica each of the one Region. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TxnNodeTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path dir;

    private FakePd pd;
    private final List<TestNode> nodes = new ArrayList<>();

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        pd.wantReplicas(2);
        nodes.add(new TestNode(pd, dir.resolve("n0")).start());
        nodes.add(new TestNode(pd, dir.resolve("n1")).start());
        await().atMost(PATIENCE)
                .until(() -> pd.firstRegion()
                        .filter(beat -> beat.getRegion().getPeersCount() == 2)
                        .filter(beat -> beat.getPendingPeersCount() == 0)
                        .isPresent());
    }

    @AfterAll
    void stop() throws Exception {
        nodes.forEach(TestNode::close);
        pd.close();
    }

    private RegionHeartbeatRequest beat() {
        return pd.firstRegion().orElseThrow();
    }

    private TestNode leader() {
        return node(beat().getLeader());
    }

    private TestNode node(Peer peer) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == peer.getStoreId())
                .findFirst()
                .orElseThrow();
    }

    private Peer follower() {
        return beat().getRegion().getPeersList().stream()
                .filter(peer -> peer.getId() != beat().getLeader().getId())
                .findFirst()
                .orElseThrow();
    }

    private Context context() {
        return TestNode.context(beat().getRegion(), beat().getLeader());
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private void put(String key, String value, long startTs, long commitTs) {
        var prewritten = leader().stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(context())
                        .addMutations(Mutation.newBuilder()
                                .setOp(Op.Put)
                                .setKey(bytes(key))
                                .setValue(bytes(value)))
                        .setPrimaryLock(bytes(key))
                        .setStartVersion(startTs)
                        .setLockTtl(3_000)
                        .build());
        assertThat(prewritten.getErrorsList()).isEmpty();
        assertThat(prewritten.hasRegionError()).isFalse();
        var committed = leader().stub()
                .kvCommit(CommitRequest.newBuilder()
                        .setContext(context())
                        .setStartVersion(startTs)
                        .addKeys(bytes(key))
                        .setCommitVersion(commitTs)
                        .build());
        assertThat(committed.hasError()).isFalse();
    }

    private String get(String key, long ts) {
        return leader().stub()
                .kvGet(GetRequest.newBuilder()
                        .setContext(context())
                        .setKey(bytes(key))
                        .setVersion(ts)
                        .build())
                .getValue()
                .toStringUtf8();
    }

    private PessimisticLockResponse lock(String key, long ts, boolean first) {
        return leader().stub()
                .kvPessimisticLock(PessimisticLockRequest.newBuilder()
                        .setContext(context())
                        .addMutations(
                                Mutation.newBuilder().setOp(Op.PessimisticLock).setKey(bytes(key)))
                        .setPrimaryLock(bytes(key))
                        .setStartVersion(ts)
                        .setForUpdateTs(ts)
                        .setLockTtl(20_000)
                        .setIsFirstLock(first)
                        .setWaitTimeout(1_000)
                        .build());
    }

    private static List<WaitForEntry> waits(TestNode of) {
        return DeadlockGrpc.newBlockingStub(of.channel())
                .withDeadlineAfter(10, TimeUnit.SECONDS)
                .getWaitForEntries(WaitForEntriesRequest.getDefaultInstance())
                .getEntriesList();
    }

    private void awaitDetector(TestNode node) {
        await().atMost(PATIENCE)
                .ignoreException(StatusRuntimeException.class)
                .until(() -> waits(node).isEmpty());
    }

    @Test
    void l15_aCircleEndsTheRequestThatClosesIt() {
        awaitDetector(leader());
        lock("l15-a", 110, true);
        lock("l15-b", 120, true);
        CompletableFuture<PessimisticLockResponse> waiting =
                CompletableFuture.supplyAsync(() -> lock("l15-b", 110, false));
        await().atMost(PATIENCE).until(() -> waits(leader()).size() == 1);

        PessimisticLockResponse closing = lock("l15-a", 120, false);

        assertThat(closing.getErrorsCount()).isEqualTo(1);
        Deadlock deadlock = closing.getErrors(0).getDeadlock();
        assertThat(deadlock.getLockTs()).isEqualTo(110);
        assertThat(deadlock.getLockKey()).isEqualTo(bytes("l15-a"));
        assertThat(deadlock.getWaitChainList())
                .extracting(WaitForEntry::getTxn, WaitForEntry::getWaitForTxn, WaitForEntry::getKey)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(110L, 120L, bytes("l15-b")),
                        org.assertj.core.groups.Tuple.tuple(120L, 110L, bytes("l15-a")));
        assertThat(waiting.join().getErrors(0).hasDeadlock()).isFalse();
        await().atMost(PATIENCE).until(() -> waits(leader()).isEmpty());
    }

    @Test
    void onlyTheStoreThatLeadsTheFirstRegionKeepsTheGraphAndItMovesAlong() {
        TestNode before = leader();
        TestNode after = node(follower());
        awaitDetector(before);
        assertThatThrownBy(() -> waits(after))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION));

        pd.transferLeader(beat().getRegion().getId(), follower());

        awaitDetector(after);
        assertThatThrownBy(() -> waits(before)).isInstanceOf(StatusRuntimeException.class);
        await().atMost(PATIENCE).until(() -> leader() == after);
    }

    @Test
    void theDetectorIsFoundThroughPd() throws Exception {
        PdClientOptions options =
                new PdClientOptions(List.of(pd.endpoint()), Duration.ofSeconds(10), Duration.ofSeconds(10));
        try (PdClient client = PdClient.connect(options, new SimpleMeterRegistry())) {
            long leads = leader().node.storeId();

            assertThat(new PdDetectorLookup(client, leads + 100).find().get(10, TimeUnit.SECONDS))
                    .contains(Endpoint.parse(leader().node.address().toString()));
            assertThat(new PdDetectorLookup(client, leads).find().get(10, TimeUnit.SECONDS))
                    .isEmpty();
        }
    }

    /** The commit timestamp that the node would choose for a write now: above everything that anybody has read at (P4). */
    private PrewriteResponse chooseCommitTs(String key, long startTs) {
        return leader().stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(context())
                        .addMutations(Mutation.newBuilder().setOp(Op.Put).setKey(bytes(key)))
                        .setPrimaryLock(bytes(key))
                        .setStartVersion(startTs)
                        .setLockTtl(3_000)
                        .setUseAsyncCommit(true)
                        .build());
    }

    @Test
    void p4_aTimestampFromTheFutureIsRefusedAtEveryDoorAndMovesNothing() {
        long nowMs = System.currentTimeMillis();
        long now = TimeStamp.of(nowMs, 0).value();
        long far = TimeStamp.of(nowMs + 10 * 60_000, 0).value();
        TikvGrpc.TikvBlockingStub node = leader().stub();
        await("the leader has heard from the oracle")
                .atMost(PATIENCE)
                .until(() -> !chooseCommitTs("future-before", now).hasRegionError());

        List<Error> refusals = List.of(
                node.kvGet(GetRequest.newBuilder()
                                .setContext(context())
                                .setKey(bytes("k"))
                                .setVersion(far)
                                .build())
                        .getRegionError(),
                node.kvBatchGet(BatchGetRequest.newBuilder()
                                .setContext(context())
                                .addKeys(bytes("k"))
                                .setVersion(far)
                                .build())
                        .getRegionError(),
                node.kvScan(ScanRequest.newBuilder()
                                .setContext(context())
                                .setLimit(1)
                                .setVersion(far)
                                .build())
                        .getRegionError(),
                node.kvScanLock(ScanLockRequest.newBuilder()
                                .setContext(context())
                                .setLimit(1)
                                .setMaxVersion(far)
                                .build())
                        .getRegionError(),
                node.kvCheckTxnStatus(CheckTxnStatusRequest.newBuilder()
                                .setContext(context())
                                .setPrimaryKey(bytes("k"))
                                .setLockTs(now)
                                .setCallerStartTs(far)
                                .setCurrentTs(now)
                                .build())
                        .getRegionError(),
                node.kvCheckSecondaryLocks(CheckSecondaryLocksRequest.newBuilder()
                                .setContext(context())
                                .addKeys(bytes("k"))
                                .setStartVersion(far)
                                .build())
                        .getRegionError());

        assertThat(refusals)
                .allSatisfy(refusal -> assertThat(refusal.getMessage())
                        .as("clients match on this text")
                        .startsWith("invalid max_ts update"));
        assertThat(new TimeStamp(chooseCommitTs("future-after", now).getMinCommitTs()).physicalMs())
                .isLessThan(nowMs + 60_000);
        assertThat(node.kvGet(GetRequest.newBuilder()
                                .setContext(context())
                                .setKey(bytes("k"))
                                .setVersion(TimeStamp.of(nowMs + 30_000, 0).value())
                                .build())
                        .hasRegionError())
                .as("clocks may differ a little")
                .isFalse();
        assertThat(new TimeStamp(chooseCommitTs("future-last", now).getMinCommitTs()).physicalMs())
                .as("and then it counts")
                .isEqualTo(nowMs + 30_000);
    }

    @Test
    void d02_p7_aNodeDropsWhatTheSafePointOfPdHides() {
        put("d02", "v10", 9, 10);
        put("d02", "v20", 19, 20);
        put("d02", "v30", 29, 30);
        assertThat(get("d02", 15)).isEqualTo("v10");

        pd.gcSafePoint(25);

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(get("d02", 15)).isEmpty());
        assertThat(get("d02", 25)).isEqualTo("v20");
        assertThat(get("d02", 35)).isEqualTo("v30");
    }
}
