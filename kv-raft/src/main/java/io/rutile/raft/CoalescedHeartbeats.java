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
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One heartbeat to a store for all groups whose leaders are here.
 *
 * <p>Ten times in an election timeout the {@linkplain Follower followers} on a store of all this store's leaders travel in one message of a few
 * bytes each. A follower takes it as it takes a heartbeat: if it follows that leader in that term, it has heard it, and grants no vote for an
 * election timeout (R7). For the leader its answer counts as that of a heartbeat, from the sending. So who leads doesn't depend on how long
 * entries, and the heartbeats of the nodes behind them, take on a store that has more to do than it can.
 *
 * <p>A heartbeat of a node that says what its follower has answered already is not sent but <em>held</em>: JRaft, which sends the next one
 * when this one is answered, has nothing to do for that follower meanwhile. So is one that comes right after entries which the follower took.
 * It is sent after all, as it is, once there is news that no entries bring (entries were committed and none have followed), once the follower says that it doesn't follow, or says nothing for a while, and in any case after ten election timeouts. A
 * follower that has not answered a node's own heartbeat for ten more is spoken to no more: what is stuck there is not only late.
 *
 * <p>Nothing else depends on this class: whatever goes wrong here, JRaft's own heartbeats go on within a third of an election timeout.
 *
 * <p>{@link #speakTo}, {@link #answeredBy} and {@link #hold} from any thread; all else on one.
 */
final class CoalescedHeartbeats {

    private static final Logger LOG = LoggerFactory.getLogger(CoalescedHeartbeats.class);

    /** In an election timeout, as JRaft's own. */
    static final int BEATS_PER_TIMEOUT = 10;

    private static final int BEATS_MISSED_MAX = 3;
    private static final int TIMEOUTS_HELD_MAX = 10;
    private static final int TIMEOUTS_UNANSWERED_MAX = 10;
    private static final int GROUPS_PER_MESSAGE = 8_192;

    /** To other stores. */
    @FunctionalInterface
    interface Way {

        /** @param answer told if one comes in time, on any thread */
        void send(long toStore, CoalescedHeartbeat heartbeat, long timeoutMs, HeartbeatAnswer answer);
    }

    /** A leader that this store speaks for. */
    interface Leader {

        /** True if it leads in that term; takes no lock. */
        boolean leadsIn(long term);

        /** How far it has committed. */
        long committed();

        /**
         * When the last entries were sent that a follower has taken from it, by {@link System#nanoTime}: entries say all that a
         * heartbeat says.
         *
         * @param otherwise the answer if it has taken none yet
         */
        long tookEntriesNanos(PeerId follower, long otherwise);

        /**
         * A follower has heard it in that term, as if by a heartbeat.
         *
         * @param sentNanos when it was sent, by {@link System#nanoTime}
         * @param sentMs the same, as JRaft counts
         */
        void heard(PeerId follower, long term, long sentNanos, long sentMs);
    }

    /** Whom a leader, in that term, sends heartbeats. */
    record Follower(long groupId, Leader leader, Replica from, Replica to, PeerId peer, long term) {}

    /**
     * A heartbeat that is not sent for now.
     *
     * @param known how far the follower knows already that entries are committed
     * @param send sends it after all; at most once
     */
    private record Held(long known, Runnable send, long sinceNanos) {}

    /** What is known of a follower. */
    private static final class Link {

        final Follower follower;
        final AtomicReference<@Nullable Held> held = new AtomicReference<>();
        /** While nothing is held: when the follower last answered a heartbeat of the node, or one began to be on its way. */
        volatile long onItsWaySinceNanos;

        long heardNanos;

        Link(Follower follower, long nowNanos) {
            this.follower = follower;
            this.onItsWaySinceNanos = nowNanos;
            this.heardNanos = nowNanos;
        }

        /** A node that leads no more has thrown away what waits for the answer, and a follower judges by the term. */
        void release(long nowNanos) {
            onItsWaySinceNanos = nowNanos;
            Held one = held.getAndSet(null);
            if (one != null) {
                one.send().run();
            }
        }
    }

    private final Way way;
    private final Executor thread;
    private final LongSupplier nanoClock;
    private final long timeoutNanos;
    /** By store, then by group. */
    private final ConcurrentHashMap<Long, ConcurrentHashMap<Long, Link>> stores = new ConcurrentHashMap<>();

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
        Gauge.builder("kv.raft.heartbeats.held", stores, CoalescedHeartbeats::countHeld)
                .description("Followers of this store's leaders that need no heartbeat but that of the whole store")
                .register(meters);
        coalesced = Counter.builder("kv.raft.heartbeats.coalesced")
                .description("Heartbeats of groups that travelled in one for a whole store")
                .register(meters);
        refused = Counter.builder("kv.raft.heartbeats.refused")
                .description("Of those, refused: the replica follows another leader, or none, or was at something else")
                .register(meters);
    }

    private static double countHeld(Map<Long, ConcurrentHashMap<Long, Link>> stores) {
        return stores.values().stream()
                .flatMap(links -> links.values().stream())
                .filter(link -> link.held.get() != null)
                .count();
    }

    /** A node is about to send that follower a heartbeat: from now on this store speaks to it, too. */
    void speakTo(Follower follower) {
        if (closed) {
            return;
        }
        ConcurrentHashMap<Long, Link> links =
                stores.computeIfAbsent(follower.to().storeId(), store -> new ConcurrentHashMap<>());
        Link known = links.get(follower.groupId());
        if (known == null || !known.follower.equals(follower)) {
            long now = nanoClock.getAsLong();
            Link before = links.put(follower.groupId(), new Link(follower, now));
            if (before != null) {
                before.release(now);
            }
        }
    }

    /** That follower has answered a heartbeat of the node itself. */
    void answeredBy(Follower follower) {
        Link link = linkTo(follower);
        if (link != null) {
            link.onItsWaySinceNanos = nanoClock.getAsLong();
        }
    }

    /**
     * Holds a heartbeat that tells its follower nothing which that doesn't know, or won't hear by entries.
     *
     * @param known how far the follower knows already that entries are committed
     * @param send sends it after all; called at most once
     * @return false if it has to be sent: this store doesn't speak to that follower, or holds one already
     */
    boolean hold(Follower follower, long known, Runnable send) {
        Link link = linkTo(follower);
        Held held = new Held(known, send, nanoClock.getAsLong());
        if (link == null || !link.held.compareAndSet(null, held)) {
            return false;
        }
        // The link may have been given up before it held this, and nobody would ever send it.
        return linkTo(follower) == link || !link.held.compareAndSet(held, null);
    }

    /** Whether a follower has taken entries since about the last beat: a heartbeat would tell it nothing that it doesn't know. */
    boolean tookEntriesJustNow(Follower follower) {
        return tookEntriesJustNow(follower, nanoClock.getAsLong());
    }

    private boolean tookEntriesJustNow(Follower follower, long now) {
        long longAgo = now - timeoutNanos;
        return now - follower.leader().tookEntriesNanos(follower.peer(), longAgo) <= timeoutNanos / BEATS_PER_TIMEOUT;
    }

    private @Nullable Link linkTo(Follower follower) {
        ConcurrentHashMap<Long, Link> links = stores.get(follower.to().storeId());
        Link link = links == null ? null : links.get(follower.groupId());
        return link != null && link.follower.equals(follower) ? link : null;
    }

    /** Speaks for all leaders, and sends what is held where that is not enough. */
    void beat() {
        stores.forEach((store, links) -> {
            try {
                beat(store, links);
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

    private void beat(long store, ConcurrentHashMap<Long, Link> links) {
        List<Link> together = new ArrayList<>(Math.min(GROUPS_PER_MESSAGE, links.size()));
        long now = nanoClock.getAsLong();
        for (Link link : links.values()) {
            if (isOver(link, now)) {
                links.remove(link.follower.groupId(), link);
                link.release(now);
                continue;
            }
            if (isDue(link, now)) {
                link.release(now);
            }
            together.add(link);
            if (together.size() == GROUPS_PER_MESSAGE) {
                send(store, together);
                together = new ArrayList<>();
            }
        }
        if (!together.isEmpty()) {
            send(store, together);
        }
    }

    private boolean isOver(Link link, long now) {
        return !link.follower.leader().leadsIn(link.follower.term())
                || (link.held.get() == null && now - link.onItsWaySinceNanos > TIMEOUTS_UNANSWERED_MAX * timeoutNanos);
    }

    private boolean isDue(Link link, long now) {
        Held held = link.held.get();
        if (held == null) {
            return false;
        }
        long silentSince = held.sinceNanos() - link.heardNanos > 0 ? held.sinceNanos() : link.heardNanos;
        return now - silentSince > BEATS_MISSED_MAX * timeoutNanos / BEATS_PER_TIMEOUT
                || now - held.sinceNanos() > TIMEOUTS_HELD_MAX * timeoutNanos
                || (link.follower.leader().committed() > held.known() && !tookEntriesJustNow(link.follower, now));
    }

    private void send(long store, List<Link> together) {
        CoalescedHeartbeat.Builder message = CoalescedHeartbeat.newBuilder();
        for (Link link : together) {
            Follower follower = link.follower;
            message.addGroups(follower.groupId())
                    .addFromPeers(follower.from().peerId())
                    .addToPeers(follower.to().peerId())
                    .addTerms(follower.term());
        }
        coalesced.increment(together.size());
        // Before it leaves: a lease counts from here.
        long sentNanos = nanoClock.getAsLong();
        long sentMs = Utils.monotonicMs();
        way.send(
                store,
                message.build(),
                Math.max(1, timeoutNanos / 2_000_000),
                answer -> take(() -> answered(together, sentNanos, sentMs, answer)));
    }

    private void take(Runnable answer) {
        try {
            thread.execute(answer);
        } catch (RejectedExecutionException e) {
            LOG.debug("closing, nobody counts on an answer any more");
        }
    }

    private void answered(List<Link> together, long sentNanos, long sentMs, CoalescedHeartbeatAnswer answer) {
        refused.increment(answer.getBusyCount() + answer.getRefusedCount());
        Set<Integer> busy = new HashSet<>(answer.getBusyList());
        Set<Integer> no = new HashSet<>(answer.getRefusedList());
        for (int i = 0; i < together.size(); i++) {
            Link link = together.get(i);
            if (no.contains(i)) {
                if (link.held.get() != null) {
                    link.release(nanoClock.getAsLong());
                }
            } else if (!busy.contains(i)) {
                if (sentNanos - link.heardNanos > 0) {
                    link.heardNanos = sentNanos;
                }
                Follower follower = link.follower;
                follower.leader().heard(follower.peer(), follower.term(), sentNanos, sentMs);
            }
        }
    }
}
