package io.rutile.gateway.kv;

import io.rutile.client.KvClientException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The moment by which one call has to be answered, on the monotonic clock.
 *
 * @param atNanos as {@link System#nanoTime} counts
 */
public record Deadline(long atNanos) {

    /** @param timeout at most 292 years, so that the clock does not wrap */
    public static Deadline after(Duration timeout) {
        return new Deadline(System.nanoTime() + timeout.toNanos());
    }

    /** What is left; zero if it has passed. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, atNanos - System.nanoTime()));
    }

    public boolean hasPassed() {
        return atNanos - System.nanoTime() <= 0;
    }

    /**
     * The same answer, or {@code TIMEOUT} at the deadline. The work behind it is not called back: it ends by the client's own
     * deadline, and its answer is dropped.
     */
    <T> CompletableFuture<T> limit(CompletableFuture<T> answer) {
        return answer.copy()
                .orTimeout(Math.max(1, remaining().toNanos()), TimeUnit.NANOSECONDS)
                .handle((value, failure) -> {
                    if (failure == null) {
                        return value;
                    }
                    Throwable cause = failure instanceof CompletionException wrapped && wrapped.getCause() != null
                            ? wrapped.getCause()
                            : failure;
                    throw cause instanceof TimeoutException
                            ? new KvClientException(
                                    KvClientException.Kind.TIMEOUT,
                                    "the deadline of the call ran out before the cluster answered",
                                    null,
                                    null)
                            : new CompletionException(cause);
                });
    }
}
