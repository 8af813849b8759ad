package io.rutile.gateway.grpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.gateway.access.AccessException;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.CallAccess;
import io.rutile.gateway.access.CallOrigin;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Lets calls in, before a byte of their messages is there, asks who makes them, and keeps a {@link CallGuard} for each until it has ended. Ends those whose
 * clients neither send nor read on (E1, R10). Times every call by method and status code; methods are those that are served, so there is
 * a bound to both.
 */
final class CallGuards extends ServerStreamTracer.Factory implements ServerInterceptor {

    private static final String API = "rutile.gateway.v1.";
    /** Health checks, watches of it and whatever else somebody tries, at the same time. */
    private static final int OTHERS_MAX = 1_024;

    private static final Failure NO_MESSAGE =
            Failure.Kind.INVALID_REQUEST.because("the bytes are no message of this method");

    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final Authenticator authenticator;
    private final boolean healthIsOpen;
    private final GatewayLimits limits;
    private final Duration clientTimeout;
    private final MeterRegistry metrics;
    private final Map<Measured, Timer> timers = new ConcurrentHashMap<>();
    private final Set<CallGuard> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger others = new AtomicInteger();
    private final Counter refusedOthers;
    private final Counter stalled;

    private record Measured(String method, Status.Code code) {}

    /**
     * @param healthIsOpen whether health checks are answered to everybody
     * @param clientTimeout how long a call waits for its client to send or to read on
     */
    CallGuards(
            Authenticator authenticator,
            boolean healthIsOpen,
            GatewayLimits limits,
            Duration clientTimeout,
            MeterRegistry metrics) {
        this.authenticator = authenticator;
        this.healthIsOpen = healthIsOpen;
        this.limits = limits;
        this.clientTimeout = clientTimeout;
        this.metrics = metrics;
        this.refusedOthers = GatewayLimits.refused("grpc-others", metrics);
        this.stalled = Counter.builder("kv.gateway.grpc.stalled")
                .description("Calls ended because their clients neither sent nor read on")
                .register(metrics);
    }

    @Override
    public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        CallGuard guard = method.startsWith(API) ? ofApi() : ofOther();
        open.add(guard);
        return guard;
    }

    private CallGuard ofApi() {
        try {
            return new CallGuard(this, limits.admit(), null, () -> {});
        } catch (FailureException busy) {
            return new CallGuard(this, null, busy.failure(), () -> {});
        }
    }

    private CallGuard ofOther() {
        Failure refusal = null;
        if (others.incrementAndGet() > OTHERS_MAX) {
            refusedOthers.increment();
            refusal = Failure.Kind.BUSY.because(
                    "the gateway is busy: " + OTHERS_MAX + " calls that are none of its API are open", "ServerIsBusy");
        }
        return new CallGuard(this, null, refusal, others::decrementAndGet);
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        CallGuard guard = CallGuard.current();
        Failure refusal = guard.refusal();
        if (refusal != null) {
            refuse(call, RpcErrors.of(refusal));
            return new ServerCall.Listener<>() {};
        }
        String method = call.getMethodDescriptor().getFullMethodName();
        if (method.startsWith(API) || !healthIsOpen) {
            try {
                CallAccess access = authenticator.authenticate(authorization(headers), origin(call, method));
                guard.callBy(access);
                if (method.startsWith(API)) {
                    access.enter(guard.permit());
                }
            } catch (AccessException stranger) {
                refuse(call, RpcErrors.of(stranger.refusal().failure()));
                return new ServerCall.Listener<>() {};
            } catch (FailureException tooMuch) {
                refuse(call, RpcErrors.of(tooMuch.failure()));
                return new ServerCall.Listener<>() {};
            }
        }
        return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {

            private boolean refused;

            /** The services are given streams of bytes, so that it is here that bytes which are no message are found out. */
            @Override
            public void onMessage(Q message) {
                try {
                    super.onMessage(message);
                } catch (StatusRuntimeException failure) {
                    refused = true;
                    refuse(call, failure.getCause() instanceof IOException ? RpcErrors.of(NO_MESSAGE) : failure);
                }
            }

            @Override
            public void onHalfClose() {
                if (!refused) {
                    guard.requestArrived();
                    super.onHalfClose();
                }
            }
        };
    }

    /** Given twice, it is none: what a proxy has checked must be what is checked here. */
    private static @Nullable String authorization(Metadata headers) {
        Iterable<String> values = headers.getAll(AUTHORIZATION);
        return values == null ? null : String.join(", ", values);
    }

    private static CallOrigin origin(ServerCall<?, ?> call, String method) {
        SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        return new CallOrigin(
                "grpc",
                peer instanceof InetSocketAddress address && address.getAddress() != null
                        ? address.getAddress().getHostAddress()
                        : "unknown",
                method);
    }

    private static void refuse(ServerCall<?, ?> call, StatusRuntimeException why) {
        Metadata trailers = why.getTrailers();
        call.close(why.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    /** Ends calls whose clients have kept it waiting for too long. Called a few times a second. */
    void sweep() {
        long now = System.nanoTime();
        for (CallGuard guard : open) {
            if (guard.hasWaitedLongerThan(clientTimeout.toNanos(), now)) {
                stalled.increment();
                guard.abort("the client neither sent nor read on for " + clientTimeout.toMillis() + " ms");
            }
        }
    }

    void closed(CallGuard guard, String method, Status.Code code, long tookNanos) {
        open.remove(guard);
        timers.computeIfAbsent(new Measured(method, code), this::timer).record(Duration.ofNanos(tookNanos));
    }

    private Timer timer(Measured measured) {
        return Timer.builder("kv.gateway.grpc")
                .description("Calls that ended; a stream counts once, for as long as it was open")
                .tag("method", measured.method())
                .tag("code", measured.code().name())
                .register(metrics);
    }
}
