package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.ReadState;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.RaftException;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.LockedByLeaderException;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One replica between the storage room and a Raft group that a test plays. */
class RegionPeerTest {

    private static final Peer SELF = Peer.newBuilder().setId(11).setStoreId(1).build();
    private static final Peer OTHER = Peer.newBuilder().setId(12).setStoreId(2).build();
    private static final Region REGION = Region.newBuilder()
            .setId(5)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
            .addPeers(SELF)
            .build();

    @TempDir
    Path dir;

    private final FakeGroup group = new FakeGroup();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final List<RegionPeer> announced = new CopyOnWriteArrayList<>();
    private final List<RegionPeer> retired = new CopyOnWriteArrayList<>();
    private final List<ReplicaRead> announcedReads = new CopyOnWriteArrayList<>();
    private volatile @Nullable LockInfo lockInMemory;
    private volatile long settledInMemory = Long.MAX_VALUE;
    private final FakeDisk disk = new FakeDisk();
    private DiskGuard guard;
    private ProposalBudget budget;
    private RocksEngine engine;
    private ApplyStateMachine stateMachine;
    private RegionPeer peer;
    private RaftKv kv;
    private final RegionMap regions = new RegionMap();

    private static final ApplyStateMachine.Ranges NO_SPLITS = new ApplyStateMachine.Ranges() {
        @Override
        public void claim(ApplyStateMachine replica, RegionState next, Consumer<List<RegionState>> claim) {
            claim.accept(List.of());
        }

        @Override
        public void exchange(
                ApplyStateMachine region, ApplyBatch changes, Consumer<ApplyStateMachine.Exchange> publish) {
            throw new AssertionError("no entry is applied here");
        }
    };

    static final class FakeDisk implements DiskGuard.Disk {
        volatile long usable = 1L << 30;

        @Override
        public long totalBytes() {
            return 10L << 30;
        }

        @Override
        public long usableBytes() {
            return usable;
        }
    }

    @BeforeEach
    void open() {
        engine = RocksEngine.open(dir.resolve("db"), RocksOptions.withMemory(16 << 20));
        RegionStateStore states = new RegionStateStore(engine);
        states.put(RegionState.normal(11, REGION), 5);
        guard = new DiskGuard(disk, 64 << 20, metrics);
        budget = new ProposalBudget(1 << 20, metrics);
        PeerContext shared = new PeerContext(
                budget,
                guard,
                announced::add,
                Runnable::run,
                timer,
                (dead, cause) -> metrics.counter("failures").increment(),
                retired::add,
                retired::add,
                RaftStoreOptions.MERGE_PATIENCE,
                regions,
                new LeaderLocks() {
                    @Override
                    public @Nullable LockInfo announce(ReplicaRead read) {
                        announcedReads.add(read);
                        return lockInMemory;
                    }

                    @Override
                    public long settle(long ts, KeyRange encoded) {
                        return Math.min(ts, settledInMemory);
                    }
                },
                new ReplicaHashes(ConsistencyOptions.DEFAULT, metrics),
                PeerContext.StaleReads.of(metrics));
        stateMachine = new ApplyStateMachine(
                5,
                new Replica(1, 11),
                engine,
                states,
                new RegionImages(engine, states, dir, NO_SPLITS),
                NO_SPLITS,
                NoLocks.applied(),
                RegionState.normal(11, REGION));
        peer = new RegionPeer(shared, new Replica(1, 11), stateMachine);
        stateMachine.listen(peer);
        peer.attach(group);
        regions.put(peer);
        kv = new RaftKv(1, regions, new HoldAndRetry(timer, 2, metrics));
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        engine.close();
    }

    private static KvContext ctx() {
        return ctx(Duration.ofSeconds(20));
    }

    private static KvContext ctx(Duration left) {
        return KvContext.of(
                Context.newBuilder()
                        .setRegionId(5)
                        .setRegionEpoch(REGION.getRegionEpoch())
                        .setPeer(SELF)
                        .build(),
                System.nanoTime() + left.toNanos());
    }

    private static WriteBatch batch() {
        return new WriteBatch().put(Cf.RAW, ByteKey.of(ByteString.copyFromUtf8("k")), new byte[] {1});
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(20, TimeUnit.SECONDS);
    }

    private static Error refusal(CompletableFuture<?> future) throws Exception {
        try {
            future.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(RegionException.class);
            return ((RegionException) e.getCause()).error();
        }
        throw new AssertionError("expected a region error");
    }

    @Test
    void timesOfAWriteAreThoseOfItsEntry() throws Exception {
        CompletableFuture<ApplyOutcome> applied = new CompletableFuture<>();
        group.proposals.add(applied);
        KvContext ctx = ctx();

        CompletableFuture<Void> written = kv.write(ctx, batch());
        group.committed.accept(System.nanoTime());
        applied.complete(ApplyOutcome.DONE);
        get(written);

        assertThat(ctx.times().commitNanos()).isPositive();
        assertThat(ctx.times().applyNanos()).isPositive();
    }

    /** R9: as if the replica weren't here, so that clients ask PD where the Region lives. */
    @Test
    void aDeadReplicaServesNothing() throws Exception {
        peer.onFailure(new IllegalStateException("bug"));

        assertThat(refusal(kv.snapshot(ctx())).hasRegionNotFound()).isTrue();
        assertThat(refusal(kv.write(ctx(), batch())).hasRegionNotFound()).isTrue();
        assertThat(metrics.counter("failures").count()).isEqualTo(1);
        assertThat(group.asked()).isEmpty();
    }

    /** R7: a follower that serves reads may have applied, and shown, what this leader has yet to apply. */
    @Test
    void r7_aLeaderDoesNotGoBackBehindWhatAFollowerMayHaveShown() {
        group.behindFollowers = true;

        peer.snapshot(ctx()).thenAccept(KvSnapshot::close).join();

        assertThat(group.asked()).containsExactly("readIndex");
    }

    @Test
    void r7_theSnapshotIsTakenBeforeTheLeaseIsChecked() throws Exception {
        try (KvSnapshot snapshot = get(kv.snapshot(ctx()))) {
            assertThat(snapshot.term()).isEqualTo(7);
            assertThat(snapshot.range().start().isEmpty()).isTrue();
        }

        assertThat(group.asked()).containsExactly("holdsLease");
    }

    @Test
    void r7_withoutALeaseAMajorityIsAskedAndTheSnapshotTakenAfterwards() throws Exception {
        group.lease = false;
        group.readIndex = new CompletableFuture<>();

        CompletableFuture<KvSnapshot> read = kv.snapshot(ctx());
        assertThat(read).isNotDone();
        engine.write(batch(), false);
        group.readIndex.complete(null);

        try (KvSnapshot snapshot = get(read)) {
            assertThat(snapshot.get(Cf.RAW, ByteKey.of(ByteString.copyFromUtf8("k"))))
                    .isNotNull();
        }
        assertThat(peer.traffic().totals()).isEqualTo(new RegionTraffic.Totals(0, 0, 2, 1));
        assertThat(group.asked()).containsExactly("holdsLease", "readIndex");
    }

    @Test
    void r7_aMajorityThatDoesNotAnswerIsNotWaitedForLongerThanTheDeadline() throws Exception {
        group.lease = false;
        group.readIndex = new CompletableFuture<>();

        Error error = refusal(kv.snapshot(ctx(Duration.ofMillis(50))));

        assertThat(error.getMessage()).isEqualTo("Deadline is exceeded");
        assertThat(error.getServerIsBusy().getReason()).isEqualTo("deadline is exceeded");
    }

    /** A read at a follower, of the keys from k on up, at a version. */
    private static KvContext replicaRead(Duration left) {
        KvContext plain = ctx(left);
        return KvContext.of(plain.request().toBuilder().setReplicaRead(true).build(), plain.deadlineNanos())
                .reading(() -> new ReplicaRead(100, List.of(new KeyRange(key("k"), ByteKey.EMPTY))));
    }

    private static KvContext replicaRead() {
        return replicaRead(Duration.ofSeconds(20));
    }

    private void follow() {
        group.leads = false;
        group.leader = new Replica(2, 12);
    }

    @Test
    void r7_aFollowerTakesItsSnapshotOnceItHasAppliedWhatTheLeaderHadCommitted() throws Exception {
        follow();
        CompletableFuture<Optional<byte[]>> coming = new CompletableFuture<>();
        group.followerReads.add(coming);

        CompletableFuture<KvSnapshot> read = kv.snapshot(replicaRead());
        assertThat(read).isNotDone();
        engine.write(batch(), false);
        coming.complete(Optional.empty());

        try (KvSnapshot snapshot = get(read)) {
            assertThat(snapshot.get(Cf.RAW, key("k"))).isNotNull();
            assertThat(snapshot.maxTsSynced()).isFalse();
        }
        assertThat(group.asked()).containsExactly("followerReadIndex");
    }

    @Test
    void aFollowerServesOnlyWhatReadsAndAsksForIt() throws Exception {
        follow();
        KvContext forAWrite =
                KvContext.of(replicaRead().request(), replicaRead().deadlineNanos());

        assertThat(refusal(kv.snapshot(forAWrite)).getNotLeader().getLeader().getId())
                .isEqualTo(12);
        assertThat(refusal(kv.snapshot(ctx())).getNotLeader().getLeader().getId())
                .isEqualTo(12);
        assertThat(ctx().reading(() -> ReplicaRead.RAW).replicaRead()).isNull();
        assertThat(group.asked()).isEmpty();
    }

    @Test
    void p4_theLeaderHearsWhatIsReadInsideTheRegion() throws Exception {
        Region upToM = REGION.toBuilder()
                .setStartKey(ByteString.copyFromUtf8("l"))
                .setEndKey(ByteString.copyFromUtf8("m"))
                .build();
        stateMachine.replaced(RegionState.normal(11, upToM), 6);
        follow();
        get(kv.snapshot(replicaRead())).close();

        byte[] refusal = stateMachine.onReadIndex(group.questions.get(0));

        assertThat(refusal).isNull();
        assertThat(announcedReads).containsExactly(new ReplicaRead(100, List.of(new KeyRange(key("l"), key("m")))));
    }

    @Test
    void p4_aLockInTheLeadersMemoryRefusesTheRead() throws Exception {
        follow();
        LockInfo lock = LockInfo.newBuilder().setLockVersion(90).build();
        lockInMemory = lock;
        get(kv.snapshot(replicaRead())).close();
        byte[] refusal = Objects.requireNonNull(stateMachine.onReadIndex(group.questions.get(0)));
        group.followerReads.add(CompletableFuture.completedFuture(Optional.of(refusal)));

        CompletableFuture<KvSnapshot> read = kv.snapshot(replicaRead());

        assertThat(read)
                .failsWithin(Duration.ofSeconds(20))
                .withThrowableOfType(ExecutionException.class)
                .havingCause()
                .isInstanceOfSatisfying(
                        LockedByLeaderException.class, e -> assertThat(e.lock()).isEqualTo(lock));
    }

    @Test
    void e1_aQuestionThatIsNoneIsRefused() throws Exception {
        follow();
        byte[] refusal = Objects.requireNonNull(stateMachine.onReadIndex(new byte[] {(byte) 0xff}));
        group.followerReads.add(CompletableFuture.completedFuture(Optional.of(refusal)));

        assertThat(refusal(kv.snapshot(replicaRead())).getMessage()).contains("not a question");
        assertThat(announcedReads).isEmpty();
    }

    @Test
    void aFollowerThatGetsNoAnswerAsksAgainAndThenNamesTheLeader() throws Exception {
        follow();
        CompletableFuture<Optional<byte[]>> busy =
                CompletableFuture.failedFuture(new RaftException(RaftException.Kind.BUSY, "by test"));
        group.followerReads.add(busy);
        group.followerReads.add(busy);
        get(kv.snapshot(replicaRead())).close();
        assertThat(group.asked()).hasSize(3);

        for (int i = 0; i < 1_000; i++) {
            group.followerReads.add(busy);
        }
        Error late = refusal(kv.snapshot(replicaRead(Duration.ofMillis(100))));
        Error inTheEnd = refusal(kv.snapshot(replicaRead()));

        assertThat(late.getServerIsBusy().getReason()).isEqualTo("deadline is exceeded");
        assertThat(inTheEnd.getNotLeader().getLeader().getId()).isEqualTo(12);
    }

    // ---- stale reads

    private static KvContext staleRead(long version) {
        KvContext plain = ctx();
        return KvContext.of(plain.request().toBuilder().setStaleRead(true).build(), plain.deadlineNanos())
                .reading(() -> new ReplicaRead(version, List.of(new KeyRange(key("k"), ByteKey.EMPTY))));
    }

    private void lockStored(long startTs) {
        byte[] lock = Lock.builder(LockKind.PUT, key("k"), startTs).build().encode();
        engine.write(new WriteBatch().put(Cf.LOCK, key("k"), lock), false);
    }

    private Optional<Long> resolved(long ts) throws Exception {
        return get(peer.resolve(ts)).map(ResolvedTs::ts);
    }

    @Test
    void p8_whatIsSettledIsReadWithoutAWordToTheLeader() throws Exception {
        assertThat(resolved(100)).contains(100L);
        follow();

        try (KvSnapshot snapshot = get(kv.snapshot(staleRead(100)))) {
            assertThat(snapshot.get(Cf.RAW, key("k"))).isNull();
        }
        Error refused = refusal(kv.snapshot(staleRead(101)));

        assertThat(refused.getDataIsNotReady().getSafeTs()).isEqualTo(100);
        assertThat(refused.getDataIsNotReady().getRegionId()).isEqualTo(5);
        assertThat(refused.getDataIsNotReady().getPeerId()).isEqualTo(11);
        assertThat(refusal(kv.snapshot(staleRead(-1))).hasDataIsNotReady()).isTrue();
        assertThat(group.asked()).doesNotContain("followerReadIndex");
        assertThat(metrics.get("kv.resolved.reads").counter().count()).isEqualTo(1);
        assertThat(metrics.get("kv.resolved.reads.refused").counter().count()).isEqualTo(2);
    }

    @Test
    void whatHasNoVersionsIsServedByTheLeaderAlone() throws Exception {
        KvContext raw = KvContext.of(
                        ctx().request().toBuilder().setStaleRead(true).build(), ctx().deadlineNanos())
                .reading(() -> ReplicaRead.RAW);
        get(kv.snapshot(raw)).close();
        follow();
        assertThat(refusal(kv.snapshot(raw)).getDataIsNotReady().getSafeTs()).isZero();
    }

    @Test
    void p8_theOldestLockHoldsItBackInTheEngineAndInMemory() throws Exception {
        lockStored(60);
        assertThat(resolved(100)).contains(59L);
        settledInMemory = 40;
        assertThat(resolved(100)).contains(40L);
    }

    /** Whoever is leader no more, or can't say so, has nothing to say. */
    @Test
    void p8_onlyALeaderThatProvesItInOneTermHasAWord() throws Exception {
        group.lease = false;
        CompletableFuture<Void> round = new CompletableFuture<>();
        group.readIndex = round;
        CompletableFuture<Optional<ResolvedTs>> asked = peer.resolve(100);
        assertThat(asked).isNotDone();
        group.term = 9;
        round.complete(null);
        assertThat(get(asked)).as("another term").isEmpty();
        group.readIndex = FakeGroup.failed(RaftException.Kind.BUSY).thenApply(done -> null);
        assertThat(peer.resolve(100)).isCompletedExceptionally();

        group.lease = true;
        group.leads = false;
        assertThat(resolved(100)).isEmpty();
        group.leads = true;
        assertThat(resolved(100)).contains(100L);
    }

    /** The lock may have gone from memory with the answer; a later leader may commit it all the same. */
    @Test
    void p8_aWriteOfUnknownFateEndsItsTermsWord() throws Exception {
        group.proposals.add(FakeGroup.failed(RaftException.Kind.UNDETERMINED));
        assertThat(kv.write(ctx(), batch())).failsWithin(Duration.ofSeconds(5));
        assertThat(resolved(100)).isEmpty();

        group.term++;
        assertThat(resolved(100)).contains(100L);
    }

    /** A piece that is cut off but not known here yet may have a leader elsewhere, which writes. */
    @Test
    void p8_aSplitUnderWayEndsItForTheMoment() throws Exception {
        CompletableFuture<ApplyOutcome> coming = new CompletableFuture<>();
        group.proposals.add(coming);
        CompletableFuture<List<Region>> split =
                peer.split(REGION, new RegionSplit(List.of(new RegionSplit.Piece(key("m"), 50, List.of(51L)))));
        assertThat(resolved(100)).isEmpty();

        coming.complete(ApplyOutcome.split(List.of(REGION)));
        get(split);
        assertThat(resolved(100)).contains(100L);
    }

    @Test
    void p8_anotherRangeTakesTheWordBack() throws Exception {
        assertThat(resolved(100)).contains(100L);
        assertThat(peer.safeTs()).isEqualTo(100);
        Region shrunk = REGION.toBuilder()
                .setEndKey(ByteString.copyFromUtf8("m"))
                .setRegionEpoch(REGION.getRegionEpoch().toBuilder().setVersion(2))
                .build();
        stateMachine.replaced(RegionState.normal(11, shrunk), 6);

        assertThat(peer.safeTs()).isZero();
    }

    /** P8: once the index is applied, and from the leader that is known here. */
    @Test
    void p8_aFollowerTakesTheWordOfItsOwnLeader() throws Exception {
        follow();
        LeaderInfo word = new ResolvedTs(REGION, 12, 7, 6, 100).toLeaderInfo();

        assertThat(peer.heard(word.toBuilder().setTerm(6).build())).isFalse();
        assertThat(peer.heard(word.toBuilder().setPeerId(13).build())).isFalse();
        assertThat(peer.heard(word)).isTrue();
        assertThat(peer.safeTs()).isZero();
        stateMachine.replaced(RegionState.normal(11, REGION), 6);
        assertThat(peer.safeTs()).isEqualTo(100);
        peer.heard(word.toBuilder()
                .setReadState(ReadState.newBuilder().setAppliedIndex(6).setSafeTs(-1))
                .build());
        assertThat(peer.safeTs()).isEqualTo(100);
    }

    @Test
    void whatIsTooLongToAskGoesToTheLeaderAtOnce() throws Exception {
        follow();
        group.followerReads.add(
                CompletableFuture.failedFuture(new RaftException(RaftException.Kind.INVALID, "too long")));

        assertThat(refusal(kv.snapshot(replicaRead()))
                        .getNotLeader()
                        .getLeader()
                        .getId())
                .isEqualTo(12);
        assertThat(group.asked()).hasSize(1);
    }

    @Test
    void r7_aSplitThatIsAppliedWhileTheLeaderIsAskedShows() throws Exception {
        follow();
        CompletableFuture<Optional<byte[]>> coming = new CompletableFuture<>();
        group.followerReads.add(coming);
        CompletableFuture<KvSnapshot> read = kv.snapshot(replicaRead());

        Region shrunk = REGION.toBuilder()
                .setStartKey(ByteString.copyFromUtf8("m"))
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(2))
                .build();
        stateMachine.replaced(RegionState.normal(11, shrunk), 6);
        coming.complete(Optional.empty());

        assertThat(refusal(read).hasEpochNotMatch()).isTrue();
    }

    /** While an image replaces what is there, a snapshot holds neither the old nor the new. */
    @Test
    void aFollowerIsNotReadWhileAnImageIsPutInPlace() throws Exception {
        follow();
        stateMachine.replacing();

        CompletableFuture<KvSnapshot> read = kv.snapshot(replicaRead());
        await().atMost(Duration.ofSeconds(20)).until(() -> group.asked().size() > 2);
        assertThat(read).isNotDone();
        stateMachine.replaced(RegionState.normal(11, REGION), 9);

        get(read).close();
    }

    @Test
    void aWriteCarriesTheTermThatItWasDecidedIn() throws Exception {
        try (KvSnapshot snapshot = get(kv.snapshot(ctx()))) {
            get(kv.write(ctx().decidedOn(snapshot), batch()));
        }

        assertThat(group.asked()).contains("propose in term 7");
        assertThat(budget.pendingBytes()).isZero();
    }

    @Test
    void whatRaftSaysIsSaidInTheProtocolsWords() throws Exception {
        group.leader = new Replica(2, 12);
        group.proposals.add(FakeGroup.failed(RaftException.Kind.NOT_LEADER));
        assertThat(refusal(kv.write(ctx(), batch())).getNotLeader().getLeader().getId())
                .isEqualTo(12);
        group.proposals.add(FakeGroup.failed(RaftException.Kind.STALE_TERM));
        assertThat(refusal(kv.write(ctx(), batch())).hasStaleCommand()).isTrue();
        group.proposals.add(FakeGroup.failed(RaftException.Kind.UNDETERMINED));
        assertThat(refusal(kv.write(ctx(), batch())).hasStaleCommand()).isTrue();
        group.proposals.add(FakeGroup.failed(RaftException.Kind.UNDETERMINED));
        assertThat(refusal(kv.write(ctx().notReplayable(), batch())).hasUndeterminedResult())
                .isTrue();
        group.proposals.add(FakeGroup.failed(RaftException.Kind.STOPPED));
        assertThat(refusal(kv.write(ctx(), batch())).hasRegionNotFound()).isTrue();
        group.proposals.add(FakeGroup.failed(RaftException.Kind.STOPPED));
        assertThat(refusal(kv.write(ctx().notReplayable(), batch())).hasUndeterminedResult())
                .isTrue();
        group.proposals.add(FakeGroup.failed(RaftException.Kind.DISK));
        assertThat(refusal(kv.write(ctx(), batch())).hasServerIsBusy()).isTrue();
        assertThat(budget.pendingBytes()).isZero();
    }

    @Test
    void aWriteDuringAHandOverIsHeldUntilItCanBeTaken() throws Exception {
        group.proposals.add(FakeGroup.failed(RaftException.Kind.BUSY));
        group.proposals.add(FakeGroup.failed(RaftException.Kind.BUSY));

        get(kv.write(ctx(), batch()));

        assertThat(group.asked()).hasSize(3);
        assertThat(metrics.get("kv.raftstore.holds").counter().count()).isEqualTo(1);
    }

    @Test
    void aLeaderThatTakesOverIsWaitedForAndOneThatNeverDoesIsBusy() throws Exception {
        group.leads = false;

        Error error = refusal(kv.write(ctx(Duration.ofMillis(100)), batch()));

        assertThat(error.hasServerIsBusy()).isTrue();
        CompletableFuture<Void> held = kv.write(ctx(), batch());
        assertThat(held).isNotDone();
        group.leads = true;
        get(held);
    }

    @Test
    void r10_onlySoManyRequestsAreHeld() throws Exception {
        group.leads = false;
        CompletableFuture<Void> first = kv.write(ctx(), batch());
        CompletableFuture<Void> second = kv.write(ctx(), batch());

        Error third = refusal(kv.write(ctx(), batch()));

        assertThat(third.hasServerIsBusy()).isTrue();
        assertThat(metrics.get("kv.raftstore.hold.refusals").counter().count()).isEqualTo(1);
        group.leads = true;
        get(first);
        get(second);
    }

    @Test
    void r10_bytesOnTheirWayAreBounded() throws Exception {
        CompletableFuture<ApplyOutcome> slow = new CompletableFuture<>();
        group.proposals.add(slow);
        WriteBatch large = new WriteBatch().put(Cf.RAW, ByteKey.of(ByteString.copyFromUtf8("k")), new byte[900_000]);
        CompletableFuture<Void> first = kv.write(ctx(), large);

        Error second = refusal(kv.write(ctx(), large));

        assertThat(second.getServerIsBusy().getReason()).isEqualTo("too many pending writes");
        assertThat(second.getServerIsBusy().getBackoffMs()).isPositive();
        slow.complete(ApplyOutcome.DONE);
        get(first);
        get(kv.write(ctx(), large));
    }

    @Test
    void p1_aWriteThatIsOnItsWayDoesNotEndWithItsDeadline() throws Exception {
        CompletableFuture<ApplyOutcome> slow = new CompletableFuture<>();
        group.proposals.add(slow);

        CompletableFuture<Void> write = kv.write(ctx(Duration.ofMillis(20)), batch());

        await().during(Duration.ofMillis(100)).until(() -> !write.isDone());
        slow.complete(ApplyOutcome.DONE);
        get(write);
    }

    @Test
    void aWriteWhoseTimeIsOverIsNotProposed() throws Exception {
        Error error = refusal(kv.write(ctx(Duration.ofMillis(-1)), batch()));

        assertThat(error.getMessage()).isEqualTo("Deadline is exceeded");
        assertThat(group.asked()).isEmpty();
    }

    /** What is cut off may be written to elsewhere before this replica has applied that it was cut off. */
    @Test
    void r7_whileASplitIsUnderWayTheLeaseIsNotEnough() throws Exception {
        CompletableFuture<ApplyOutcome> slow = new CompletableFuture<>();
        group.proposals.add(slow);
        get(kv.snapshot(ctx())).close();
        assertThat(group.asked()).doesNotContain("readIndex");

        CompletableFuture<List<Region>> split =
                peer.split(REGION, new RegionSplit(List.of(new RegionSplit.Piece(key("m"), 20, List.of(21L)))));
        get(kv.snapshot(ctx())).close();
        assertThat(group.asked()).contains("readIndex");

        slow.complete(ApplyOutcome.split(List.of(REGION)));
        assertThat(get(split)).containsExactly(REGION);
        int asked = group.asked().size();
        get(kv.snapshot(ctx())).close();
        assertThat(group.asked().subList(asked, group.asked().size())).doesNotContain("readIndex");
    }

    @Test
    void whereARegionCannotBeCutNothingIsProposed() {
        RegionEpoch epoch = REGION.getRegionEpoch();
        RegionEpoch older = epoch.toBuilder().setVersion(0).build();

        assertThat(unsplittable(older, key("m")).hasEpochNotMatch()).isTrue();
        assertThat(unsplittable(epoch).getMessage()).contains("no split keys");
        assertThat(unsplittable(epoch, ByteKey.EMPTY).getMessage()).contains("must ascend");
        assertThat(unsplittable(epoch, key("m"), key("m")).getMessage()).contains("must ascend");
        assertThat(group.asked()).noneMatch(asked -> asked.startsWith("propose"));
    }

    private Error unsplittable(RegionEpoch seen, ByteKey... borders) {
        return catchThrowableOfType(RegionException.class, () -> peer.requireSplittable(seen, List.of(borders)))
                .error();
    }

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }

    @Test
    void r4_aRefusalAtApplyReachesTheProposer() throws Exception {
        group.proposals.add(CompletableFuture.completedFuture(ApplyOutcome.epochNotMatch(REGION)));

        assertThat(refusal(kv.write(ctx(), batch())).hasEpochNotMatch()).isTrue();
    }

    @Test
    void r9_aFullDiskRefusesWritesAndTakesDeletes() throws Exception {
        disk.usable = 1 << 20;
        guard.look();

        Error error = refusal(kv.write(ctx(), batch()));
        get(kv.write(ctx(), new WriteBatch().delete(Cf.RAW, ByteKey.of(ByteString.copyFromUtf8("k")))));

        assertThat(error.getDiskFull().getStoreIdList()).containsExactly(1L);
        assertThat(metrics.get("kv.raftstore.disk.full").gauge().value()).isEqualTo(1);
        disk.usable = 1L << 30;
        guard.look();
        get(kv.write(ctx(), batch()));
    }

    @Test
    void r9_theReserveIsTheSmallerOfABoundAndAShare() {
        FakeDisk small = new FakeDisk();
        assertThat(new DiskGuard(small, 256L << 20, new SimpleMeterRegistry()).reserveBytes())
                .isEqualTo(256L << 20);
        assertThat(new DiskGuard(small, 1L << 40, new SimpleMeterRegistry()).reserveBytes())
                .isEqualTo((10L << 30) / 20);
    }

    private void regionGets(Peer... peers) {
        Region.Builder region = REGION.toBuilder();
        for (Peer added : peers) {
            region.addPeers(added).getRegionEpochBuilder().setConfVer(2);
        }
        stateMachine.replaced(RegionState.normal(11, region.build()), 6);
    }

    @Test
    void raftsMembershipFollowsTheRegionAgainAndAgain() {
        regionGets(OTHER);
        group.changes.add(CompletableFuture.failedFuture(new RaftException(RaftException.Kind.BUSY, "by test")));

        stateMachine.onLeaderStart(7);

        await().atMost(Duration.ofSeconds(20))
                .until(() -> group.members.voters().size() == 2);
        assertThat(group.asked()).containsExactly("change to 2 voters", "change to 2 voters");
        assertThat(announced).isNotEmpty();
    }

    @Test
    void aFollowerLeavesTheMembershipAlone() {
        regionGets(OTHER);
        group.leads = false;

        peer.onRegionChanged();

        assertThat(group.asked()).isEmpty();
        assertThat(announced).isEmpty();
    }

    @Test
    void d2_oneChangeAtATime() throws Exception {
        regionGets(OTHER);
        PeerChange third = new PeerChange(
                PeerChange.Kind.ADD_VOTER,
                Peer.newBuilder().setId(13).setStoreId(3).build());
        PeerChange takesBack = new PeerChange(PeerChange.Kind.REMOVE, OTHER);

        assertThat(refusal(peer.changePeer(third)).hasServerIsBusy()).isTrue();
        get(peer.changePeer(takesBack));
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));
        get(peer.changePeer(third));
    }

    /** The Region has changed 12 for 13, and Raft can't follow: nobody has ever heard of 13. */
    @Test
    void d2_whoWasToGoStaysWhenItsSuccessorIsTakenBack() throws Exception {
        Peer successor = Peer.newBuilder().setId(13).setStoreId(3).build();
        regionGets(successor);
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));
        assertThat(peer.reported().getPeersList()).containsExactly(SELF, successor, OTHER);

        get(peer.changePeer(new PeerChange(PeerChange.Kind.REMOVE, successor)));

        RaftCommand proposed = RaftCommand.decode(ByteBuffer.wrap(group.lastProposed()));
        assertThat(proposed)
                .isEqualTo(new RaftCommand.ChangePeers(
                        peer.region().getRegionEpoch(),
                        new PeerChanges(List.of(
                                new PeerChange(PeerChange.Kind.REMOVE, successor),
                                new PeerChange(PeerChange.Kind.ADD_VOTER, OTHER)))));
    }

    @Test
    void severalChangesAreOneEntry() throws Exception {
        regionGets(OTHER);
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));
        PeerChange joins = new PeerChange(
                PeerChange.Kind.ADD_VOTER,
                Peer.newBuilder().setId(13).setStoreId(3).build());
        PeerChange leaves = new PeerChange(PeerChange.Kind.REMOVE, OTHER);

        get(peer.changePeers(List.of(joins, leaves)));

        assertThat(group.asked().stream().filter(asked -> asked.startsWith("propose")))
                .hasSize(1);
        assertThat(RaftCommand.decode(ByteBuffer.wrap(group.lastProposed())))
                .isEqualTo(new RaftCommand.ChangePeers(
                        peer.region().getRegionEpoch(), new PeerChanges(List.of(joins, leaves))));
        assertThat(refusal(peer.changePeers(List.of(joins, joins))).getMessage())
                .contains("twice");
        assertThat(refusal(peer.changePeers(List.of(joins, new PeerChange(PeerChange.Kind.REMOVE, SELF))))
                        .getMessage())
                .contains("transfer leadership first");
    }

    @Test
    void leadershipIsOfferedToEveryVoterInTurn() throws Exception {
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12), new Replica(3, 13));
        group.transfers.add(CompletableFuture.failedFuture(new RaftException(RaftException.Kind.BUSY, "it drains")));

        get(peer.handOver());

        // Region 5 begins with the second.
        assertThat(group.asked()).containsExactly("transfer to store3/peer13", "transfer to store2/peer12");
    }

    @Test
    void aLeaderWithoutHeirsKeepsItsRegion() throws Exception {
        get(peer.handOver());

        assertThat(group.asked()).isEmpty();
    }

    @Test
    void aLeaderIsNotRemovedAndAStrangerDoesNotLead() throws Exception {
        regionGets(OTHER);
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));

        assertThat(refusal(peer.changePeer(new PeerChange(PeerChange.Kind.REMOVE, SELF)))
                        .getMessage())
                .contains("transfer leadership first");
        assertThat(refusal(peer.transferLeader(OTHER.toBuilder().setId(99).build()))
                        .getMessage())
                .contains("no voter");
        get(peer.transferLeader(OTHER));
        assertThat(group.asked()).contains("transfer to store2/peer12");
    }

    /** Waiting for it would cost the Region an election timeout, with every repetition of the order. */
    @Test
    void leadershipIsNotHandedToAVoterThatDoesNotAnswer() throws Exception {
        regionGets(OTHER);
        group.members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));
        group.silent = Set.of(new Replica(2, 12));

        assertThat(refusal(peer.transferLeader(OTHER)).getMessage()).contains("does not answer");
        assertThat(group.asked()).noneMatch(asked -> asked.startsWith("transfer"));
    }

    @Test
    void aReplicaThatIsExpelledIsTakenDown() {
        peer.onExpelled();

        assertThat(retired).containsExactly(peer);
    }
}
