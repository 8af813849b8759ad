package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.RaftGroup;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a prepared merge to its end, one way or the other, over crashes and changes of leader: everything it acts on is in the
 * states of the two Regions, and what it remembers it can ask for again.
 *
 * <p>Every replica of the source tells its leader that it is prepared, durably, beside a replica of the target that is where they
 * agreed. The source's leader goes where the target is led. Once all have spoken it lets the target commit; if that takes too long,
 * it lets the target decide against it. Once the target has decided against it, whoever leads the source rolls back.
 *
 * <p>Why all of them: a store that applies the commit takes the source's data from its own replica, which nobody could bring up to
 * date any more.
 *
 * <p>Looked at once a second and after news. State is guarded by its lock; work is done on the store's worker.
 */
@SuppressWarnings("FutureReturnValueIgnored") // whatever becomes of a step, the next look starts from the states
final class MergeDriver {

    private static final Logger log = LoggerFactory.getLogger(MergeDriver.class);

    /** How long a leader that can do nothing keeps its place. */
    private static final Duration STAY = Duration.ofSeconds(5);

    private static final Duration WORD_WAIT = Duration.ofSeconds(2);

    private final RegionPeer peer;
    private final RegionMap regions;
    private final Executor worker;
    private final Duration patience;

    /** The prepare entry that the rest is about; 0 for none. */
    private long index;

    private long beganNanos;
    private long stuckNanos;
    private boolean working;
    private final Set<Long> prepared = new HashSet<>();

    /** @param patience how long the target waits for the word of every replica before it decides against the merge */
    MergeDriver(RegionPeer peer, RegionMap regions, Executor worker, Duration patience) {
        this.peer = peer;
        this.regions = regions;
        this.worker = worker;
        this.patience = patience;
    }

    /** Something has changed, or a second has passed. Cheap if nothing is under way; any thread. */
    void nudge() {
        if (RegionState.mergeUnderWay(peer.stateMachine().state()) != null) {
            worker.execute(this::look);
        }
    }

    /** Leader only: a replica has said that it is prepared. Any thread; never blocks. */
    void heard(MergeWord word) {
        synchronized (this) {
            begin(word.index());
            prepared.add(word.peerId());
        }
        nudge();
    }

    private void begin(long at) {
        if (index != at) {
            index = at;
            beganNanos = System.nanoTime();
            stuckNanos = 0;
            prepared.clear();
        }
    }

    private void look() {
        RegionState state = peer.stateMachine().state();
        RegionMerge merge = RegionState.mergeUnderWay(state);
        if (state == null || merge == null || !peer.isStarted()) {
            return;
        }
        synchronized (this) {
            if (working) {
                return;
            }
            working = true;
            begin(merge.index());
        }
        CompletableFuture<?> step;
        try {
            step = peer.isLeader() ? lead(state, merge) : speak(merge);
        } catch (RuntimeException e) {
            step = CompletableFuture.failedFuture(e);
        }
        step.whenComplete((done, failure) -> {
            synchronized (this) {
                working = false;
            }
            if (failure != null) {
                log.info(
                        "merge waits region={} target={} reason={}",
                        peer.regionId(),
                        merge.target().getId(),
                        HoldAndRetry.unwrap(failure).getMessage());
            }
        });
    }

    /** A replica gives its word only beside one of the target that is where they agreed: then neither needs anybody else for a commit. */
    private boolean isReady(RegionMerge merge) {
        RegionState target = target(merge);
        return target != null && merge.isOpenAt(target.region().getRegionEpoch());
    }

    private @Nullable RegionState target(RegionMerge merge) {
        RegionPeer there = regions.find(merge.target().getId());
        RegionState state = there == null || !there.isStarted()
                ? null
                : there.stateMachine().state();
        return state == null || state.status() != RegionState.Status.NORMAL ? null : state;
    }

    private CompletableFuture<?> speak(RegionMerge merge) {
        RaftGroup<ApplyOutcome> group = peer.group();
        if (merge.calledOff() || !isReady(merge) || group.leader() == null) {
            return CompletableFuture.completedFuture(null);
        }
        return group.followerReadIndex(new MergeWord(merge.index(), peer.peerId()).encode(), WORD_WAIT);
    }

    private CompletableFuture<?> lead(RegionState state, RegionMerge merge) {
        if (merge.calledOff()) {
            log.info(
                    "merge is rolled back region={} target={}",
                    peer.regionId(),
                    merge.target().getId());
            return peer.rollbackMerge(state.region(), merge);
        }
        RegionState there = target(merge);
        RegionPeer target = regions.find(merge.target().getId());
        if (there == null || target == null) {
            return orMakeWay("no replica of region " + merge.target().getId() + " serves here");
        }
        RegionEpoch now = there.region().getRegionEpoch();
        if (!merge.isOpenAt(now)) {
            return orMakeWay("region " + merge.target().getId()
                    + (merge.isDecidedAt(now) ? " has gone on, by an image" : " is behind here"));
        }
        if (!target.isLeader()) {
            return follow(state.region(), target);
        }
        synchronized (this) {
            stuckNanos = 0;
        }
        if (allPrepared(state.region())) {
            return target.commitMerge(state.region(), merge);
        }
        if (waited(beganNanos).compareTo(patience) > 0) {
            log.info(
                    "merge is called off, not every replica is prepared region={} target={}",
                    peer.regionId(),
                    merge.target().getId());
            return target.callOffMerge(peer.regionId(), merge);
        }
        // A round to the others, by which they hear at once that the prepare entry is committed: no other entry follows
        // it.
        return peer.group().readIndex();
    }

    private synchronized boolean allPrepared(Region source) {
        return source.getPeersList().stream()
                .allMatch(member -> member.getId() == peer.peerId() || prepared.contains(member.getId()));
    }

    /** Leadership goes to where the target is led: only there can both be asked. */
    private CompletableFuture<?> follow(Region source, RegionPeer target) {
        Peer leader = target.leader();
        Optional<Peer> heir = leader == null
                ? Optional.empty()
                : source.getPeersList().stream()
                        .filter(member -> member.getStoreId() == leader.getStoreId() && member.getId() != peer.peerId())
                        .findFirst();
        return heir.isPresent()
                ? peer.transferLeader(heir.get())
                : orMakeWay("nobody leads region " + target.regionId());
    }

    /** What can't be done here may be possible elsewhere. */
    private CompletableFuture<?> orMakeWay(String why) {
        synchronized (this) {
            if (stuckNanos == 0) {
                stuckNanos = Math.max(1, System.nanoTime());
            }
            if (waited(stuckNanos).compareTo(STAY) < 0) {
                return CompletableFuture.completedFuture(null);
            }
            stuckNanos = 0;
        }
        log.info("merging region is led elsewhere region={} reason={}", peer.regionId(), why);
        return peer.handOver();
    }

    private static Duration waited(long sinceNanos) {
        return Duration.ofNanos(System.nanoTime() - sinceNanos);
    }
}
