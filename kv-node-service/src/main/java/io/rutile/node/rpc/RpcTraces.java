package io.rutile.node.rpc;

import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.storage.engine.RequestTimes;
import io.rutile.trace.SpanAttributes;
import io.rutile.trace.TraceParent;
import io.rutile.trace.Tracing;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Spans of requests whose callers trace them: one for each, and one below it for each phase that {@link RequestTimes} measures. A trace comes
 * with the headers of a call; those of a BatchCommands stream hold for all its commands. None begins here: what a caller at the edge has not
 * chosen is not traced, and nothing is made for it.
 */
final class RpcTraces implements ServerInterceptor {

    private static final io.grpc.Context.Key<Context> PARENT = io.grpc.Context.key("trace-parent");

    private final Tracing tracing;
    private final long storeId;

    RpcTraces(Tracing tracing, long storeId) {
        this.tracing = tracing;
        this.storeId = storeId;
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        Context caller = TraceParent.of(headers);
        return caller == null
                ? next.startCall(call, headers)
                : Contexts.interceptCall(io.grpc.Context.current().withValue(PARENT, caller), call, headers, next);
    }

    /** A request begins on the thread of its call; null if nobody traces it. */
    @Nullable Request begin(String rpc, io.rutile.protocol.kvrpcpb.Context asked) {
        if (!tracing.isOn()) {
            return null;
        }
        Context caller = PARENT.get();
        return caller == null ? null : new Request(rpc, asked, caller);
    }

    /** One that is traced. */
    final class Request implements RequestTimes.Listener {

        private final Span span;
        private final Context context;
        /** What is added to the monotonic clock to have the time of day. */
        private final long epochOffsetNanos;

        private Request(String rpc, io.rutile.protocol.kvrpcpb.Context asked, Context caller) {
            long nowNanos = System.nanoTime();
            epochOffsetNanos = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()) - nowNanos;
            span = tracing.span(rpc, SpanKind.SERVER, caller)
                    .setAttribute(SpanAttributes.RPC_SYSTEM, SpanAttributes.GRPC)
                    .setAttribute(SpanAttributes.RPC_SERVICE, TikvGrpc.SERVICE_NAME)
                    .setAttribute(SpanAttributes.RPC_METHOD, rpc)
                    .setAttribute(SpanAttributes.STORE, storeId)
                    .setAttribute(SpanAttributes.REGION, asked.getRegionId())
                    .setAttribute(SpanAttributes.PEER, asked.getPeer().getId())
                    .setStartTimestamp(epochOffsetNanos + nowNanos, TimeUnit.NANOSECONDS)
                    .startSpan();
            context = caller.with(span);
        }

        @Override
        public void over(RequestTimes.Phase phase, long tookNanos, long endedNanos) {
            long end = epochOffsetNanos + endedNanos;
            tracing.span(phase.name().toLowerCase(Locale.ROOT), SpanKind.INTERNAL, context)
                    .setStartTimestamp(end - tookNanos, TimeUnit.NANOSECONDS)
                    .startSpan()
                    .end(end, TimeUnit.NANOSECONDS);
        }

        /** @param kind what {@link AnswerErrors#kind} says of the answer */
        void answered(String kind) {
            if (!kind.equals("none")) {
                SpanAttributes.failed(span, kind);
            }
            span.end(epochOffsetNanos + System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }
}
