package io.rutile.pd.gc;

import static io.rutile.pd.gc.FakeStores.pessimistic;
import static io.rutile.pd.gc.FakeStores.put;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.InsecureChannelCredentials;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.gc.RegionCalls.Patience;
import io.rutile.pd.meta.GcState;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.tso.ManualClock;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rounds over stores with real ports: Region 1 is [, m) led by store 1, Region 2 is [m, ) led by store 2. */
class GcAdvancerTest {

    private static final long NOW_MS = 1_700_000_000_000L;
    private static final Duration LIFE = Duration.ofMinutes(10);
    private static final Duration GRACE = Duration.ofSeconds(100);
    private static final long SAFE_POINT =
            TimeStamp.of(NOW_MS - LIFE.toMillis(), 0).value();
    /** Before and after the first safe point. */
    private static final long OLD = SAFE_POINT - 1_000;

    private static final long NEW = SAFE_POINT + 1;

    @TempDir
    Path directory;

    private final FakeStores stores = new FakeStores();
    private final ManualClock wall = new ManualClock(NOW_MS);
    private final AtomicLong nanos = new AtomicLong();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    /** What happens while a call waits for the next attempt, one after the other. */
    private final List<Runnable> whilePausing = new ArrayList<>();

    private LocalCluster cluster;
    private SafePoints safePoints;
    private GcAdvancer advancer;

    @BeforeEach
    void start() {
        cluster = new LocalCluster(directory);
        cluster.meta().propose(new MetaRecord.SaveTso(NOW_MS + 3_000));
        join(1);
        join(2);
        observe(region(1, 1, "", "m"), 1);
        observe(region(2, 1, "m", ""), 2);
        safePoints = new SafePoints(cluster.meta().store(), cluster.meta().log().term(), wall);
        advancer = new GcAdvancer(
                new GcOptions(true, LIFE, Duration.ofMinutes(1), GRACE),
                safePoints,
                cluster.state(),
                () -> CompletableFuture.completedFuture(TimeStamp.of(wall.millis(), 0)),
                InsecureChannelCredentials.create(),
                nanos::get,
                new Patience(4, Duration.ofSeconds(5), this::pause),
                metrics);
    }

    @AfterEach
    void stop() {
        advancer.close();
        stores.close();
    }

    @Test
    void txnSafePointMovesFirstAndTheGcSafePointFollowsAfterTheGraceTimeP7() {
        advancer.round();
        assertSafePoints(SAFE_POINT, 0);

        nanos.addAndGet(GRACE.toNanos() - 1);
        advancer.round();
        assertSafePoints(SAFE_POINT, 0);

        nanos.addAndGet(1);
        wall.advance(100_000);
        advancer.round();
        long next = TimeStamp.of(wall.millis() - LIFE.toMillis(), 0).value();
        assertSafePoints(next, SAFE_POINT);
    }

    @Test
    void txnSafePointHasMovedBeforeTheFirstLockIsLookedForP7() {
        List<Long> seen = new ArrayList<>();
        stores.onCall(call -> seen.add(safePoints.state().txnSafePoint()));

        advancer.round();

        assertThat(seen).isNotEmpty().allMatch(at -> at == SAFE_POINT);
    }

    @Test
    void locksBecomeWhatTheirTransactionBecameP3() {
        // Committed, its second key not yet.
        stores.record("a", OLD, OLD + 5);
        stores.lock(put("n", "a", OLD));
        // Rolled back.
        stores.record("b", OLD + 1, 0);
        stores.lock(put("o", "b", OLD + 1));
        // Open, in both Regions, and its owner keeps it alive.
        stores.lock(put("c", "c", OLD + 2));
        stores.lock(put("p", "c", OLD + 2));
        // Its primary was never written.
        stores.lock(put("q", "d", OLD + 3));

        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertThat(stores.recordOf("n", OLD)).isEqualTo(OLD + 5);
        assertThat(stores.recordOf("o", OLD + 1)).isZero();
        assertThat(stores.recordOf("c", OLD + 2)).isZero();
        assertThat(stores.recordOf("p", OLD + 2)).isZero();
        assertThat(stores.recordOf("q", OLD + 3)).isZero();
        assertThat(stores.recordOf("d", OLD + 3))
                .as("P2: remembered at the primary")
                .isZero();
        assertThat(metrics.counter("kv.pd.gc.locks", "outcome", "committed").count())
                .isEqualTo(1);
        assertThat(metrics.counter("kv.pd.gc.locks", "outcome", "rolled_back").count())
                .isEqualTo(4);
    }

    @Test
    void lockBehindTheSafePointStays() {
        stores.lock(put("a", "a", NEW));
        stores.lock(put("b", "b", SAFE_POINT));

        advancer.round();

        assertThat(stores.locks()).extracting(LockInfo::getLockVersion).containsExactly(NEW);
    }

    @Test
    void pessimisticLockIsReleasedWithoutARecord() {
        stores.lock(pessimistic("a", "a", OLD, OLD + 1));
        stores.lock(pessimistic("b", "a", OLD, OLD + 9));
        stores.lock(pessimistic("c", "c", NEW, NEW));

        advancer.round();

        assertThat(stores.locks()).extracting(LockInfo::getLockVersion).containsExactly(NEW);
        assertThat(stores.recordOf("a", OLD)).isNull();
        assertThat(metrics.counter("kv.pd.gc.locks", "outcome", "released").count())
                .isEqualTo(2);
    }

    @Test
    void asyncCommitWithEveryLockIsCommittedAtTheGreatestMinCommitTsP3() {
        asyncPrimary("a", 10, "b", "n", "z");
        stores.lock(async("b", "a", 30));
        stores.lock(async("n", "a", 20));
        stores.lock(async("z", "a", 25));

        advancer.round();

        assertThat(stores.locks()).isEmpty();
        for (String key : new String[] {"a", "b", "n", "z"}) {
            assertThat(stores.recordOf(key, OLD)).as(key).isEqualTo(OLD + 30);
        }
    }

    @Test
    void asyncCommitWithAMissingLockIsRolledBackP3() {
        asyncPrimary("a", 10, "b", "n");
        stores.lock(async("b", "a", 30));

        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertThat(stores.recordOf("a", OLD)).isZero();
        assertThat(stores.recordOf("b", OLD)).isZero();
        assertThat(stores.recordOf("n", OLD))
                .as("P2: a late prewrite must fail")
                .isZero();
    }

    @Test
    void asyncCommitThatSomebodyHasBegunToCommitIsCommittedTheSame() {
        asyncPrimary("a", 10, "b", "n");
        stores.lock(async("b", "a", 30));
        stores.record("n", OLD, OLD + 40);

        advancer.round();

        assertThat(stores.recordOf("a", OLD)).isEqualTo(OLD + 40);
        assertThat(stores.recordOf("b", OLD)).isEqualTo(OLD + 40);
    }

    @Test
    void asyncCommitThatFellBackToTwoPhasesIsDecidedByItsPrimary() {
        asyncPrimary("a", 10, "n");
        stores.lock(put("n", "a", OLD));

        advancer.round();

        assertThat(stores.recordOf("a", OLD)).isZero();
        assertThat(stores.recordOf("n", OLD)).isZero();
    }

    @Test
    void manyLocksAreResolvedPageByPage() {
        int count = LockSweep.PAGE * 2 + 10;
        for (int i = 0; i < count; i++) {
            String key = "a%06d".formatted(i);
            stores.lock(put(key, key, OLD - i));
        }

        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertThat(metrics.counter("kv.pd.gc.locks", "outcome", "rolled_back").count())
                .isEqualTo(count);
    }

    @Test
    void leaderThatChangesMidwayIsFoundByTheHintOfTheOldOne() {
        stores.lock(put("n", "n", OLD));
        AtomicBoolean moved = new AtomicBoolean();
        stores.onCall(call -> {
            if (call.equals("status") && !moved.getAndSet(true)) {
                stores.lead(region(2, 1, "m", ""), 1);
            }
        });

        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();

        assertThat(moved).isTrue();
        assertThat(stores.locks()).isEmpty();
        assertThat(safePoints.state().gcSafePoint()).isEqualTo(SAFE_POINT);
    }

    @Test
    void regionThatSplitsMidwayIsSweptInBothHalves() {
        stores.lock(put("n", "n", OLD));
        stores.lock(put("x", "x", OLD + 1));
        AtomicBoolean split = new AtomicBoolean();
        stores.onCall(call -> {
            if (call.equals("resolve") && !split.getAndSet(true)) {
                stores.lead(region(2, 2, "m", "t"), 2);
                stores.lead(region(3, 2, "t", ""), 1);
                // Written before the sweep came to the new half.
                stores.lock(put("y", "y", OLD + 2));
            }
        });
        whilePausing.add(() -> {});
        whilePausing.add(() -> {
            tell(region(2, 2, "m", "t"), 2);
            tell(region(3, 2, "t", ""), 1);
        });

        advancer.round();

        assertThat(split).isTrue();
        assertThat(stores.locks()).isEmpty();
        assertThat(stores.scanned().get(stores.scanned().size() - 1)).startsWith("3[");
    }

    @Test
    void regionThatWasMergedIntoItsNeighbourIsSweptThere() {
        stores.lock(put("n", "n", OLD));
        AtomicBoolean merged = new AtomicBoolean();
        stores.onCall(call -> {
            if (call.equals("status") && !merged.getAndSet(true)) {
                stores.merge(2);
                stores.lead(region(1, 2, "", ""), 1);
            }
        });
        whilePausing.add(() -> tell(region(1, 2, "", ""), 1));

        advancer.round();

        assertThat(merged).isTrue();
        assertThat(stores.locks()).isEmpty();
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "waiting").count())
                .isEqualTo(1);
    }

    @Test
    void gcSafePointStaysWhileAStoreCannotBeReachedP7() {
        stores.lock(put("n", "n", OLD));
        stores.stop(2);

        advancer.round();
        nanos.addAndGet(GRACE.toNanos() * 2);
        advancer.round();

        assertSafePoints(SAFE_POINT, 0);
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "not_swept").count())
                .isEqualTo(2);

        // The replica on the other store is elected.
        observe(region(2, 1, "m", ""), 1);
        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertSafePoints(SAFE_POINT, SAFE_POINT);
    }

    @Test
    void gcSafePointStaysWhileThereIsAHoleP7() {
        LocalCluster other = new LocalCluster(directory.resolve("hole"));
        other.observe(Regions.region(1, "a", "", 1));
        try (GcAdvancer blind = new GcAdvancer(
                new GcOptions(true, LIFE, Duration.ofMinutes(1), Duration.ZERO),
                safePoints,
                other.state(),
                () -> CompletableFuture.completedFuture(TimeStamp.of(wall.millis(), 0)),
                InsecureChannelCredentials.create(),
                nanos::get,
                new Patience(2, Duration.ofSeconds(5), () -> {}),
                metrics)) {
            blind.round();
        }

        assertSafePoints(SAFE_POINT, 0);
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "not_swept").count())
                .isEqualTo(1);
    }

    @Test
    void gcSafePointStaysWhileALockInMemoryIsInTheWayP7() {
        stores.inMemory(put("a", "a", OLD).build());

        advancer.round();

        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "not_swept").count())
                .isEqualTo(1);
        assertSafePoints(SAFE_POINT, 0);

        whilePausing.add(() -> stores.inMemory(null));
        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();
        assertSafePoints(SAFE_POINT, SAFE_POINT);
    }

    @Test
    void barrierHoldsBothSafePointsP7() {
        set("backup", OLD);

        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();
        assertSafePoints(OLD, OLD);
        assertThat(metrics.counter("kv.pd.gc.blocked").count()).isPositive();
        int scans = stores.scanned().size();

        advancer.round();
        assertThat(stores.scanned()).as("nothing to do").hasSize(scans);
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "blocked").count())
                .isPositive();

        safePoints.deleteBarrier(false, "backup").join();
        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();
        assertSafePoints(SAFE_POINT, SAFE_POINT);
    }

    @Test
    void safePointThatSomebodyElseMovedFurtherIsSweptAllTheSame() {
        stores.lock(put("a", "a", NEW));
        safePoints.advanceTxn(NEW + 5).join();

        advancer.round();
        nanos.addAndGet(GRACE.toNanos());
        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertThat(safePoints.state().gcSafePoint()).isEqualTo(NEW + 5);
    }

    @Test
    void leaderThatIsDeposedMovesNothing() {
        cluster.meta().log().follow(2);

        advancer.round();

        assertSafePoints(0, 0);
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "failed").count())
                .isEqualTo(1);
    }

    @Test
    void storesOfApiV2AreSpokenToInIt() {
        stores.serveApiV2();
        stores.lock(put("n", "a", OLD));

        advancer.round();

        assertThat(stores.locks()).isEmpty();
    }

    @Test
    void regionBetweenRawKeysIsSweptWithinItsBorders() {
        stores.merge(2);
        tellRaw(1, 3, "", "user5");
        tellRaw(4, 3, "user5", "user6");
        tellRaw(5, 3, "user6", "");
        // Places of these keys begin with their bytes, so they lie around the raw borders.
        List<String> keys = List.of("a", "user4zzzzzzz", "user5", "user5000", "user5zzz", "user6", "user7");
        for (int i = 0; i < keys.size(); i++) {
            stores.lock(put(keys.get(i), keys.get(i), OLD - i));
        }

        advancer.round();

        assertThat(stores.locks()).isEmpty();
        assertThat(metrics.counter("kv.pd.gc.rounds", "outcome", "waiting").count())
                .isEqualTo(1);
    }

    @Test
    void roundsRunByThemselvesUntilTheTermIsOver() {
        AtomicInteger calls = new AtomicInteger();
        stores.onCall(call -> calls.incrementAndGet());
        try (GcAdvancer running = timed(true, metrics)) {
            running.start();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> safePoints.state().gcSafePoint() == SAFE_POINT);
        }
        assertThat(calls).hasPositiveValue();
    }

    @Test
    void advancerThatIsSwitchedOffDoesNothing() {
        SimpleMeterRegistry offMetrics = new SimpleMeterRegistry();
        try (GcAdvancer off = timed(false, offMetrics);
                GcAdvancer on = timed(true, metrics)) {
            off.start();
            on.start();
            Awaitility.await()
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> metrics.find("kv.pd.gc.rounds").counters().stream()
                                    .mapToDouble(Counter::count)
                                    .sum()
                            >= 5);
        }

        assertThat(offMetrics.get("kv.pd.gc.rounds").counters())
                .allSatisfy(counter -> assertThat(counter.count()).isZero());
    }

    private GcAdvancer timed(boolean enabled, SimpleMeterRegistry registry) {
        return new GcAdvancer(
                new GcOptions(enabled, LIFE, Duration.ofMillis(20), Duration.ZERO),
                safePoints,
                cluster.state(),
                () -> CompletableFuture.completedFuture(TimeStamp.of(wall.millis(), 0)),
                InsecureChannelCredentials.create(),
                nanos::get,
                registry);
    }

    private void pause() {
        if (!whilePausing.isEmpty()) {
            whilePausing.remove(0).run();
        }
    }

    private void join(long store) {
        long port = stores.start(store);
        var joined = LocalCluster.store(store).toBuilder()
                .setAddress("127.0.0.1:" + port)
                .build();
        MetaOutcome outcome = cluster.meta()
                .propose(
                        cluster.meta().state().bootstrapped()
                                ? new MetaRecord.PutStore(joined)
                                : new MetaRecord.Bootstrap(joined));
        assertThat(outcome).isEqualTo(MetaOutcome.DONE);
        cluster.up(store);
    }

    private void observe(Region region, long leader) {
        stores.lead(region, leader);
        tell(region, leader);
    }

    /** PD hears of it. */
    private void tell(Region region, long leader) {
        RegionInfo info = new RegionInfo(
                region,
                region.getPeersList().stream()
                        .filter(peer -> peer.getStoreId() == leader)
                        .findFirst()
                        .orElseThrow(),
                List.of(),
                List.of(),
                0,
                0,
                0);
        assertThat(cluster.state().observe(info)).isEmpty();
    }

    private void tellRaw(long id, long version, String start, String end) {
        observe(
                region(id, version, "", "").toBuilder()
                        .setStartKey(ByteString.copyFromUtf8(start))
                        .setEndKey(ByteString.copyFromUtf8(end))
                        .build(),
                1);
    }

    private static Region region(long id, long version, String start, String end) {
        return Region.newBuilder()
                .setId(id)
                .setStartKey(border(start))
                .setEndKey(border(end))
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(version))
                .addPeers(Peer.newBuilder().setId(10 * id + 1).setStoreId(1))
                .addPeers(Peer.newBuilder().setId(10 * id + 2).setStoreId(2))
                .build();
    }

    private static ByteString border(String key) {
        return key.isEmpty()
                ? ByteString.EMPTY
                : TxnKeys.place(ByteString.copyFromUtf8(key).toByteArray()).toByteString();
    }

    private void asyncPrimary(String key, long minCommitTs, String... secondaries) {
        LockInfo.Builder lock = async(key, key, minCommitTs);
        for (String secondary : secondaries) {
            lock.addSecondaries(ByteString.copyFromUtf8(secondary));
        }
        stores.lock(lock);
    }

    private static LockInfo.Builder async(String key, String primary, long minCommitTs) {
        return put(key, primary, OLD)
                .setUseAsyncCommit(true)
                .setMinCommitTs(OLD + minCommitTs)
                .setLockType(Op.Put);
    }

    private void set(String id, long ts) {
        safePoints.setBarrier(false, id, ts, Long.MAX_VALUE).join();
    }

    private void assertSafePoints(long txn, long gc) {
        GcState state = safePoints.state();
        assertThat(new Points(state.txnSafePoint(), state.gcSafePoint())).isEqualTo(new Points(txn, gc));
    }

    private record Points(long txn, long gc) {}
}
