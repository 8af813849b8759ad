package io.rutile.client.rpc;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before the n-th repetition: doubling from {@code base} to {@code cap}, with half of it left to chance so that
 * clients that failed together do not come back together.
 *
 * @param base the longest first wait
 * @param cap the longest wait
 */
public record BackoffCurve(Duration base, Duration cap) {

    public BackoffCurve {
        if (base.isNegative() || base.isZero() || cap.compareTo(base) < 0) {
            throw new IllegalArgumentException("want 0 < base ≤ cap, not " + base + " and " + cap);
        }
    }

    /**
     * The wait before the next attempt.
     *
     * @param failures how many attempts failed before, from 1
     */
    public long delayNanos(int failures) {
        int doublings = Math.min(Math.max(0, failures - 1), 20);
        long ceiling = Math.min(cap.toNanos(), base.toNanos() << doublings);
        return ceiling / 2 + ThreadLocalRandom.current().nextLong(ceiling / 2 + 1);
    }
}
