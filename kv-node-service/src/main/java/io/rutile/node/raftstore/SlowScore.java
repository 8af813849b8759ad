package io.rutile.node.raftstore;

import io.rutile.raft.StoreLatencies;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * How slow this store's disks are, 1 (well) to 100, as its heartbeat tells PD; by TiKV's rule (slow_score.rs). File syncs of the log
 * and applied batches are counted; those that take {@link #SLOW_NANOS} or longer are slow. Every {@link #WINDOW} the score is
 *
 * <ul>
 *   <li>multiplied by 1 + min(share of slow ones, 10 %) / 10 %: doubled while a tenth or more are slow, so that a store that was well
 *       reaches 80, where PD takes its leaders away, after seven windows;
 *   <li>lowered by 100 in {@link #RECOVERY} if none was slow.
 * </ul>
 *
 * <p>A store that did little counts as if it had done {@link #OPERATIONS_MIN}, so a single hiccup at night is no slow store; a sync that
 * doesn't come back counts as all of them. An idle store is well as far as this can tell: nobody waits for it.
 *
 * <p>Counting is safe from any thread and costs two additions; {@link #score} is for one thread at a time.
 */
final class SlowScore implements StoreLatencies {

    static final long SLOW_NANOS = Duration.ofMillis(500).toNanos();
    static final Duration WINDOW = Duration.ofSeconds(10);
    static final Duration RECOVERY = Duration.ofMinutes(5);
    static final int OPERATIONS_MIN = 20;

    private static final double SCORE_MIN = 1;
    private static final double SCORE_MAX = 100;
    private static final double SLOW_SHARE_MAX = 0.1;

    private final LongSupplier nanoClock;
    private final LongAdder operations = new LongAdder();
    private final LongAdder slow = new LongAdder();
    /** When the sync that is under way began; 0 if none is. */
    private volatile long syncSinceNanos;

    private volatile double score = SCORE_MIN;
    private long windowSinceNanos;

    SlowScore(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.windowSinceNanos = nanoClock.getAsLong();
    }

    @Override
    public void syncBegins() {
        syncSinceNanos = nonZero(nanoClock.getAsLong());
    }

    @Override
    public void syncEnds(long nanos) {
        syncSinceNanos = 0;
        count(nanos);
    }

    @Override
    public void applied(long nanos) {
        count(nanos);
    }

    private void count(long nanos) {
        operations.increment();
        if (nanos >= SLOW_NANOS) {
            slow.increment();
        }
    }

    /** The score as of the last whole window, rounded. */
    int current() {
        return (int) Math.round(score);
    }

    /** Ends the window if it is over. */
    int score() {
        long now = nanoClock.getAsLong();
        long elapsed = now - windowSinceNanos;
        if (elapsed >= WINDOW.toNanos()) {
            windowSinceNanos = now;
            score = next(elapsed, slowShare(now));
        }
        return current();
    }

    private double slowShare(long now) {
        long all = operations.sumThenReset();
        long late = slow.sumThenReset();
        long since = syncSinceNanos;
        if (since != 0 && now - since >= SLOW_NANOS) {
            return 1;
        }
        return (double) late / Math.max(OPERATIONS_MIN, all);
    }

    private double next(long elapsedNanos, double slowShare) {
        double next = slowShare == 0
                ? score - SCORE_MAX * elapsedNanos / RECOVERY.toNanos()
                : score * (1 + Math.min(slowShare, SLOW_SHARE_MAX) / SLOW_SHARE_MAX);
        return Math.max(SCORE_MIN, Math.min(SCORE_MAX, next));
    }

    private static long nonZero(long nanos) {
        return nanos == 0 ? 1 : nanos;
    }
}
