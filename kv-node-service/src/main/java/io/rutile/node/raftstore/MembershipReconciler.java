package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes Raft's membership of a group what the Region's state says. The state comes first, by an entry of the log, so whoever
 * leads after a crash in between finds the difference and finishes it.
 *
 * <p>Runs only on the leader, one attempt at a time, again and again with back-off until both agree or somebody else leads. Its
 * state is guarded by its lock; the work is done on the store's worker.
 */
@SuppressWarnings("FutureReturnValueIgnored") // each attempt looks at its own outcome
final class MembershipReconciler {

    private static final Logger log = LoggerFactory.getLogger(MembershipReconciler.class);

    private static final long PAUSE_MS_MIN = 100;
    private static final long PAUSE_MS_MAX = 5_000;

    private final RegionPeer peer;
    private final Executor worker;
    private final ScheduledExecutorService timer;

    private boolean running;
    private boolean nudged;
    private long pauseMs = PAUSE_MS_MIN;

    MembershipReconciler(RegionPeer peer, Executor worker, ScheduledExecutorService timer) {
        this.peer = peer;
        this.worker = worker;
        this.timer = timer;
    }

    /** Members of Raft that are no longer in the Region. */
    static Set<Replica> leavers(Replicas members, Region region) {
        Set<Replica> leavers = new HashSet<>(members.voters());
        leavers.addAll(members.learners());
        Replicas wanted = PeerChange.replicas(region);
        leavers.removeIf(wanted::contains);
        return leavers;
    }

    /**
     * The Region as PD is told it (D1): with those who are leaving still in it, under the {@code conf_ver} that is left when their
     * removals are not counted. PD never takes a removal for done before Raft has made it.
     */
    static Region reported(Replicas members, Region region) {
        Set<Replica> leavers = leavers(members, region);
        if (leavers.isEmpty()) {
            return region;
        }
        Region.Builder before = region.toBuilder();
        leavers.stream().sorted().forEach(replica -> before.addPeers(peerOf(replica, members)));
        before.getRegionEpochBuilder().setConfVer(region.getRegionEpoch().getConfVer() - leavers.size());
        return before.build();
    }

    /** A member of Raft in the role that it has there. */
    static Peer peerOf(Replica replica, Replicas members) {
        return Peer.newBuilder()
                .setId(replica.peerId())
                .setStoreId(replica.storeId())
                .setRole(members.learners().contains(replica) ? PeerRole.Learner : PeerRole.Voter)
                .build();
    }

    /** Something has changed: look again. */
    void nudge() {
        synchronized (this) {
            if (running) {
                nudged = true;
                return;
            }
            running = true;
            pauseMs = PAUSE_MS_MIN;
        }
        attempt();
    }

    private void attempt() {
        synchronized (this) {
            nudged = false;
        }
        if (!peer.isLeader()) {
            rest();
            return;
        }
        RaftGroup<ApplyOutcome> group = peer.group();
        Replicas wanted = PeerChange.replicas(peer.region());
        Replicas current = group.replicas();
        if (wanted.equals(current)) {
            rest();
            return;
        }
        log.info("membership follows region={} from={} to={}", peer.regionId(), current, wanted);
        group.changeReplicas(wanted).whenCompleteAsync((done, failure) -> finished(current, wanted, failure), worker);
    }

    private void finished(Replicas from, Replicas to, Throwable failure) {
        if (failure == null) {
            log.info("membership reached region={} members={}", peer.regionId(), to);
            synchronized (this) {
                pauseMs = PAUSE_MS_MIN;
            }
            peer.announce();
            attempt();
            return;
        }
        long pause;
        synchronized (this) {
            pause = pauseMs;
            pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
        }
        log.info(
                "membership not reached, tried again region={} from={} to={} pauseMs={} reason={}",
                peer.regionId(),
                from,
                to,
                pause,
                HoldAndRetry.unwrap(failure).getMessage());
        timer.schedule(() -> worker.execute(this::attempt), pause, TimeUnit.MILLISECONDS);
    }

    private void rest() {
        boolean again;
        synchronized (this) {
            again = nudged;
            running = again;
        }
        if (again) {
            attempt();
        }
    }
}
