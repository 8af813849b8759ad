package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.StoreInfo;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * When one store says that it is slow, it is to lead nothing until it has been well for a while. One at a time: when several
 * are slow at once it is something they share, and moving leaders about would only add to it.
 *
 * <p>Takes out an eviction, and renews it; {@link EvictLeaderScheduler} carries it out. The next leader of PD goes on with the store that
 * this one has chosen, and waits for its well-being from the beginning.
 */
public final class EvictSlowStoreScheduler implements Scheduler {

    public static final String NAME = "evict-slow-store";

    /** Renewed every few seconds. */
    private static final Duration LEASE = Duration.ofMinutes(2);

    private final SchedulerContext context;
    private final LeaderEvictions evictions;
    private final SlowStoreMemory memory;
    /** The store that is kept from leading, 0 for none. */
    private long evicted;
    /** The term has begun with what was remembered. */
    private boolean begun;
    /** Since when it has been well again; null while it is not. */
    private @Nullable Long wellSinceNanos;

    public EvictSlowStoreScheduler(SchedulerContext context, LeaderEvictions evictions, SlowStoreMemory memory) {
        this.context = context;
        this.evictions = evictions;
        this.memory = memory;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void look(Round round) {
        if (!begun) {
            evicted = memory.slowStore();
            begun = true;
        }
        if (evicted != 0) {
            keep(round);
        } else {
            find(round);
        }
        if (memory.slowStore() != evicted) {
            memory.remember(evicted);
        }
    }

    private void find(Round round) {
        int max = context.placement().get().slowScoreMax();
        List<StoreInfo> serving =
                context.cluster().stores().stream().filter(StoreInfo::isServing).toList();
        List<StoreInfo> slow = serving.stream()
                .filter(store -> store.stats().getSlowScore() > max)
                .toList();
        slow.forEach(store ->
                round.note(store.id(), "has a slow score of " + store.stats().getSlowScore()));
        if (slow.isEmpty()) {
            round.nothing("no store is slow");
        } else if (slow.size() > 1) {
            round.blocked(slow.size() + " stores are slow at once: what they share is to blame");
        } else if (serving.size() == 1) {
            round.blocked("the only store is slow");
        } else {
            evicted = slow.get(0).id();
            wellSinceNanos = null;
            renew(slow.get(0).stats().getSlowScore());
            round.nothing("store " + evicted + " is slow and is to lead nothing");
        }
    }

    private void keep(Round round) {
        StoreInfo store = context.cluster().store(evicted);
        if (store == null || !store.keepsReplicas()) {
            round.nothing("store " + evicted + ", which was slow, is gone");
            evicted = 0;
            return;
        }
        long score = store.stats().getSlowScore();
        long now = context.nanoClock().getAsLong();
        boolean well = store.isServing() && score <= context.balance().get().slowScoreRecovered();
        if (!well) {
            wellSinceNanos = null;
        } else if (wellSinceNanos == null) {
            wellSinceNanos = now;
        }
        if (wellSinceNanos != null
                && now - wellSinceNanos
                        >= context.balance().get().slowRecovery().toNanos()) {
            evictions.release(evicted, NAME);
            round.nothing("store " + evicted + " is well again");
            evicted = 0;
            return;
        }
        renew(score);
        round.note(evicted, well ? "is well again, but not for long enough" : "has a slow score of " + score);
        round.nothing("store " + evicted + " is to lead nothing");
    }

    private void renew(long score) {
        evictions.evict(evicted, NAME, LEASE, "it is slow, with a score of " + score + " out of 100");
    }
}
