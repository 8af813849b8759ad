package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import java.time.Duration;

/**
 * The moment by which one call has to be answered, on the monotonic clock. A call of several steps gives each what is left.
 *
 * @param atNanos as {@link System#nanoTime} counts
 */
public record Deadline(long atNanos) {

    /**
     * So long from now.
     *
     * @param timeout at most 292 years, so that the clock does not wrap
     */
    public static Deadline after(Duration timeout) {
        return new Deadline(System.nanoTime() + timeout.toNanos());
    }

    /** What is left; zero if it has passed. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, atNanos - System.nanoTime()));
    }

    /** What a step fails with that nothing was left for: it was not begun. */
    static KvClientException passed() {
        return new KvClientException(
                KvClientException.Kind.TIMEOUT,
                "the deadline of the call ran out before the cluster was asked",
                null,
                null);
    }

    /** What a read fails with whose answer did not come in time. */
    static KvClientException passedReading() {
        return new KvClientException(
                KvClientException.Kind.TIMEOUT,
                "the deadline of the call ran out before the cluster answered",
                null,
                null);
    }
}
