package io.rutile.client.rpc;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The one deadline of a call, shared by everything that the call starts. On the monotonic clock.
 *
 * @param startedNanos when the call began
 * @param timeout how long it may take
 */
public record CallDeadline(long startedNanos, Duration timeout) {

    public static CallDeadline after(Duration timeout) {
        return new CallDeadline(System.nanoTime(), timeout);
    }

    /** Zero or less once it is over. */
    public long remainingNanos() {
        return timeout.toNanos() - elapsedNanos();
    }

    public long elapsedNanos() {
        return System.nanoTime() - startedNanos;
    }

    public boolean isOver() {
        return remainingNanos() <= 0;
    }

    public long timeoutMs() {
        return TimeUnit.NANOSECONDS.toMillis(timeout.toNanos());
    }
}
