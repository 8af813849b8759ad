package io.rutile.client.region;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.pd.PdException;
import io.rutile.client.region.Backoff.Reason;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.Futures;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Finds Regions for a call: from the cache, else from PD, again and again until the call's deadline. */
final class RegionLocator implements AutoCloseable {

    private final RegionCache cache;
    private final ClientTimer timer;
    private final RegionMetrics metrics;
    private volatile boolean closed;

    RegionLocator(RegionCache cache, ClientTimer timer, RegionMetrics metrics) {
        this.cache = cache;
        this.timer = timer;
        this.metrics = metrics;
    }

    /** The Region at the anchor; fails with {@link KvClientException}, no later than the deadline. */
    CompletableFuture<CachedRegion> locate(Anchor anchor, Backoff backoff) {
        CachedRegion known = cache.find(anchor);
        if (known != null) {
            return CompletableFuture.completedFuture(known);
        }
        CompletableFuture<CachedRegion> result = new CompletableFuture<>();
        Alarm alarm = timer.after(
                backoff.deadline().remainingNanos(), () -> result.completeExceptionally(backoff.outOfTime("locate")));
        Futures.whenDone(result, (region, failure) -> alarm.cancel());
        ask(anchor, backoff, result);
        return result;
    }

    private void ask(Anchor anchor, Backoff backoff, CompletableFuture<CachedRegion> result) {
        if (result.isDone()) {
            return;
        }
        if (closed) {
            result.completeExceptionally(backoff.closed("locate"));
            return;
        }
        Futures.whenDone(
                cache.locate(anchor),
                result,
                (found, failure) -> take(anchor, backoff, result, found == null ? Optional.empty() : found, failure));
    }

    private void take(
            Anchor anchor,
            Backoff backoff,
            CompletableFuture<CachedRegion> result,
            Optional<CachedRegion> found,
            @Nullable Throwable failure) {
        if (result.isDone()) {
            return;
        }
        if (found.isPresent() && found.get().holds(anchor)) {
            result.complete(found.get());
            return;
        }
        if (failure == null) {
            backoff.note(Reason.REGION_UNKNOWN, "PD knows no Region for the key", null);
            askLater(anchor, backoff, Reason.REGION_UNKNOWN, result);
            return;
        }
        Throwable cause = Futures.causeOf(failure);
        if (cause instanceof PdException refused && mayPass(refused)) {
            backoff.note(Reason.PD, "PD: " + refused.getMessage(), null);
            askLater(anchor, backoff, Reason.PD, result);
            return;
        }
        result.completeExceptionally(
                new KvClientException(Kind.SERVER, "PD refuses: " + cause.getMessage(), null, cause));
    }

    private static boolean mayPass(PdException refused) {
        return switch (refused.kind()) {
            case UNAVAILABLE, NOT_BOOTSTRAPPED, NOT_FOUND -> true;
            case CLUSTER_MISMATCH, ALREADY_BOOTSTRAPPED, STORE_TOMBSTONE, UNSUPPORTED, REFUSED -> false;
        };
    }

    private void askLater(Anchor anchor, Backoff backoff, Reason reason, CompletableFuture<CachedRegion> result) {
        metrics.retry(reason);
        timer.after(backoff.delayNanos(reason), result, () -> ask(anchor, backoff, result));
    }

    @Override
    public void close() {
        closed = true;
    }
}
