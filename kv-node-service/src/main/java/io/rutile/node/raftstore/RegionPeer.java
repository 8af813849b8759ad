package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.DataIsNotReady;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.UndeterminedResult;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.kvrpcpb.ReadState;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.RaftException;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.ReplicaRead;
import io.rutile.storage.engine.RequestTimes;
import io.rutile.storage.engine.WriteBatch;
import io.rutile.storage.mvcc.Ts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica of one Region on this store: where proposals and reads go in. Checks, proposes, and says in the protocol's words
 * what became of it; what an entry does is {@link ApplyStateMachine}'s business.
 *
 * <p>Safe from any thread; nothing here blocks.
 */
@SuppressWarnings("FutureReturnValueIgnored") // each callback hands every outcome to the future that is returned
public final class RegionPeer implements ReplicaView, ApplyStateMachine.Listener {

    private static final Logger log = LoggerFactory.getLogger(RegionPeer.class);

    private static final Function<ApplyOutcome, @Nullable Void> NOTHING = outcome -> null;

    private static final CompletableFuture<Optional<ResolvedTs>> NOT_RESOLVED =
            CompletableFuture.completedFuture(Optional.empty());

    private final PeerContext store;
    private final Replica self;
    private final ApplyStateMachine stateMachine;
    private final RegionLoad load = new RegionLoad();
    private final MembershipReconciler membership;
    private final MergeDriver merging;
    private final CompletableFuture<RaftGroup<ApplyOutcome>> started = new CompletableFuture<>();
    /** 0 while a leader is known. */
    private volatile long leaderlessSinceNanos;

    /** Splits that were proposed here and whose fate is unknown. A leader of a later term has applied them before it leads. */
    private final AtomicInteger splitsUnderWay = new AtomicInteger();

    /** The last term in which a write was proposed whose fate nobody here knows; 0 for none. */
    private final AtomicLong unknownFateInTerm = new AtomicLong();

    private final ReadProgress progress = new ReadProgress();

    /** How often another Region's range came to this one: what that one's leaders have served is not known here. */
    private final AtomicInteger absorbed = new AtomicInteger();

    /** The debt that was paid last. */
    private volatile MaxTsDebt maxTsPaid = new MaxTsDebt(0, 0);

    /** Another store knows that the Region has ended. */
    private volatile boolean dissolved;

    /** Its group can't go on: see {@link DeadReplicas}. */
    private volatile boolean dead;

    RegionPeer(PeerContext store, Replica self, ApplyStateMachine stateMachine) {
        this.store = store;
        this.self = self;
        this.stateMachine = stateMachine;
        this.membership = new MembershipReconciler(this, store.worker(), store.timer());
        this.merging = new MergeDriver(this, store.regions(), store.worker(), store.mergePatience());
    }

    /** The group runs: called once, by {@link RaftStore}. */
    void attach(RaftGroup<ApplyOutcome> group) {
        started.complete(group);
    }

    // ---- requests

    /** Replicates a batch (R8). Fails with {@link RegionException} or, a moment too early, {@link NotReadyException}. */
    CompletableFuture<Void> write(KvContext ctx, WriteBatch batch) {
        return orFailed(() -> {
            requireAlive();
            RequestCheck.leader(ctx.request(), this);
            Region region = RequestCheck.epoch(ctx.request(), this);
            requireNotMerging();
            RequestCheck.keys(batch);
            RequestCheck.range(batch, region);
            if (store.disk().isFull() && needsSpace(batch)) {
                throw RegionErrors.diskFull(self.storeId(), store.disk().reason());
            }
            RequestCheck.size(
                    RaftCommand.Write.sizeBytes(region.getRegionEpoch(), batch), batch.sizeBytes(), region.getId());
            byte[] entry = RaftCommand.Write.encode(region.getRegionEpoch(), batch);
            if (load.request()) {
                load.touched(batch);
            }
            return propose(ctx, entry, NOTHING);
        });
    }

    /** A snapshot at least as new as this call (R7). Fails as {@link #write} does. */
    CompletableFuture<KvSnapshot> snapshot(KvContext ctx) {
        return orFailed(() -> {
            Context request = ctx.request();
            requireAlive();
            ReplicaRead replicaRead = ctx.replicaRead();
            if (replicaRead != null && replicaRead.stale()) {
                return staleSnapshot(ctx, replicaRead.version());
            }
            if (request.getStaleRead() && !isLeader()) {
                // What has no versions, and what writes: nothing can be promised for those.
                throw notReadyForStaleRead(0);
            }
            if (replicaRead != null && !isLeader()) {
                return followerSnapshot(ctx, replicaRead);
            }
            RequestCheck.leader(request, this);
            RaftGroup<ApplyOutcome> group = group();
            if (group.isBehindFollowers()) {
                return readIndexSnapshot(ctx, group);
            }
            // R7: the snapshot first, then the proof that nobody else can have led before it was taken.
            long term = group.term();
            EngineSnapshot snapshot = stateMachine.engineSnapshot();
            // A split that is committed but not yet applied here may have given away a part of the range, which
            // somebody else
            // may be writing to by now; waiting for what is committed shows it.
            if (splitsUnderWay.get() == 0 && group.holdsLease() && group.term() == term) {
                return within(ctx, snapshot, term);
            }
            snapshot.close();
            return readIndexSnapshot(ctx, group);
        });
    }

    /**
     * A snapshot here that holds all that will ever be committed at or below a version (P8); no other store is asked. How far that goes is
     * looked at first: it counts on what is applied, and the snapshot is to hold that. A range that has changed meanwhile shows in the
     * epoch.
     */
    private CompletableFuture<KvSnapshot> staleSnapshot(KvContext ctx, long version) {
        RequestCheck.replica(ctx.request(), this);
        long safeTs = progress.safeTs(ctx.request().getRegionEpoch().getVersion(), stateMachine.appliedIndex());
        EngineSnapshot snapshot = safeTs == 0 || Ts.isAfter(version, safeTs) ? null : stateMachine.settledSnapshot();
        if (snapshot == null) {
            store.staleReads().refused().increment();
            throw notReadyForStaleRead(safeTs);
        }
        store.staleReads().served().increment();
        return within(ctx, snapshot, term());
    }

    /** Clients then ask the leader. */
    private RegionException notReadyForStaleRead(long safeTs) {
        return new RegionException(Error.newBuilder()
                .setMessage("data is not ready for a stale read in region " + regionId())
                .setDataIsNotReady(DataIsNotReady.newBuilder()
                        .setRegionId(regionId())
                        .setPeerId(self.peerId())
                        .setSafeTs(safeTs))
                .build());
    }

    private CompletableFuture<KvSnapshot> readIndexSnapshot(KvContext ctx, RaftGroup<ApplyOutcome> group) {
        long term = group.term();
        CompletableFuture<KvSnapshot> result = new CompletableFuture<>();
        withDeadline(group.readIndex(), ctx).whenComplete((done, failure) -> {
            if (failure != null) {
                result.completeExceptionally(outcomeOf(failure, ctx));
                return;
            }
            within(ctx, stateMachine.engineSnapshot(), term).whenComplete((snapshot, refused) -> {
                if (refused != null) {
                    result.completeExceptionally(HoldAndRetry.unwrap(refused));
                } else if (!result.complete(snapshot)) {
                    snapshot.close();
                }
            });
        });
        return result;
    }

    /**
     * A snapshot here, although another replica leads: the leader is told what is read (P4) and says how far it has committed (R7), and
     * the snapshot is taken once so much is applied here. A split that took a part of the range away before the leader spoke is
     * applied by then too, and the epoch, looked at once more, shows it; so the leader needn't wait for its own splits here.
     */
    private CompletableFuture<KvSnapshot> followerSnapshot(KvContext ctx, ReplicaRead read) {
        RequestCheck.replica(ctx.request(), this);
        RaftGroup<ApplyOutcome> group = group();
        long term = group.term();
        byte[] question = ReadQuestion.encode(read, RaftStore.rangeOf(region()));
        Duration left = Duration.ofNanos(Math.max(0, ctx.deadlineNanos() - System.nanoTime()));
        return group.followerReadIndex(question, left)
                .handle((refusal, failure) -> {
                    if (failure != null) {
                        return CompletableFuture.<KvSnapshot>failedFuture(followerFailure(failure, ctx));
                    }
                    if (refusal.isPresent()) {
                        return CompletableFuture.<KvSnapshot>failedFuture(ReadQuestion.refusal(refusal.get()));
                    }
                    EngineSnapshot snapshot = stateMachine.settledSnapshot();
                    if (snapshot != null && group.term() != term) {
                        // A later leader may have told this replica of more than it has applied itself, and doesn't
                        // know that
                        // anybody reads here.
                        snapshot.close();
                        snapshot = null;
                    }
                    return snapshot == null
                            ? CompletableFuture.<KvSnapshot>failedFuture(new NotReadyException(elsewhere()))
                            : within(ctx, snapshot, group.term());
                })
                .thenCompose(Function.identity());
    }

    /** If asking again doesn't help, or can't, the client is better off with the leader. */
    private RuntimeException followerFailure(Throwable failure, KvContext ctx) {
        if (HoldAndRetry.unwrap(failure) instanceof RaftException raft) {
            if (raft.kind() == RaftException.Kind.BUSY) {
                return new NotReadyException(elsewhere());
            }
            if (raft.kind() == RaftException.Kind.INVALID) {
                return elsewhere();
            }
        }
        return outcomeOf(failure, ctx);
    }

    private RegionException elsewhere() {
        Peer leader = leader();
        return RegionErrors.notLeader(regionId(), leader != null && leader.getId() == self.peerId() ? null : leader);
    }

    /**
     * The epoch once more, now that the snapshot is taken: a change of range is announced before it is written, so a snapshot that
     * holds one is never taken for one of the old range.
     */
    private CompletableFuture<KvSnapshot> within(KvContext ctx, EngineSnapshot snapshot, long term) {
        try {
            Region region = RequestCheck.epoch(ctx.request(), this);
            // R7: as long as this replica isn't prepared here, nobody can have committed its merge, so nobody else can
            // have
            // written to the range before the snapshot was taken.
            requireNotMerging();
            boolean synced = maxTsPaid.equals(new MaxTsDebt(term, absorbed.get()));
            if (ctx.choosesCommitTs() && !synced) {
                throw new NotReadyException(RegionErrors.maxTimestampNotSynced(regionId()));
            }
            return CompletableFuture.completedFuture(
                    new CountedSnapshot(snapshot.within(region, term, synced), stateMachine.traffic(), load));
        } catch (RegionException | NotReadyException changed) {
            snapshot.close();
            return CompletableFuture.failedFuture(changed);
        }
    }

    /** Completes when its fate is known here, however late: the deadline only decides whether it is proposed at all (P1). */
    private <T> CompletableFuture<T> propose(KvContext ctx, byte[] entry, Function<ApplyOutcome, T> answer) {
        if (ctx.isExpired()) {
            throw RegionErrors.deadlineExceeded();
        }
        store.budget().acquire(entry.length);
        long term = Math.max(ctx.decidedInTerm(), term());
        RequestTimes times = ctx.times();
        times.proposed(System.nanoTime());
        CompletableFuture<ApplyOutcome> proposed;
        try {
            proposed = group().propose(entry, ctx.decidedInTerm(), times);
        } catch (RuntimeException e) {
            store.budget().release(entry.length);
            throw e;
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        proposed.whenComplete((outcome, failure) -> {
            store.budget().release(entry.length);
            times.applied(System.nanoTime());
            if (failure != null) {
                noteFate(failure, term);
                result.completeExceptionally(outcomeOf(failure, ctx));
            } else if (outcome != null && outcome.refusal() != null) {
                result.completeExceptionally(withNeighbours(outcome.refusal()));
            } else {
                result.complete(answer.apply(outcome));
            }
        });
        return result;
    }

    /**
     * P8: a write whose lock was in memory may still be committed by a later leader, and whoever reads this failure takes the lock away. From
     * before that on, nothing is settled in this term any more: it is about to end.
     */
    private void noteFate(Throwable failure, long term) {
        if (HoldAndRetry.unwrap(failure) instanceof RaftException raft
                && raft.kind() == RaftException.Kind.UNDETERMINED) {
            unknownFateInTerm.accumulateAndGet(term, Math::max);
        }
    }

    /** What apply refuses for its epoch was checked against the Region as it was a moment ago: a split has come in between (E03). */
    private RegionException withNeighbours(RegionException refusal) {
        if (!refusal.error().hasEpochNotMatch() || !isInitialized()) {
            return refusal;
        }
        return RegionErrors.epochNotMatch(regionsSince(region().getRegionEpoch().getVersion() - 1));
    }

    /** Only what makes the disk fuller is refused when it is full: deletes are the way out. */
    private static boolean needsSpace(WriteBatch batch) {
        return batch.ops().stream().anyMatch(WriteBatch.Put.class::isInstance);
    }

    // ---- orders of the Placement Driver

    /**
     * Changes the Region's membership by one step, or by several at once. Completes when the change is applied here; Raft's own
     * membership follows it in the background, over crashes and leader changes.
     *
     * @param changes 1 to {@link PeerChanges#CHANGES_MAX}, each about another peer
     * @return fails with {@link RegionException}: not leader, another change under way, or steps that can't be taken
     */
    public CompletableFuture<Void> changePeers(List<PeerChange> changes) {
        return orFailed(() -> {
            requireLeader();
            requireNotMerging();
            Region region = region();
            PeerChanges wanted = requireSettled(changesOf(changes), region);
            Optional<String> refusal =
                    wanted.changes().size() == 1 ? wanted.changes().get(0).refusal(region) : wanted.refusal(region);
            if (refusal.isPresent()) {
                throw RegionErrors.message(refusal.get());
            }
            if (wanted.removes(self.peerId())) {
                throw RegionErrors.message("peer " + self.peerId() + " leads: transfer leadership first");
            }
            return propose(patient(), entry(region.getRegionEpoch(), wanted), NOTHING);
        });
    }

    /** {@link #changePeers} with a single one. */
    public CompletableFuture<Void> changePeer(PeerChange change) {
        return changePeers(List.of(change));
    }

    private static PeerChanges changesOf(List<PeerChange> changes) {
        try {
            return new PeerChanges(changes);
        } catch (IllegalArgumentException e) {
            throw RegionErrors.message(String.valueOf(e.getMessage()));
        }
    }

    private static byte[] entry(RegionEpoch epoch, PeerChanges wanted) {
        return wanted.changes().size() == 1
                ? new RaftCommand.ChangePeer(epoch, wanted.changes().get(0)).encode()
                : new RaftCommand.ChangePeers(epoch, wanted).encode();
    }

    private static KvContext patient() {
        return KvContext.of(Context.getDefaultInstance(), System.nanoTime() + HoldAndRetry.HOLD_MAX.toNanos());
    }

    /**
     * Whether this replica would take a split at these keys: leads, has that version, and the keys lie inside. Fails as {@link
     * #split} would, before anybody is asked for ids.
     *
     * @param seen the epoch that the keys were chosen for; its version counts
     * @return the Region to ask ids for
     */
    public Region requireSplittable(RegionEpoch seen, List<ByteKey> borders) {
        requireLeader();
        Region region = region();
        RequestCheck.epoch(seen, region, this);
        if (state().isMerging()) {
            throw RegionErrors.proposalInMergingMode(regionId());
        }
        RequestCheck.split(borders, region);
        return region;
    }

    /**
     * Cuts the Region into several. Completes when that is applied here, with all of them in key order, this one last.
     *
     * @param decided the Region that ids were asked for: the pieces get as many peers as it has
     * @return fails with {@link RegionException}: not leader, the Region has changed, or it can't be cut there
     */
    public CompletableFuture<List<Region>> split(Region decided, RegionSplit split) {
        return orFailed(() -> {
            requireLeader();
            Region region = region();
            RequestCheck.epoch(decided.getRegionEpoch(), region, this);
            Optional<String> refusal = split.refusal(region);
            if (refusal.isPresent()) {
                throw RegionErrors.message(refusal.get());
            }
            byte[] entry = new RaftCommand.Split(decided.getRegionEpoch(), split).encode();
            RequestCheck.size(entry.length, entry.length, region.getId());
            // R7: from before it is proposed until it is applied here.
            splitsUnderWay.incrementAndGet();
            CompletableFuture<List<Region>> done;
            try {
                done = propose(patient(), entry, ApplyOutcome::regions);
            } catch (RuntimeException e) {
                splitsUnderWay.decrementAndGet();
                throw e;
            }
            return done.whenComplete((regions, failure) -> splitsUnderWay.decrementAndGet());
        });
    }

    /**
     * Sets out to be merged into a neighbour; see {@link RegionMerge}. If the neighbour is led elsewhere, leadership goes there first
     * and nothing else happens: whoever leads then is asked again.
     *
     * @param into as the Placement Driver knows it; it must be so here, too
     * @return completes when the Region is prepared, long before it is merged; fails with {@link RegionException}: not leader, the
     *     neighbour has changed, or the two can't be merged now
     */
    public CompletableFuture<Void> merge(Region into) {
        return orFailed(() -> {
            requireLeader();
            Region region = region();
            RegionMerge underWay = RegionState.mergeUnderWay(state());
            if (underWay != null && underWay.target().getId() == into.getId()) {
                return CompletableFuture.<Void>completedFuture(null);
            }
            if (underWay != null) {
                throw RegionErrors.proposalInMergingMode(regionId());
            }
            RegionPeer neighbour = store.regions().route(into.getId());
            if (neighbour == null || !neighbour.isStarted()) {
                throw RegionErrors.message("no replica of region " + into.getId() + " is here");
            }
            Region target = neighbour.region();
            if (!target.getRegionEpoch().equals(into.getRegionEpoch())) {
                throw RegionErrors.message("region " + into.getId() + " has changed, or is behind here");
            }
            RegionMerge.refusal(region, target).ifPresent(why -> {
                throw RegionErrors.message(why);
            });
            if (neighbour.state().isMerging()) {
                throw RegionErrors.message("region " + into.getId() + " is itself being merged");
            }
            requireWhole();
            if (!neighbour.isLeader()) {
                return goWhere(neighbour);
            }
            neighbour.requireWhole();
            log.info("merge begins region={} target={}", regionId(), into.getId());
            return propose(patient(), new RaftCommand.PrepareMerge(region.getRegionEpoch(), target).encode(), NOTHING);
        });
    }

    private CompletableFuture<Void> goWhere(RegionPeer neighbour) {
        Peer leads = neighbour.leader();
        return region().getPeersList().stream()
                .filter(peer -> leads != null && peer.getStoreId() == leads.getStoreId())
                .findFirst()
                .map(this::transferLeader)
                .orElseThrow(() -> RegionErrors.message("nobody leads region " + neighbour.regionId()));
    }

    /** Raft has the members that the Region has, and all of them answer: a merge needs every one. */
    private void requireWhole() {
        Replicas members = raftMembers();
        if (!members.equals(PeerChange.replicas(region())) || !reachable().containsAll(members.voters())) {
            throw RegionErrors.serverIsBusy("not every replica of region " + regionId() + " is there", 1000);
        }
    }

    /** Takes over a prepared neighbour. Completes when that is applied here. */
    CompletableFuture<Void> commitMerge(Region source, RegionMerge merge) {
        return orFailed(() -> {
            requireLeader();
            if (!raftMembers().equals(PeerChange.replicas(region()))) {
                // A replica that is still leaving has none of the source beside it.
                throw RegionErrors.serverIsBusy("the membership of region " + regionId() + " is changing", 1000);
            }
            RegionEpoch agreed = merge.target().getRegionEpoch();
            return propose(patient(), new RaftCommand.CommitMerge(agreed, merge.index(), source).encode(), NOTHING);
        });
    }

    /** Decides against a neighbour's merge into this Region. */
    CompletableFuture<Void> callOffMerge(long sourceId, RegionMerge merge) {
        return orFailed(() -> {
            requireLeader();
            RegionEpoch agreed = merge.target().getRegionEpoch();
            return propose(patient(), new RaftCommand.CallOffMerge(agreed, sourceId).encode(), NOTHING);
        });
    }

    /** Goes on after the neighbour has decided against the merge. */
    CompletableFuture<Void> rollbackMerge(Region prepared, RegionMerge merge) {
        return orFailed(() -> {
            requireLeader();
            byte[] entry = new RaftCommand.RollbackMerge(prepared.getRegionEpoch(), merge.index()).encode();
            return propose(patient(), entry, NOTHING);
        });
    }

    /** Held for a moment: it ends soon, and the Region is here again or somebody else's. */
    private void requireNotMerging() {
        if (state().isMerging()) {
            throw new NotReadyException(RegionErrors.proposalInMergingMode(regionId()));
        }
    }

    /**
     * Has every replica hash what it holds at one index of the log, and compare that with what this one finds. The results are in
     * each store's {@link RaftStore#reports}.
     *
     * @return the index, once the entry is applied here; fails with {@link RegionException} if this replica doesn't lead
     */
    public CompletableFuture<Long> checkConsistency() {
        return orFailed(() -> {
            requireLeader();
            byte[] entry = new RaftCommand.ComputeHash(region().getRegionEpoch()).encode();
            return propose(patient(), entry, ApplyOutcome::index);
        });
    }

    /** Whoever leads by then says what it has found; if nobody does, who asked asks again. */
    private void tellHash(long index, RegionHash hash) {
        orFailed(() -> {
                    requireLeader();
                    RegionEpoch epoch = region().getRegionEpoch();
                    return propose(patient(), new RaftCommand.VerifyHash(epoch, index, hash.value()).encode(), NOTHING);
                })
                .exceptionally(failure -> {
                    log.debug("hash is not told region={} index={} reason={}", regionId(), index, failure);
                    return null;
                });
    }

    /**
     * One change at a time (D2), except to take back one that Raft has not followed: a newcomer that can't be reached would stand in
     * the way for ever. Whoever was to go in the same change stays: without the newcomer the Region would be left with fewer than
     * it had.
     */
    private PeerChanges requireSettled(PeerChanges wanted, Region region) {
        Replicas current = group().replicas();
        if (current.equals(PeerChange.replicas(region))) {
            return wanted;
        }
        boolean takesBack = wanted.changes().stream()
                .allMatch(change -> change.kind() == PeerChange.Kind.REMOVE
                        && !current.contains(PeerChange.replica(change.peer())));
        if (!takesBack) {
            throw RegionErrors.serverIsBusy(
                    "another membership change of region " + regionId() + " is under way", 1000);
        }
        List<PeerChange> all = new ArrayList<>(wanted.changes());
        MembershipReconciler.leavers(current, region).stream()
                .sorted()
                .map(replica -> new PeerChange(
                        current.learners().contains(replica) ? PeerChange.Kind.ADD_LEARNER : PeerChange.Kind.ADD_VOTER,
                        MembershipReconciler.peerOf(replica, current)))
                .forEach(all::add);
        return changesOf(all);
    }

    /**
     * Hands leadership to a voter of the Region that answers. While it waits for that one nobody is served, for an election timeout, and
     * PD repeats an order with every report: a voter that died meanwhile would keep the Region from serving until PD noticed.
     */
    public CompletableFuture<Void> transferLeader(Peer to) {
        return orFailed(() -> {
            requireLeader();
            Peer voter = state().peer(to.getId())
                    .filter(peer -> peer.getRole() == PeerRole.Voter)
                    .orElseThrow(() -> RegionErrors.message("peer " + to.getId() + " is no voter of " + regionId()));
            if (!reachable().contains(PeerChange.replica(voter))) {
                throw RegionErrors.message("peer " + to.getId() + " does not answer");
            }
            return group().transferLeader(PeerChange.replica(voter));
        });
    }

    /**
     * Gives leadership to a voter that answers: to each of them in turn until one takes it. Regions begin with different ones, so that
     * a store that gives all of them away doesn't give them all to one other.
     *
     * @return completes when somebody else leads, or nobody is left to ask
     */
    public CompletableFuture<Void> handOver() {
        return orFailed(() -> handOver(heirs(), 0));
    }

    private List<Replica> heirs() {
        Set<Replica> voters = raftMembers().voters();
        return reachable().stream()
                .filter(replica -> !replica.equals(self) && voters.contains(replica))
                .sorted()
                .toList();
    }

    private CompletableFuture<Void> handOver(List<Replica> heirs, int asked) {
        if (asked == heirs.size() || !isLeader()) {
            return CompletableFuture.completedFuture(null);
        }
        Replica heir = heirs.get((int) ((regionId() + asked) % heirs.size()));
        return group().transferLeader(heir)
                .handle((done, failure) ->
                        failure == null ? CompletableFuture.<Void>completedFuture(null) : handOver(heirs, asked + 1))
                .thenCompose(Function.identity());
    }

    /** As if it weren't here: whoever asks finds the Region where it lives. */
    private void requireAlive() {
        if (dead) {
            throw RegionErrors.regionNotFound(regionId());
        }
    }

    private void requireLeader() {
        if (!isLeader()) {
            throw RegionErrors.notLeader(regionId(), leader());
        }
    }

    // ---- what became of it

    /** In the protocol's words; a moment too early stays {@link NotReadyException}. */
    private RuntimeException outcomeOf(Throwable failure, KvContext ctx) {
        Throwable cause = HoldAndRetry.unwrap(failure);
        if (cause instanceof TimeoutException) {
            return RegionErrors.deadlineExceeded();
        }
        if (!(cause instanceof RaftException raft)) {
            return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
        }
        return switch (raft.kind()) {
            case NOT_LEADER -> notLeader();
            case STALE_TERM -> RegionErrors.staleCommand(regionId());
            case BUSY -> new NotReadyException();
            // Whoever may apply it twice is invited to; whoever may not must learn that nobody knows.
            case UNDETERMINED -> ctx.replayable() ? RegionErrors.staleCommand(regionId()) : undetermined();
            case DISK ->
                store.disk().isFull()
                        ? RegionErrors.diskFull(self.storeId(), store.disk().reason())
                        : RegionErrors.serverIsBusy("the disk refuses writes", 1000);
            // A proposal may have left before the stop.
            case STOPPED -> ctx.replayable() ? RegionErrors.regionNotFound(regionId()) : undetermined();
            case INVALID -> RegionErrors.message(String.valueOf(raft.getMessage()));
        };
    }

    private RuntimeException notLeader() {
        Peer leader = leader();
        return leader != null && leader.getId() == self.peerId()
                ? new NotReadyException()
                : RegionErrors.notLeader(regionId(), leader);
    }

    private RegionException undetermined() {
        String text = "the result of a write to region " + regionId() + " is unknown";
        return new RegionException(Error.newBuilder()
                .setMessage(text)
                .setUndeterminedResult(UndeterminedResult.newBuilder().setMessage(text))
                .build());
    }

    private static <T> CompletableFuture<T> withDeadline(CompletableFuture<T> future, KvContext ctx) {
        if (future.isDone()) {
            return future;
        }
        long left = Math.max(0, ctx.deadlineNanos() - System.nanoTime());
        return future.copy().orTimeout(left, TimeUnit.NANOSECONDS);
    }

    private static <T> CompletableFuture<T> orFailed(Supplier<CompletableFuture<T>> attempt) {
        try {
            return attempt.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    // ---- news from below, on the group's thread

    @Override
    public void onLeaderStart(long term) {
        leaderNews();
    }

    @Override
    public void onLeaderStop() {
        log.debug("follows region={} peer={}", regionId(), self.peerId());
    }

    @Override
    public void onRegionChanged() {
        leaderNews();
        mergeNews();
    }

    @Override
    public void onAbsorb() {
        absorbed.incrementAndGet();
    }

    @Override
    public void onDissolved() {
        if (!dissolved) {
            dissolved = true;
            log.info("the region has been merged elsewhere region={} peer={}", regionId(), self.peerId());
        }
        store.dissolved().accept(this);
    }

    /** Something has become of this Region's merge, if it has one. */
    void mergeNews() {
        started.thenRun(merging::nudge);
    }

    /** Another store knows for certain that the Region has been merged, whatever this replica has heard of it. */
    boolean isDissolved() {
        return dissolved;
    }

    @Override
    public void onSplit() {
        started.thenRunAsync(membership::nudge, store.worker());
    }

    @Override
    public void onExpelled() {
        log.info("no longer a member region={} peer={}", regionId(), self.peerId());
        store.retire().accept(this);
    }

    @Override
    public byte @Nullable [] onReadIndex(byte[] question) {
        MergeWord word = MergeWord.decode(question);
        if (word != null) {
            merging.heard(word);
            return null;
        }
        return ReadQuestion.answer(question, store.locks());
    }

    @Override
    public void onHashDue(long index, Region region) {
        store.hashes().compute(index, region, stateMachine.engineSnapshot()).thenAccept(hash -> tellHash(index, hash));
    }

    @Override
    public void onHashOfLeader(long index, ByteString hash) {
        store.hashes().verify(regionId(), index, hash);
    }

    @Override
    public void onFailure(Throwable cause) {
        dead = true;
        store.died().accept(this, cause);
    }

    /** The group may tell us before {@link #attach} has been reached. */
    private void leaderNews() {
        started.thenRunAsync(
                () -> {
                    membership.nudge();
                    announce();
                },
                store.worker());
    }

    /** Tells the observer, if this replica leads. */
    void announce() {
        if (isLeader()) {
            store.observer().onLeaderNews(this);
        }
    }

    // ---- stale reads (P8)

    /**
     * Finds out up to which timestamp nothing will be committed any more in this Region, now or later, whoever leads then. From any
     * thread; scans the Region's locks when it begins to lead, and who asks meanwhile is told nothing.
     *
     * <p>The order that makes it so: {@code ts} comes from the oracle. Then max_ts is raised to it and the locks in memory are looked at,
     * and then the locks that are applied: what isn't among either is prewritten later, and gets its commit timestamp from a max_ts above
     * {@code ts} or from the oracle after that. Last comes the proof that nobody else leads at that moment, neither here nor in a piece
     * that a split has cut off: a later leader asks the oracle before it chooses (P4).
     *
     * @param ts of the oracle, fetched before
     * @return empty if nothing can be said now, or another replica leads; completes without delay while the lease holds
     */
    public CompletableFuture<Optional<ResolvedTs>> resolve(long ts) {
        if (!isLeader()) {
            stateMachine.locks().rest();
            return NOT_RESOLVED;
        }
        try {
            RaftGroup<ApplyOutcome> group = group();
            long term = group.term();
            stateMachine.locks().follow(() -> RaftStore.rangeOf(region()), stateMachine::engineSnapshot);
            Region region = region();
            long settled = store.locks().settle(ts, RaftStore.rangeOf(region));
            AppliedLocks.Oldest oldest = stateMachine.locks().look();
            if (oldest == null || oldest.startTs() == 0 || !isSettled(region, term)) {
                return NOT_RESOLVED;
            }
            long resolved = Ts.isAfter(oldest.startTs(), settled) ? settled : oldest.startTs() - 1;
            long index = Math.max(oldest.index(), stateMachine.appliedIndex());
            ResolvedTs word = new ResolvedTs(region, self.peerId(), term, index, resolved);
            if (group.holdsLease() && group.term() == term) {
                return CompletableFuture.completedFuture(Optional.of(spoken(word)));
            }
            return group.readIndex()
                    .thenApply(proven -> isSettled(region, term) ? Optional.of(spoken(word)) : Optional.empty());
        } catch (RuntimeException e) {
            // Being taken down, a failing disk, a lock that can't be read: one Region's trouble and not the others'.
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Whether whatever is written to that range is written in this Region, in that term, by this replica, and known here. */
    private boolean isSettled(Region region, long term) {
        RegionState now = state();
        return isLeader()
                && term() == term
                && unknownFateInTerm.get() < term
                && splitsUnderWay.get() == 0
                && !now.isMerging()
                && Epochs.sameVersion(region.getRegionEpoch(), now.region().getRegionEpoch());
    }

    private ResolvedTs spoken(ResolvedTs word) {
        progress.offer(mark(word.region().getRegionEpoch(), word.index(), word.ts()));
        return word;
    }

    private static ReadProgress.Mark mark(RegionEpoch epoch, long index, long ts) {
        return new ReadProgress.Mark(epoch.getVersion(), index, ts);
    }

    /** Another store says that it leads, and how far this replica may be read. @return whether it is the leader that is known here */
    boolean heard(LeaderInfo leader) {
        Peer known = leader();
        if (known == null || known.getId() != leader.getPeerId() || term() != leader.getTerm()) {
            return false;
        }
        ReadState said = leader.getReadState();
        if (leader.hasRegionEpoch() && said.getSafeTs() != 0 && said.getSafeTs() != Ts.MAX) {
            progress.offer(mark(leader.getRegionEpoch(), said.getAppliedIndex(), said.getSafeTs()));
        }
        return true;
    }

    /** The greatest timestamp that this replica can be read at without a word to its leader; 0 for none. */
    public long safeTs() {
        RegionState now = stateMachine.state();
        return now == null
                ? 0
                : progress.safeTs(now.region().getRegionEpoch().getVersion(), stateMachine.appliedIndex());
    }

    // ---- changes

    /**
     * Tells a watcher of every change that is applied here from soon on, until {@link ChangeWatcher#ended}: see {@link #tellsAll}.
     *
     * @param seen the epoch that the watcher's range was chosen for; its version counts
     * @return a number to ask {@link #tellsAll} with
     * @throws RegionException if this replica doesn't lead or the Region has changed; then nothing is told
     */
    public long watch(RegionEpoch seen, ChangeWatcher watcher) {
        long added = stateMachine.watchers().add(watcher);
        try {
            // Afterwards: who changes the Region or stops leading from now on tells the watcher.
            requireWatchable(seen);
        } catch (RegionException refused) {
            unwatch(watcher);
            throw refused;
        }
        return added;
    }

    /** @throws RegionException why its changes can't be watched here, in the words for who asks */
    public void requireWatchable(RegionEpoch seen) {
        requireAlive();
        requireLeader();
        RequestCheck.epoch(seen, region(), this);
        if (state().isMerging()) {
            throw RegionErrors.proposalInMergingMode(regionId());
        }
    }

    public void unwatch(ChangeWatcher watcher) {
        stateMachine.watchers().remove(watcher);
    }

    /** True once every change that the watcher isn't told of is in any {@link #changesUntilNow snapshot}. */
    public boolean tellsAll(long added) {
        return stateMachine.watchers().tellsAll(added);
    }

    /**
     * The records as they are now.
     *
     * @param snapshot of the whole engine; to be closed
     * @param index the last one that it holds: what a watcher is told of at or below it is in the snapshot
     */
    public record ChangesUntilNow(EngineSnapshot snapshot, long index) {}

    /** @throws io.rutile.storage.engine.EngineException if the disk fails */
    public ChangesUntilNow changesUntilNow() {
        EngineSnapshot snapshot = stateMachine.engineSnapshot();
        try {
            return new ChangesUntilNow(snapshot, stateMachine.appliedIndex(snapshot));
        } catch (RuntimeException e) {
            snapshot.close();
            throw e;
        }
    }

    // ---- max_ts (P4)

    /**
     * That max_ts has to be raised once more: others may have served reads, of this Region before a term, or of one that was merged
     * into it.
     */
    public record MaxTsDebt(long term, int absorbed) {}

    /** What is still to be paid; null if nothing is, or if another replica leads. */
    public @Nullable MaxTsDebt maxTsDebt() {
        MaxTsDebt debt = new MaxTsDebt(term(), absorbed.get());
        return isLeader() && !maxTsPaid.equals(debt) ? debt : null;
    }

    /** max_ts has been raised to a timestamp that was made after the debt was asked for. */
    public void maxTsRaised(MaxTsDebt debt) {
        maxTsPaid = debt;
    }

    // ---- what others see

    public long regionId() {
        return stateMachine.regionId();
    }

    /** This replica's own incarnation. */
    public Replica self() {
        return self;
    }

    /** False until the first image has arrived. */
    public boolean isInitialized() {
        RegionState state = stateMachine.state();
        return state != null && state.status() == RegionState.Status.NORMAL;
    }

    /** The Region as this replica has it, also while it can't serve; empty without an image. */
    public Optional<Region> lastKnown() {
        return Optional.ofNullable(stateMachine.state()).map(RegionState::region);
    }

    /** False once the Region has let this replica go. */
    public boolean isMember() {
        return state().isMember();
    }

    RegionState state() {
        RegionState state = stateMachine.state();
        if (state == null || state.status() != RegionState.Status.NORMAL) {
            throw RegionErrors.regionNotFound(regionId());
        }
        return state;
    }

    @Override
    public Region region() {
        return state().region();
    }

    @Override
    public long peerId() {
        return self.peerId();
    }

    @Override
    public boolean isLeader() {
        RaftGroup<ApplyOutcome> group = started.getNow(null);
        return group != null && group.isLeader();
    }

    @Override
    public long term() {
        RaftGroup<ApplyOutcome> group = started.getNow(null);
        return group == null ? 0 : group.term();
    }

    @Override
    public List<Region> regionsSince(long version) {
        return store.regions().since(region(), version);
    }

    @Override
    public @Nullable Peer leader() {
        RaftGroup<ApplyOutcome> group = started.getNow(null);
        Replica leader = group == null ? null : group.leader();
        if (leader == null) {
            return null;
        }
        RegionState state = stateMachine.state();
        return state == null ? peerOf(leader) : state.peer(leader.peerId()).orElseGet(() -> peerOf(leader));
    }

    private static Peer peerOf(Replica replica) {
        return Peer.newBuilder()
                .setId(replica.peerId())
                .setStoreId(replica.storeId())
                .build();
    }

    /** The membership that Raft counts votes by; it follows {@link #region}. */
    public Replicas raftMembers() {
        return group().replicas();
    }

    /** Leader only: replicas that answered within the election timeout. */
    public Set<Replica> reachable() {
        return group().reachable();
    }

    /** Leader only: who needs no image and has nearly all of the log, this one included. */
    public Set<Replica> caughtUp() {
        return group().caughtUp();
    }

    /** The Region as PD is told it: it hears of a removal when Raft has made it, too (D1). */
    public Region reported() {
        return MembershipReconciler.reported(group().replicas(), region());
    }

    RegionLoad load() {
        return load;
    }

    public RegionTraffic traffic() {
        return stateMachine.traffic();
    }

    /** Its group can't go on. */
    boolean isDead() {
        return dead;
    }

    /** True once its group runs. */
    boolean isStarted() {
        return started.isDone();
    }

    /** The range that it owns or is about to own, also while it can't serve; null without an image (R6). */
    @Nullable KeyRange claimedRange() {
        RegionState state = stateMachine.state();
        return state == null
                        || state.status() == RegionState.Status.TOMBSTONE
                        || state.status() == RegionState.Status.MERGED
                ? null
                : state.range();
    }

    ApplyStateMachine stateMachine() {
        return stateMachine;
    }

    /** Once a second: notices how long nobody has led, and brings a merge on. */
    void tick() {
        merging.nudge();
        if (leader() != null) {
            leaderlessSinceNanos = 0;
        } else if (leaderlessSinceNanos == 0) {
            leaderlessSinceNanos = Math.max(1, System.nanoTime());
        }
    }

    /** How long no leader has been known here. */
    public Duration leaderless() {
        long since = leaderlessSinceNanos;
        return since == 0 ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - since);
    }

    RaftGroup<ApplyOutcome> group() {
        RaftGroup<ApplyOutcome> group = started.getNow(null);
        if (group == null) {
            throw RegionErrors.regionNotFound(regionId());
        }
        return group;
    }
}
