package io.rutile.client.rpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.context.Context;
import io.rutile.tls.TlsFailures;
import io.rutile.trace.TraceParent;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One attempt of a unary RPC. It is never repeated here, and it knows whether its request can have reached the server. */
public final class UnaryCall<R> implements Attempt<R> {

    private final CompletableFuture<R> response = new CompletableFuture<>();
    private volatile boolean sent;

    private final Channel channel;

    private UnaryCall(Channel channel) {
        this.channel = channel;
    }

    /**
     * Starts an attempt.
     *
     * @param timeoutNanos how long it may take; at least one nanosecond is given
     */
    public static <Q, R> UnaryCall<R> start(
            Channel channel, MethodDescriptor<Q, R> method, Q request, long timeoutNanos) {
        return start(channel, method, request, timeoutNanos, null);
    }

    /** @param trace what the server's work belongs to; null if that is not traced */
    public static <Q, R> UnaryCall<R> start(
            Channel channel, MethodDescriptor<Q, R> method, Q request, long timeoutNanos, @Nullable Context trace) {
        UnaryCall<R> attempt = new UnaryCall<>(channel);
        CallOptions options = CallOptions.DEFAULT
                .withDeadlineAfter(Math.max(1, timeoutNanos), TimeUnit.NANOSECONDS)
                .withStreamTracerFactory(trace == null ? attempt.new SentTracer() : attempt.new TraceCarrier(trace));
        ClientCall<Q, R> call = channel.newCall(method, options);
        ClientCalls.asyncUnaryCall(call, request, attempt.new Completion());
        return attempt;
    }

    @Override
    public CompletableFuture<R> response() {
        return response;
    }

    @Override
    public boolean mayHaveArrived() {
        return sent;
    }

    /** Headers leave before the message does: if they never left, nothing arrived. */
    private class SentTracer extends ClientStreamTracer.Factory {
        @Override
        public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
            return new ClientStreamTracer() {
                @Override
                public void outboundHeaders() {
                    sent = true;
                }
            };
        }
    }

    /** gRPC lets these, and interceptors, add to the headers. */
    private final class TraceCarrier extends SentTracer {

        private final Context trace;

        TraceCarrier(Context trace) {
            this.trace = trace;
        }

        @Override
        public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
            TraceParent.write(trace, headers);
            return super.newClientStreamTracer(info, headers);
        }
    }

    private final class Completion implements StreamObserver<R> {

        private @Nullable R value;

        @Override
        public void onNext(R message) {
            value = message;
        }

        @Override
        public void onError(Throwable failure) {
            String reason = TlsFailures.reason(failure);
            if (reason != null) {
                response.completeExceptionally(Status.fromThrowable(failure)
                        .withDescription(channel.authority() + " " + reason)
                        .asRuntimeException());
                return;
            }
            response.completeExceptionally(
                    failure instanceof StatusRuntimeException
                            ? failure
                            : Status.fromThrowable(failure).asRuntimeException());
        }

        @Override
        public void onCompleted() {
            R message = value;
            if (message == null) {
                response.completeExceptionally(Status.INTERNAL
                        .withDescription("no message in the answer")
                        .asRuntimeException());
            } else {
                response.complete(message);
            }
        }
    }
}
