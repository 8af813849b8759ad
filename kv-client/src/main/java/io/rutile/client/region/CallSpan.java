package io.rutile.client.region;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.rutile.client.KvClientException;
import io.rutile.client.region.Backoff.Reason;
import io.rutile.client.rpc.Futures;
import io.rutile.trace.SpanAttributes;
import io.rutile.trace.Tracing;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What one traced call tells of itself, its attempts and its pauses. Not there for a call that is not traced. No keys (E3). */
public final class CallSpan {

    private final Context parent;
    private final Context context;
    private final Span span;
    private long attempts;

    private CallSpan(Context parent, Span span) {
        this.parent = parent;
        this.span = span;
        context = parent.with(span);
    }

    /** @param trace what the call is a part of; null if that is not traced */
    public static @Nullable CallSpan begin(Tracing tracing, String name, @Nullable Context trace) {
        if (trace == null || !tracing.isOn()) {
            return null;
        }
        return new CallSpan(
                trace,
                tracing.span(name, SpanKind.CLIENT, trace)
                        .setAttribute(SpanAttributes.RPC_SYSTEM, SpanAttributes.GRPC)
                        .setAttribute(SpanAttributes.RPC_METHOD, name)
                        .startSpan());
    }

    /** What is done for the call belongs to this. */
    Context context() {
        return context;
    }

    /** One attempt at a time. */
    void attempt(long region, long peer, long store) {
        attempts++;
        span.addEvent(
                "attempt",
                Attributes.of(SpanAttributes.REGION, region, SpanAttributes.PEER, peer, SpanAttributes.STORE, store));
    }

    /** The last attempt was for nothing; the next one is made at once. */
    void retry(Reason reason) {
        span.addEvent("retry", Attributes.of(SpanAttributes.REASON, told(reason)));
    }

    /** The last attempt was for nothing; the next one is made after a pause. */
    void backOff(Reason reason, long pauseNanos) {
        span.addEvent(
                "back-off",
                Attributes.of(
                        SpanAttributes.REASON,
                        told(reason),
                        SpanAttributes.PAUSE_MS,
                        TimeUnit.NANOSECONDS.toMillis(pauseNanos)));
    }

    /** Ends with this outcome; what follows on it is done for what the call was a part of. */
    public <T> CompletableFuture<T> over(CompletableFuture<T> outcome) {
        CompletableFuture<T> carried = new CompletableFuture<>();
        Futures.whenDone(outcome, carried, (value, failure) -> {
            end(failure);
            try (Scope scope = parent.makeCurrent()) {
                if (failure == null) {
                    carried.complete(value);
                } else {
                    carried.completeExceptionally(failure);
                }
            }
        });
        return carried;
    }

    private void end(@Nullable Throwable failure) {
        span.setAttribute(SpanAttributes.ATTEMPTS, attempts);
        if (failure != null) {
            SpanAttributes.failed(span, typeOf(Futures.causeOf(failure)));
        }
        span.end();
    }

    private static String told(Reason reason) {
        return reason.name().toLowerCase(Locale.ROOT);
    }

    private static String typeOf(Throwable failure) {
        return failure instanceof KvClientException failed
                ? failed.kind().name().toLowerCase(Locale.ROOT)
                : failure.getClass().getSimpleName();
    }
}
