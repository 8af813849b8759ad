package io.rutile.node.rpc;

import io.grpc.CallOptions;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.WireLimits;
import io.rutile.trace.TraceParent;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Passes a call on to the store that its metadata names, for a client that can't reach that store itself. Unary calls and streams
 * alike: a message in is a message out, one at a time in each direction, so a slow end slows the other. Of the headers, those of a trace go along.
 *
 * <p>Only stores that the Placement Driver knows are reached: this is no open proxy. A passed-on call doesn't carry the metadata
 * again, so it can't go in circles.
 */
final class Forwarding implements ServerInterceptor, AutoCloseable {

    static final Metadata.Key<String> FORWARDED_HOST =
            Metadata.Key.of("tikv-forwarded-host", Metadata.ASCII_STRING_MARSHALLER);

    private final Predicate<String> knownStores;
    private final Predicate<String> isSelf;
    private final ChannelCredentials credentials;
    private final Executor executor;
    private final Counter forwarded;
    private final Counter refused;
    private final ConcurrentHashMap<String, ManagedChannel> channels = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /**
     * @param knownStores whether a client may be passed on to this {@code host:port}
     * @param isSelf whether it is this store: then the call is served here
     * @param credentials how connections to other stores are secured
     */
    Forwarding(
            Predicate<String> knownStores,
            Predicate<String> isSelf,
            ChannelCredentials credentials,
            Executor executor,
            MeterRegistry metrics) {
        this.knownStores = knownStores;
        this.isSelf = isSelf;
        this.credentials = credentials;
        this.executor = executor;
        this.forwarded = metrics.counter("kv.rpc.forwarded");
        this.refused = metrics.counter("kv.rpc.forward.refusals");
    }

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        String host = headers.get(FORWARDED_HOST);
        if (host == null || isSelf.test(host)) {
            return next.startCall(call, headers);
        }
        if (closed || !knownStores.test(host)) {
            refused.increment();
            call.close(
                    Status.INVALID_ARGUMENT.withDescription("the forwarded host is no store of this cluster"),
                    new Metadata());
            return new ServerCall.Listener<>() {};
        }
        forwarded.increment();
        Metadata passedOn = new Metadata();
        TraceParent.copy(headers, passedOn);
        return pass(call, passedOn, channels.computeIfAbsent(host, this::channel));
    }

    private ManagedChannel channel(String host) {
        return NettyChannelBuilder.forTarget(host, credentials)
                .executor(executor)
                .maxInboundMessageSize(Integer.MAX_VALUE)
                .idleTimeout(5, TimeUnit.MINUTES)
                .build();
    }

    private static <Q, R> ServerCall.Listener<Q> pass(ServerCall<Q, R> from, Metadata headers, ManagedChannel channel) {
        Deadline deadline = Context.current().getDeadline();
        CallOptions options = CallOptions.DEFAULT.withMaxOutboundMessageSize(WireLimits.MESSAGE_BYTES_MAX);
        MethodDescriptor<Q, R> method = from.getMethodDescriptor();
        ClientCall<Q, R> to = channel.newCall(method, deadline == null ? options : options.withDeadline(deadline));
        Inbound<Q, R> inbound = new Inbound<>(from, to);
        Outbound<Q, R> outbound = new Outbound<>(from, to);
        inbound.answers = outbound;
        outbound.requests = inbound;
        to.start(outbound, headers);
        from.request(1);
        to.request(1);
        return inbound;
    }

    /** From the client to the other store. The next message is asked for once the last one has been taken. */
    private static final class Inbound<Q, R> extends ServerCall.Listener<Q> {
        private final ServerCall<Q, R> from;
        private final ClientCall<Q, R> to;
        private @Nullable Outbound<Q, R> answers;
        private boolean owesRequest;

        Inbound(ServerCall<Q, R> from, ClientCall<Q, R> to) {
            this.from = from;
            this.to = to;
        }

        @Override
        public void onMessage(Q message) {
            to.sendMessage(message);
            askNext();
        }

        synchronized void askNext() {
            if (to.isReady()) {
                owesRequest = false;
                from.request(1);
            } else {
                owesRequest = true;
            }
        }

        synchronized void onOtherReady() {
            if (owesRequest) {
                owesRequest = false;
                from.request(1);
            }
        }

        @Override
        public void onHalfClose() {
            to.halfClose();
        }

        @Override
        public void onCancel() {
            to.cancel("the client has given up", null);
        }

        @Override
        public void onReady() {
            Outbound<Q, R> other = answers;
            if (other != null) {
                other.onOtherReady();
            }
        }
    }

    /** From the other store to the client. */
    private static final class Outbound<Q, R> extends ClientCall.Listener<R> {
        private final ServerCall<Q, R> from;
        private final ClientCall<Q, R> to;
        private @Nullable Inbound<Q, R> requests;
        private boolean owesRequest;
        private boolean headersSent;

        Outbound(ServerCall<Q, R> from, ClientCall<Q, R> to) {
            this.from = from;
            this.to = to;
        }

        @Override
        public void onHeaders(Metadata headers) {
            sendHeaders();
        }

        @Override
        public void onMessage(R message) {
            sendHeaders();
            from.sendMessage(message);
            askNext();
        }

        private void sendHeaders() {
            if (!headersSent) {
                headersSent = true;
                from.sendHeaders(new Metadata());
            }
        }

        private synchronized void askNext() {
            if (from.isReady()) {
                owesRequest = false;
                to.request(1);
            } else {
                owesRequest = true;
            }
        }

        synchronized void onOtherReady() {
            if (owesRequest) {
                owesRequest = false;
                to.request(1);
            }
        }

        @Override
        public void onReady() {
            Inbound<Q, R> other = requests;
            if (other != null) {
                other.onOtherReady();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            if (!from.isCancelled()) {
                from.close(status, new Metadata());
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        channels.values().forEach(ManagedChannel::shutdownNow);
    }
}
