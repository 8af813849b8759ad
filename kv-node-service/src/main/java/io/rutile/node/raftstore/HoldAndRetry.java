package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.engine.KvContext;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Holds a request that came to the right replica a moment too early, while a leader takes over or hands over, instead of sending
 * the client away: some clients give up at the first {@code ServerIsBusy}. Bounded in time by the request's deadline and {@link
 * #HOLD_MAX}, and in number.
 *
 * <p>Thread-safe. An attempt is made on the caller's thread first and on the store's timer afterwards, so it must not block.
 */
@SuppressWarnings("FutureReturnValueIgnored") // each callback hands every outcome to the future that is returned
final class HoldAndRetry {

    /** Longest hold: longer than any healthy hand-over, shorter than a client's patience with a write. */
    static final Duration HOLD_MAX = Duration.ofSeconds(3);

    private static final long PAUSE_MS = 10;

    private final ScheduledExecutorService timer;
    private final int heldMax;
    private final AtomicInteger held = new AtomicInteger();
    private final Counter holds;
    private final Counter refusals;

    HoldAndRetry(ScheduledExecutorService timer, int heldMax, MeterRegistry metrics) {
        this.timer = timer;
        this.heldMax = heldMax;
        this.holds = metrics.counter("kv.raftstore.holds");
        this.refusals = metrics.counter("kv.raftstore.hold.refusals");
        metrics.gauge("kv.raftstore.held", held);
    }

    /**
     * Completes as {@code attempt} does, unless that fails with {@link NotReadyException}: then it is made again.
     *
     * @param attempt answers a future and throws nothing
     */
    <T> CompletableFuture<T> call(KvContext ctx, Supplier<CompletableFuture<T>> attempt) {
        CompletableFuture<T> first = attempt.get();
        if (first.isDone() && !first.isCompletedExceptionally()) {
            return first;
        }
        CompletableFuture<T> result = new CompletableFuture<>();
        long giveUpNanos = System.nanoTime() + HOLD_MAX.toNanos();
        first.whenComplete((value, failure) -> settle(ctx, attempt, result, giveUpNanos, false, value, failure));
        return result;
    }

    private <T> void settle(
            KvContext ctx,
            Supplier<CompletableFuture<T>> attempt,
            CompletableFuture<T> result,
            long giveUpNanos,
            boolean counted,
            T value,
            Throwable failure) {
        if (!(unwrap(failure) instanceof NotReadyException notReady)) {
            if (counted) {
                held.decrementAndGet();
            }
            finish(result, value, failure);
            return;
        }
        boolean outOfTime = ctx.isExpired() || System.nanoTime() - giveUpNanos > 0;
        boolean outOfRoom = !counted && held.incrementAndGet() > heldMax;
        if (outOfTime || outOfRoom) {
            held.decrementAndGet();
            refusals.increment();
            result.completeExceptionally(ctx.isExpired() ? RegionErrors.deadlineExceeded() : notReady.inTheEnd());
            return;
        }
        if (!counted) {
            holds.increment();
        }
        timer.schedule(
                () -> {
                    attempt.get()
                            .whenComplete(
                                    (next, again) -> settle(ctx, attempt, result, giveUpNanos, true, next, again));
                },
                PAUSE_MS,
                TimeUnit.MILLISECONDS);
    }

    private static <T> void finish(CompletableFuture<T> result, T value, Throwable failure) {
        if (failure == null) {
            result.complete(value);
        } else {
            result.completeExceptionally(unwrap(failure));
        }
    }

    static Throwable unwrap(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
