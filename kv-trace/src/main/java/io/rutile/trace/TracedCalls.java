package io.rutile.trace;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import org.jspecify.annotations.Nullable;

/**
 * A span for every traced call of a gRPC server, from its headers to its status; its handlers run for that span. Behind an edge streams are
 * left out: they live for longer than any trace.
 */
public final class TracedCalls implements ServerInterceptor {

    private final Tracing tracing;
    private final boolean edge;

    private TracedCalls(Tracing tracing, boolean edge) {
        this.tracing = tracing;
        this.edge = edge;
    }

    /** For a server that is called from outside: traces may begin here. */
    public static TracedCalls edge(Tracing tracing) {
        return new TracedCalls(tracing, true);
    }

    /** For a server behind an edge: traces go on here. */
    public static TracedCalls inside(Tracing tracing) {
        return new TracedCalls(tracing, false);
    }

    private @Nullable Context caller(MethodDescriptor<?, ?> method, Metadata headers) {
        if (edge) {
            return tracing.enter(headers.get(TraceParent.KEY), headers.get(TraceParent.STATE_KEY));
        }
        return method.getType() == MethodDescriptor.MethodType.UNARY ? TraceParent.of(headers) : null;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        MethodDescriptor<Q, A> method = call.getMethodDescriptor();
        Context caller = caller(method, headers);
        if (caller == null) {
            return next.startCall(call, headers);
        }
        Span span = tracing.span(method.getFullMethodName(), SpanKind.SERVER, caller)
                .setAttribute(SpanAttributes.RPC_SYSTEM, SpanAttributes.GRPC)
                .setAttribute(SpanAttributes.RPC_SERVICE, String.valueOf(method.getServiceName()))
                .setAttribute(SpanAttributes.RPC_METHOD, String.valueOf(method.getBareMethodName()))
                .startSpan();
        Context context = caller.with(span);
        ServerCall<Q, A> traced = new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                end(span, status.getCode());
                super.close(status, trailers);
            }
        };
        try (Scope scope = context.makeCurrent()) {
            return new TracedListener<>(next.startCall(traced, headers), span, context);
        }
    }

    /** The first one counts. */
    private static void end(Span span, Status.Code code) {
        span.setAttribute(SpanAttributes.GRPC_STATUS, code.value());
        if (code != Status.Code.OK) {
            SpanAttributes.failed(span, code.name());
        }
        span.end();
    }

    private static final class TracedListener<Q> extends SimpleForwardingServerCallListener<Q> {

        private final Span span;
        private final Context context;

        TracedListener(ServerCall.Listener<Q> listener, Span span, Context context) {
            super(listener);
            this.span = span;
            this.context = context;
        }

        @Override
        public void onMessage(Q message) {
            try (Scope scope = context.makeCurrent()) {
                super.onMessage(message);
            }
        }

        @Override
        public void onHalfClose() {
            try (Scope scope = context.makeCurrent()) {
                super.onHalfClose();
            }
        }

        @Override
        public void onReady() {
            try (Scope scope = context.makeCurrent()) {
                super.onReady();
            }
        }

        @Override
        public void onCancel() {
            end(span, Status.Code.CANCELLED);
            super.onCancel();
        }

        /** Ended long ago, but where somebody in front has closed the call. */
        @Override
        public void onComplete() {
            span.end();
            super.onComplete();
        }
    }
}
