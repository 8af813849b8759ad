package io.rutile.raft;

import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.util.Utils;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.raft.transport.HeartbeatAnswer;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One heartbeat to a store for all groups that have nothing new to say to it.
 *
 * <p>A heartbeat of a node that says what its follower has answered already is not sent but <em>held</em>: JRaft, which sends the next one
 * when this one is answered, has nothing to do for that follower meanwhile. Ten times in an election timeout all groups that are held for a
 * store travel in one message of a few bytes each. The follower takes each as it takes a heartbeat: if it follows that leader in that term, it
 * has heard it, and grants no vote for an election timeout (R7). For the leader its answer counts as that of a heartbeat, from the sending.
 *
 * <p>What was held is sent after all, as it is, once there is news (entries were committed), once the follower says that it doesn't follow, or
 * says nothing for a while, and in any case after ten election timeouts. Nothing else depends on this class: whatever goes wrong
 * here, JRaft's own heartbeats go on within a third of an election timeout.
 *
 * <p>{@link #hold} from any thread; all else on one.
 */
final class CoalescedHeartbeats {

    private static final Logger LOG = LoggerFactory.getLogger(CoalescedHeartbeats.class);

    /** In an election timeout, as JRaft's own. */
    static final int BEATS_PER_TIMEOUT = 10;

    private static final int BEATS_MISSED_MAX = 3;
    private static final int TIMEOUTS_HELD_MAX = 10;
    private static final int GROUPS_PER_MESSAGE = 8_192;

    /** To other stores. */
    @FunctionalInterface
    interface Way {

        /** @param answer told if one comes in time, on any thread */
        void send(long toStore, CoalescedHeartbeat heartbeat, long timeoutMs, HeartbeatAnswer answer);
    }

    /** A leader whose heartbeats may be held. */
    interface Leader {

        /** True if it leads in that term; takes no lock. */
        boolean leadsIn(long term);

        /** How far it has committed. */
        long committed();

        /**
         * A follower has heard it in that term, as if by a heartbeat.
         *
         * @param sentNanos when it was sent, by {@link System#nanoTime}
         * @param sentMs the same, as JRaft counts
         */
        void heard(PeerId follower, long term, long sentNanos, long sentMs);
    }

    /**
     * A heartbeat that is not sent for now.
     *
     * @param committed what it says about that
     * @param send sends it after all; at most once
     */
    record Heartbeat(
            long groupId,
            Leader leader,
            Replica from,
            Replica to,
            PeerId follower,
            long term,
            long committed,
            Runnable send) {}

    private static final class Held {

        final Heartbeat heartbeat;
        final long sinceNanos;
        long heardNanos;

        Held(Heartbeat heartbeat, long nowNanos) {
            this.heartbeat = heartbeat;
            this.sinceNanos = nowNanos;
            this.heardNanos = nowNanos;
        }
    }

    private final Way way;
    private final Executor thread;
    private final LongSupplier nanoClock;
    private final long timeoutNanos;
    /** By store, then by group. */
    private final ConcurrentHashMap<Long, ConcurrentHashMap<Long, Held>> stores = new ConcurrentHashMap<>();

    private final Counter coalesced;
    private final Counter refused;
    private volatile boolean closed;

    /**
     * Prepares it; {@link #beat} is to be called {@link #BEATS_PER_TIMEOUT} times in an election timeout.
     *
     * @param thread where answers are taken, the one that beats
     */
    CoalescedHeartbeats(
            Way way, Executor thread, LongSupplier nanoClock, long electionTimeoutNanos, MeterRegistry meters) {
        this.way = way;
        this.thread = thread;
        this.nanoClock = nanoClock;
        this.timeoutNanos = electionTimeoutNanos;
        Gauge.builder("kv.raft.heartbeats.held", stores, CoalescedHeartbeats::count)
                .description("Followers of this store's leaders that one heartbeat for a whole store is enough for")
                .register(meters);
        coalesced = Counter.builder("kv.raft.heartbeats.coalesced")
                .description("Heartbeats of groups that travelled in one for a whole store")
                .register(meters);
        refused = Counter.builder("kv.raft.heartbeats.refused")
                .description("Of those, refused: the replica follows another leader, or none, or was at something else")
                .register(meters);
    }

    private static double count(Map<Long, ConcurrentHashMap<Long, Held>> stores) {
        return stores.values().stream().mapToInt(Map::size).sum();
    }

    /**
     * Holds a heartbeat that says what its follower has answered to the last.
     *
     * @return false if it has to be sent: one of the same group is held for that store already, or this store closes
     */
    boolean hold(Heartbeat heartbeat) {
        if (closed) {
            return false;
        }
        Held held = new Held(heartbeat, nanoClock.getAsLong());
        return stores.computeIfAbsent(heartbeat.to().storeId(), store -> new ConcurrentHashMap<>())
                        .putIfAbsent(heartbeat.groupId(), held)
                == null;
    }

    /** Sends what is held: together where that is enough, one by one where it isn't. */
    void beat() {
        stores.forEach((store, held) -> {
            try {
                beat(store, held);
            } catch (RuntimeException e) {
                LOG.error("heartbeat failed to_store={}", store, e);
            }
        });
    }

    /** Nothing is held from now on. */
    void close() {
        closed = true;
        stores.clear();
    }

    private void beat(long store, ConcurrentHashMap<Long, Held> held) {
        List<Held> together = new ArrayList<>(Math.min(GROUPS_PER_MESSAGE, held.size()));
        long now = nanoClock.getAsLong();
        for (Held one : held.values()) {
            if (isDue(one, now)) {
                release(held, one);
                continue;
            }
            together.add(one);
            if (together.size() == GROUPS_PER_MESSAGE) {
                send(store, held, together);
                together = new ArrayList<>();
            }
        }
        if (!together.isEmpty()) {
            send(store, held, together);
        }
    }

    private boolean isDue(Held held, long now) {
        Heartbeat heartbeat = held.heartbeat;
        return now - held.heardNanos > BEATS_MISSED_MAX * timeoutNanos / BEATS_PER_TIMEOUT
                || now - held.sinceNanos > TIMEOUTS_HELD_MAX * timeoutNanos
                || heartbeat.leader().committed() > heartbeat.committed()
                || !heartbeat.leader().leadsIn(heartbeat.term());
    }

    /** A node that leads no more has thrown away what waits for the answer, and a follower judges by the term. */
    private static void release(ConcurrentHashMap<Long, Held> held, Held one) {
        if (held.remove(one.heartbeat.groupId(), one)) {
            one.heartbeat.send().run();
        }
    }

    private void send(long store, ConcurrentHashMap<Long, Held> held, List<Held> together) {
        CoalescedHeartbeat.Builder message = CoalescedHeartbeat.newBuilder();
        for (Held one : together) {
            Heartbeat heartbeat = one.heartbeat;
            message.addGroups(heartbeat.groupId())
                    .addFromPeers(heartbeat.from().peerId())
                    .addToPeers(heartbeat.to().peerId())
                    .addTerms(heartbeat.term());
        }
        coalesced.increment(together.size());
        // Before it leaves: a lease counts from here.
        long sentNanos = nanoClock.getAsLong();
        long sentMs = Utils.monotonicMs();
        way.send(
                store,
                message.build(),
                Math.max(1, timeoutNanos / 2_000_000),
                answer -> take(() -> answered(held, together, sentNanos, sentMs, answer)));
    }

    private void take(Runnable answer) {
        try {
            thread.execute(answer);
        } catch (RejectedExecutionException e) {
            LOG.debug("closing, nobody counts on an answer any more");
        }
    }

    private void answered(
            ConcurrentHashMap<Long, Held> held,
            List<Held> together,
            long sentNanos,
            long sentMs,
            CoalescedHeartbeatAnswer answer) {
        refused.increment(answer.getBusyCount() + answer.getRefusedCount());
        Set<Integer> busy = new HashSet<>(answer.getBusyList());
        Set<Integer> no = new HashSet<>(answer.getRefusedList());
        for (int i = 0; i < together.size(); i++) {
            Held one = together.get(i);
            if (no.contains(i)) {
                release(held, one);
            } else if (!busy.contains(i)) {
                if (sentNanos - one.heardNanos > 0) {
                    one.heardNanos = sentNanos;
                }
                Heartbeat heartbeat = one.heartbeat;
                heartbeat.leader().heard(heartbeat.follower(), heartbeat.term(), sentNanos, sentMs);
            }
        }
    }
}
