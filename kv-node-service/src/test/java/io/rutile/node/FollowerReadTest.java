package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.RawBatchGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Reads at replicas that don't lead, over three nodes of which one or another hears late what is said to it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FollowerReadTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Reads the newest there is; raises no max_ts. */
    private static final long NEWEST = -1;

    private static final Duration STORM = Duration.ofSeconds(5);

    @TempDir
    static Path dir;

    private FakePd pd;
    private final List<TestNode> nodes = new ArrayList<>();
    private final List<SlowRelay> relays = new ArrayList<>();
    private final AtomicLong timestamps = new AtomicLong(100L << 18);

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        pd.tellTimeFrom(timestamps.get());
        open();
        awaitReplicas(1);
        pd.wantReplicas(3);
        open();
        open();
        awaitReplicas(3);
    }

    private void open() throws Exception {
        SlowRelay relay = new SlowRelay();
        relays.add(relay);
        TestNode node = new TestNode(TestNode.reachedBy(
                TestNode.options(List.of(pd.endpoint()), dir.resolve("n" + nodes.size())), relay.address()));
        nodes.add(node.start());
        relay.to(node.node.raftAddress());
    }

    @AfterAll
    void stop() throws Exception {
        for (SlowRelay relay : relays) {
            relay.release();
        }
        nodes.forEach(TestNode::close);
        for (SlowRelay relay : relays) {
            relay.close();
        }
        pd.close();
    }

    private RegionHeartbeatRequest beat() {
        return pd.firstRegion().orElseThrow();
    }

    private void awaitReplicas(int count) {
        await().atMost(PATIENCE)
                .until(() -> pd.firstRegion()
                        .filter(beat -> beat.getRegion().getPeersCount() == count)
                        .filter(beat -> beat.getPendingPeersCount() == 0)
                        .isPresent());
    }

    private TestNode nodeOf(Peer peer) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == peer.getStoreId())
                .findFirst()
                .orElseThrow();
    }

    private SlowRelay relayOf(Peer peer) {
        return relays.get(nodes.indexOf(nodeOf(peer)));
    }

    private List<Peer> followers() {
        RegionHeartbeatRequest beat = beat();
        return beat.getRegion().getPeersList().stream()
                .filter(peer -> peer.getId() != beat.getLeader().getId())
                .toList();
    }

    private Context replicaRead(Peer peer) {
        return TestNode.context(beat().getRegion(), peer).toBuilder()
                .setReplicaRead(true)
                .build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    /** Puts by the leader that PD knows, until it is acknowledged. */
    private void put(String key, String value) {
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(5))
                .until(() -> {
                    RegionHeartbeatRequest beat = beat();
                    return !nodeOf(beat.getLeader())
                            .put(TestNode.context(beat.getRegion(), beat.getLeader()), key, value)
                            .hasRegionError();
                });
    }

    private static double served(TestNode node) {
        return node.metrics.get("kv.raft.follower.reads").timer().count();
    }

    @Test
    void r7_everyFollowerServesRawReadsThatAskForIt() {
        for (Peer follower : followers()) {
            TestNode node = nodeOf(follower);
            double before = served(node);
            put("raw-a", "1 at " + follower.getId());
            put("raw-b", "2");

            RawGetResponse got = node.get(replicaRead(follower), "raw-a");
            var batch = node.stub()
                    .rawBatchGet(RawBatchGetRequest.newBuilder()
                            .setContext(replicaRead(follower))
                            .addKeys(bytes("raw-a"))
                            .addKeys(bytes("raw-b"))
                            .build());
            var scan = node.stub()
                    .rawScan(RawScanRequest.newBuilder()
                            .setContext(replicaRead(follower))
                            .setStartKey(bytes("raw-"))
                            .setEndKey(bytes("raw-z"))
                            .setLimit(10)
                            .build());

            assertThat(got.getValue().toStringUtf8()).isEqualTo("1 at " + follower.getId());
            assertThat(batch.getPairsCount()).isEqualTo(2);
            assertThat(scan.getKvsCount()).isEqualTo(2);
            assertThat(served(node) - before).isGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void aFollowerWritesNothingAndAnswersTheLeadersQuestionsOnlyIfAsked() {
        Peer follower = followers().get(0);
        TestNode node = nodeOf(follower);

        Error put = node.put(replicaRead(follower), "k", "v").getRegionError();
        Error prewrite = node.stub()
                .kvPrewrite(prewrite("k", timestamps.incrementAndGet(), false).toBuilder()
                        .setContext(replicaRead(follower))
                        .build())
                .getRegionError();
        Error plain =
                node.get(TestNode.context(beat().getRegion(), follower), "k").getRegionError();

        assertThat(put.getNotLeader().getLeader()).isEqualTo(beat().getLeader());
        assertThat(prewrite.getNotLeader().getLeader()).isEqualTo(beat().getLeader());
        assertThat(plain.getNotLeader().getLeader()).isEqualTo(beat().getLeader());
    }

    @Test
    void aFollowerLooksAtPeerTermAndEpochAsALeaderDoes() {
        Peer follower = followers().get(0);
        TestNode node = nodeOf(follower);
        Context good = replicaRead(follower);
        RegionEpoch newer = good.getRegionEpoch().toBuilder()
                .setVersion(good.getRegionEpoch().getVersion() + 1)
                .build();
        Peer stranger = follower.toBuilder().setId(follower.getId() + 1_000).build();

        assertThat(node.get(good.toBuilder().setRegionEpoch(newer).build(), "k")
                        .getRegionError()
                        .hasEpochNotMatch())
                .isTrue();
        assertThat(node.get(good.toBuilder().setPeer(stranger).build(), "k")
                        .getRegionError()
                        .hasMismatchPeerId())
                .isTrue();
        pd.transferLeader(beat().getRegion().getId(), follower);
        await().atMost(PATIENCE).until(() -> beat().getLeader().getId() == follower.getId());
        Peer other = followers().get(0);
        long twoTermsAgo = beat().getTerm() - 2;
        if (twoTermsAgo > 0) {
            assertThat(nodeOf(other)
                            .get(
                                    replicaRead(other).toBuilder()
                                            .setTerm(twoTermsAgo)
                                            .build(),
                                    "k")
                            .getRegionError()
                            .hasStaleCommand())
                    .isTrue();
        }
    }

    private PrewriteRequest prewrite(String key, long startTs, boolean async) {
        return PrewriteRequest.newBuilder()
                .setContext(TestNode.context(beat().getRegion(), beat().getLeader()))
                .addMutations(
                        Mutation.newBuilder().setOp(Op.Put).setKey(bytes(key)).setValue(bytes("v" + startTs)))
                .setPrimaryLock(bytes(key))
                .setStartVersion(startTs)
                .setMinCommitTs(startTs + 1)
                .setUseAsyncCommit(async)
                .setLockTtl(20_000)
                .build();
    }

    private GetResponse get(Peer peer, Context context, String key, long version) {
        return nodeOf(peer)
                .stub()
                .kvGet(GetRequest.newBuilder()
                        .setContext(context)
                        .setKey(bytes(key))
                        .setVersion(version)
                        .build());
    }

    @Test
    void aFollowerServesTransactionalReads() {
        long startTs = timestamps.addAndGet(10);
        Peer leader = beat().getLeader();
        PrewriteResponse locked = nodeOf(leader).stub().kvPrewrite(prewrite("txn", startTs, false));
        assertThat(locked.hasRegionError() || locked.getErrorsCount() > 0).isFalse();
        Peer follower = followers().get(0);

        assertThat(get(follower, replicaRead(follower), "txn", startTs + 5)
                        .getError()
                        .getLocked()
                        .getLockVersion())
                .isEqualTo(startTs);
        assertThat(nodeOf(leader)
                        .stub()
                        .kvCommit(CommitRequest.newBuilder()
                                .setContext(TestNode.context(beat().getRegion(), leader))
                                .addKeys(bytes("txn"))
                                .setStartVersion(startTs)
                                .setCommitVersion(startTs + 2)
                                .build())
                        .hasRegionError())
                .isFalse();

        assertThat(get(follower, replicaRead(follower), "txn", startTs + 5)
                        .getValue()
                        .toStringUtf8())
                .isEqualTo("v" + startTs);
        assertThat(get(follower, replicaRead(follower), "txn", startTs + 1).getNotFound())
                .isTrue();
        var scan = nodeOf(follower)
                .stub()
                .kvScan(ScanRequest.newBuilder()
                        .setContext(replicaRead(follower))
                        .setStartKey(bytes("txn"))
                        .setEndKey(bytes("txo"))
                        .setLimit(10)
                        .setVersion(startTs + 5)
                        .build());
        assertThat(scan.getPairsCount()).isEqualTo(1);
    }

    /** A commit timestamp that the leader chooses later must be above what a follower has shown. */
    @Test
    void p4_aReadAtAFollowerRaisesTheLeadersMaxTs() {
        Peer follower = followers().get(0);
        long startTs = timestamps.addAndGet(10);
        // One above max_ts, so that nothing but the follower's read can have raised it past what is read at.
        long readAt = nodeOf(beat().getLeader())
                        .stub()
                        .kvPrewrite(prewrite("probe", startTs - 1, true))
                        .getMinCommitTs()
                + 1_000;
        assertThat(readAt).isGreaterThan(startTs);

        GetResponse nothing = get(follower, replicaRead(follower), "raised", readAt);
        PrewriteResponse prewritten = nodeOf(beat().getLeader()).stub().kvPrewrite(prewrite("raised", startTs, true));

        assertThat(nothing.getNotFound()).isTrue();
        assertThat(prewritten.getMinCommitTs()).isGreaterThan(readAt);
        assertThat(get(follower, replicaRead(follower), "raised", readAt).getNotFound())
                .isTrue();
    }

    /**
     * While nothing gets to the followers, an async-commit prewrite is in the leader's memory and nowhere else; what a follower asks
     * of the leader gets through.
     */
    @Test
    void p4_aLockInTheLeadersMemoryRefusesAReadAtAFollower() {
        AtomicLong attempts = new AtomicLong();
        // The leader gives up after an election timeout without its followers: a slow machine may need another go.
        await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .untilAsserted(() -> lockInMemoryIsSeen("memory-" + attempts.incrementAndGet()));
    }

    private void lockInMemoryIsSeen(String key) {
        List<Peer> followers = followers();
        Peer leader = beat().getLeader();
        Peer follower = followers.get(0);
        long startTs = timestamps.addAndGet(10);
        CompletableFuture<PrewriteResponse> prewritten = new CompletableFuture<>();
        GetResponse read;
        followers.forEach(peer -> relayOf(peer).hold());
        try {
            Thread writer = new Thread(
                    () -> prewritten.complete(nodeOf(leader).stub().kvPrewrite(prewrite(key, startTs, true))));
            writer.start();
            await().atMost(Duration.ofSeconds(2))
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(2))
                    .until(() -> get(
                                    leader,
                                    TestNode.context(beat().getRegion(), leader).toBuilder()
                                            .setMaxExecutionDurationMs(200)
                                            .build(),
                                    key,
                                    NEWEST)
                            .getError()
                            .hasLocked());
            read = get(
                    follower,
                    replicaRead(follower).toBuilder()
                            .setMaxExecutionDurationMs(300)
                            .build(),
                    key,
                    NEWEST);
        } finally {
            followers.forEach(peer -> relayOf(peer).release());
            prewritten.join();
        }

        assertThat(read.getError().getLocked().getLockVersion()).isEqualTo(startTs);
        assertThat(read.getError().getLocked().getKey()).isEqualTo(bytes(key));
        assertThat(read.getError().getLocked().getUseAsyncCommit()).isTrue();
    }

    /**
     * One writer counts up; readers on every node, followers and leader, ask without knowing who leads. With a single writer a history
     * is linearizable if every read shows at least what was acknowledged, or read by anybody, before it began, and nothing that had
     * not been begun when it ended.
     */
    @Test
    void r7_aRegisterReadAtFollowersIsLinearizableUnderTransfersAndPauses() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("FollowerReadTest seed=" + seed);
        Random random = new Random(seed);
        AtomicLong begun = new AtomicLong();
        AtomicLong acknowledged = new AtomicLong();
        AtomicLong shown = new AtomicLong();
        AtomicLong reads = new AtomicLong();
        AtomicBoolean stop = new AtomicBoolean();
        Queue<String> anomalies = new ConcurrentLinkedQueue<>();
        put("register", "0");
        List<Double> servedBefore = nodes.stream().map(FollowerReadTest::served).toList();
        List<Thread> threads = new ArrayList<>();
        threads.add(new Thread(() -> {
            while (!stop.get()) {
                long value = begun.incrementAndGet();
                put("register", Long.toString(value));
                acknowledged.set(value);
            }
        }));
        for (Peer peer : beat().getRegion().getPeersList()) {
            threads.add(new Thread(() -> {
                while (!stop.get()) {
                    long atLeast = Math.max(acknowledged.get(), shown.get());
                    RawGetResponse got = nodeOf(peer)
                            .get(
                                    replicaRead(peer).toBuilder()
                                            .setMaxExecutionDurationMs(500)
                                            .build(),
                                    "register");
                    long atMost = begun.get();
                    if (got.hasRegionError()) {
                        continue;
                    }
                    long value = Long.parseLong(got.getValue().toStringUtf8());
                    shown.accumulateAndGet(value, Math::max);
                    reads.incrementAndGet();
                    if (value < atLeast || value > atMost) {
                        anomalies.add(
                                "peer " + peer.getId() + " showed " + value + ", not in " + atLeast + ".." + atMost);
                    }
                }
            }));
        }
        threads.forEach(thread -> {
            thread.setUncaughtExceptionHandler((dead, e) -> anomalies.add(dead.getName() + " died of " + e));
            thread.start();
        });

        long end = System.nanoTime() + STORM.toNanos();
        while (System.nanoTime() < end) {
            Peer victim = followers().get(random.nextInt(2));
            int pauseMs = 50 + random.nextInt(700);
            if (random.nextBoolean()) {
                pd.transferLeader(beat().getRegion().getId(), victim);
            }
            relayOf(victim).hold();
            await().pollDelay(Duration.ofMillis(pauseMs)).until(() -> true);
            relayOf(victim).release();
            long before = reads.get();
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> reads.get() > before + 50);
        }
        stop.set(true);
        for (Thread thread : threads) {
            thread.join(PATIENCE.toMillis());
        }

        assertThat(anomalies).as("seed=" + seed).isEmpty();
        assertThat(acknowledged.get()).isGreaterThan(20);
        for (int i = 0; i < nodes.size(); i++) {
            assertThat(served(nodes.get(i))).as("node " + i).isGreaterThan(servedBefore.get(i));
        }
    }
}
