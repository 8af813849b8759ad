package io.rutile.pd.rpc;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Times every call by method and status code; methods are those that are served, so there is a bound to both. */
final class RpcMetrics implements ServerInterceptor {

    private final MeterRegistry metrics;
    private final Map<Measured, Timer> timers = new ConcurrentHashMap<>();

    private record Measured(String method, Status.Code code) {}

    RpcMetrics(MeterRegistry metrics) {
        this.metrics = metrics;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        long begunNanos = System.nanoTime();
        String method = call.getMethodDescriptor().getFullMethodName();
        ServerCall<Q, A> timed = new SimpleForwardingServerCall<>(call) {
            @Override
            public void close(Status status, Metadata trailers) {
                timer(new Measured(method, status.getCode())).record(Duration.ofNanos(System.nanoTime() - begunNanos));
                super.close(status, trailers);
            }
        };
        return next.startCall(timed, headers);
    }

    private Timer timer(Measured measured) {
        return timers.computeIfAbsent(
                measured,
                key -> Timer.builder("kv.pd.rpc")
                        .description("Calls that ended; a stream counts once, for as long as it was open")
                        .tag("method", key.method())
                        .tag("code", key.code().name())
                        .register(metrics));
    }
}
