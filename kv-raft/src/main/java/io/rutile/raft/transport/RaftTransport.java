package io.rutile.raft.transport;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.raft.StoreAddresses;
import io.rutile.raft.wire.Call;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import io.rutile.raft.wire.Envelope;
import io.rutile.raft.wire.HeartbeatRequest;
import io.rutile.raft.wire.Hello;
import io.rutile.raft.wire.ImageChunk;
import io.rutile.raft.wire.ImageRequest;
import io.rutile.raft.wire.RaftTransportGrpc;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Raft port of one store and its links to the others.
 *
 * <p>Guarantees: calls of one store to another are handed over in the order of sending; a stream of another cluster, a wrong
 * store or another protocol version is refused before anything of it is read.
 */
public final class RaftTransport implements AutoCloseable {

    /** Raised when an older store could misread a newer one. */
    public static final int PROTOCOL = 1;

    private static final Logger LOG = LoggerFactory.getLogger(RaftTransport.class);
    private static final long QUEUE_BYTES_MAX = 16L << 20;
    private static final long SWEEP_MS = 50;
    private static final long HELLO_MS_MAX = 10_000;
    private static final int METADATA_BYTES_MAX = 16 << 10;
    private static final int STREAMS_PER_CONNECTION_MAX = 16;

    /**
     * Frames of a stream that gRPC may hand over before it is asked for more, half of them at a time: to ask wakes the connection's thread. What
     * they bring is bounded by the size of frames, and what is done with it by the budget of entries.
     */
    static final int FRAMES_AHEAD = 8;

    /** Made as connections come, one for each of the first: that of a heartbeat has nothing to do with entries. */
    private static final int CONNECTION_THREADS = 32;

    private static final String HEAR = RaftTransportGrpc.getHearMethod().getFullMethodName();

    private final long clusterId;
    private final long storeId;
    private final StoreAddresses addresses;
    private final InboundCalls inbound;
    private final BiConsumer<ImageRequest, ServerCallStreamObserver<ImageChunk>> images;
    private final LinkFilter filter;
    private final Executor pool;
    private final ScheduledExecutorService timer;
    private final ScheduledExecutorService sends;
    private final int messageBytesMax;
    private final ServerCredentials port;
    private final ChannelCredentials channels;
    final ByteBudget outbound;
    private final ConcurrentHashMap<Long, StoreLink> links = new ConcurrentHashMap<>();
    private final HeartbeatLinks heartbeats;
    private final EventLoopGroup acceptor;
    private final EventLoopGroup connections;
    private final Set<Guest> guests = ConcurrentHashMap.newKeySet();
    final TransportMetrics metrics;
    private @Nullable Server server;
    private @Nullable ScheduledFuture<?> sweeper;
    private volatile boolean closed;

    /**
     * @param entryBytesMax largest entry that a group takes; messages are bounded a little above
     * @param port how the port is secured
     * @param channels how connections to other stores are
     * @param outbound of all messages that wait for an answer; one store may have half of it
     * @param images answers requests for images; called on the pool
     * @param timer ends what has waited too long
     * @param sends sends what has gathered; nothing else waits on it
     */
    public RaftTransport(
            long clusterId,
            long storeId,
            int entryBytesMax,
            ServerCredentials port,
            ChannelCredentials channels,
            ByteBudget outbound,
            StoreAddresses addresses,
            InboundCalls inbound,
            BiConsumer<ImageRequest, ServerCallStreamObserver<ImageChunk>> images,
            LinkFilter filter,
            Executor pool,
            ScheduledExecutorService timer,
            ScheduledExecutorService sends,
            MeterRegistry meters) {
        this.clusterId = clusterId;
        this.storeId = storeId;
        this.port = port;
        this.channels = channels;
        this.addresses = addresses;
        this.inbound = inbound;
        this.images = images;
        this.filter = filter;
        this.pool = pool;
        this.timer = timer;
        this.sends = sends;
        this.outbound = outbound;
        this.messageBytesMax = entryBytesMax + (8 << 20);
        this.metrics = new TransportMetrics(meters);
        this.heartbeats = new HeartbeatLinks(this);
        this.acceptor = loops("raft-accept-s" + storeId, 1);
        this.connections = loops("raft-io-s" + storeId, CONNECTION_THREADS);
    }

    private static EventLoopGroup loops(String name, int threads) {
        return new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
    }

    /**
     * Opens the port.
     *
     * @throws IOException if it can't be opened
     */
    public void start(InetSocketAddress listen) throws IOException {
        server = NettyServerBuilder.forAddress(listen, port)
                .bossEventLoopGroup(acceptor)
                .workerEventLoopGroup(connections)
                .channelType(NioServerSocketChannel.class)
                // A call begins on the server's own executor whatever comes then, and a heartbeat has no time for a
                // busy pool.
                .executor(Runnable::run)
                .callExecutor(new PoolForAllButHeartbeats(pool))
                .maxInboundMessageSize(messageBytesMax)
                .maxInboundMetadataSize(METADATA_BYTES_MAX)
                .maxConcurrentCallsPerConnection(STREAMS_PER_CONNECTION_MAX)
                .permitKeepAliveTime(2, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .keepAliveTime(10, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .maxConnectionIdle(2, TimeUnit.MINUTES)
                .addService(new Door())
                .build()
                .start();
        sweeper = timer.scheduleWithFixedDelay(this::sweep, SWEEP_MS, SWEEP_MS, TimeUnit.MILLISECONDS);
    }

    public int port() {
        Server running = server;
        if (running == null) {
            throw new IllegalStateException("not started");
        }
        return running.getPort();
    }

    public long storeId() {
        return storeId;
    }

    /** Sends, or fails the call soon; never blocks. */
    public void send(OutboundCall call) {
        links.computeIfAbsent(call.toStore(), store -> new StoreLink(this, store))
                .send(call);
    }

    /**
     * Sends one heartbeat for many groups, on a connection and a thread that nothing else uses; never blocks.
     *
     * @param answer told if it comes in time, on that thread
     */
    public void sendHeartbeat(long toStore, CoalescedHeartbeat heartbeat, long timeoutMs, HeartbeatAnswer answer) {
        heartbeats.send(toStore, heartbeat, timeoutMs, answer);
    }

    /** A connection of its own to another store, for what is long; null if its address is not known. The caller closes it. */
    public @Nullable ManagedChannel channelTo(long toStore) {
        InetSocketAddress address = resolve(toStore);
        return address == null || !passes(storeId, toStore) ? null : channel(address);
    }

    public Hello helloTo(long toStore) {
        return Hello.newBuilder()
                .setClusterId(clusterId)
                .setFromStore(storeId)
                .setToStore(toStore)
                .setProtocol(PROTOCOL)
                .build();
    }

    /** Secured as all connections to other stores are. */
    NettyChannelBuilder to(InetSocketAddress address) {
        return NettyChannelBuilder.forAddress(address, channels);
    }

    ManagedChannel channel(InetSocketAddress address) {
        return to(address)
                .executor(pool)
                .maxInboundMessageSize(messageBytesMax)
                .maxInboundMetadataSize(METADATA_BYTES_MAX)
                .keepAliveTime(5, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .disableRetry()
                .build();
    }

    @Nullable InetSocketAddress resolve(long toStore) {
        try {
            return addresses.resolve(toStore);
        } catch (RuntimeException e) {
            LOG.warn("address lookup failed to_store={} cause={}", toStore, e.toString());
            return null;
        }
    }

    Executor pool() {
        return pool;
    }

    boolean passes(long from, long to) {
        return filter.passes(from, to);
    }

    boolean helloFits(Hello hello, long expectedStore) {
        return hello.getClusterId() == clusterId
                && hello.getFromStore() == expectedStore
                && hello.getToStore() == storeId
                && hello.getProtocol() == PROTOCOL;
    }

    FrameSender sender(io.grpc.stub.CallStreamObserver<Envelope> stream) {
        return new FrameSender(stream, pool, sends, QUEUE_BYTES_MAX, metrics, System::nanoTime);
    }

    private void sweep() {
        long now = System.nanoTime();
        links.values().forEach(link -> link.sweep(now));
        guests.forEach(guest -> guest.sweep(now));
    }

    @Override
    public void close() {
        closed = true;
        ScheduledFuture<?> sweeping = sweeper;
        if (sweeping != null) {
            sweeping.cancel(false);
        }
        links.values().forEach(StoreLink::close);
        heartbeats.close();
        Server running = server;
        if (running != null) {
            running.shutdownNow();
            try {
                if (!running.awaitTermination(5, TimeUnit.SECONDS)) {
                    LOG.warn("raft port not closed in time store={}", storeId);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        acceptor.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        connections.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    /** Why a handshake is refused; null if it fits. */
    private @Nullable String refusal(Hello hello) {
        if (hello.getProtocol() != PROTOCOL) {
            return "raft protocol " + hello.getProtocol() + ", this store speaks " + PROTOCOL;
        }
        if (hello.getClusterId() != clusterId) {
            return "cluster " + Long.toUnsignedString(hello.getClusterId()) + ", this store belongs to cluster "
                    + Long.toUnsignedString(clusterId);
        }
        if (hello.getToStore() != storeId) {
            return "looking for store " + hello.getToStore() + ", this is store " + storeId;
        }
        if (hello.getFromStore() <= 0 || hello.getFromStore() == storeId) {
            return "from store " + hello.getFromStore() + ", this is store " + storeId;
        }
        return null;
    }

    /** Heartbeats for many groups are taken on the thread that reads them, which is what null stands for. */
    private record PoolForAllButHeartbeats(Executor pool) implements ServerCallExecutorSupplier {

        @Override
        @SuppressWarnings("NullAway") // gRPC's word for "as it is".
        public <A, B> Executor getExecutor(ServerCall<A, B> call, Metadata metadata) {
            return call.getMethodDescriptor().getFullMethodName().equals(HEAR) ? null : pool;
        }
    }

    /** The gRPC door. */
    private final class Door extends RaftTransportGrpc.RaftTransportImplBase {

        @Override
        public StreamObserver<Envelope> exchange(StreamObserver<Envelope> responses) {
            Guest guest = new Guest((ServerCallStreamObserver<Envelope>) responses);
            guests.add(guest);
            return guest;
        }

        @Override
        public void hear(HeartbeatRequest request, StreamObserver<CoalescedHeartbeatAnswer> responses) {
            long fromStore = request.getHello().getFromStore();
            String refusal = refusal(request.getHello());
            if (refusal != null) {
                metrics.handshakesRefused.increment();
                responses.onError(
                        Status.FAILED_PRECONDITION.withDescription(refusal).asRuntimeException());
                return;
            }
            if (closed || !passes(fromStore, storeId)) {
                return;
            }
            CoalescedHeartbeatAnswer answer;
            try {
                answer = inbound.onHeartbeat(fromStore, request.getHeartbeat());
            } catch (RuntimeException e) {
                metrics.badMessages.increment();
                responses.onError(
                        Status.INVALID_ARGUMENT.withDescription(e.getMessage()).asRuntimeException());
                return;
            }
            if (answer != null && !closed && passes(storeId, fromStore)) {
                responses.onNext(answer);
                responses.onCompleted();
            }
        }

        @Override
        public void fetchImage(ImageRequest request, StreamObserver<ImageChunk> responses) {
            String refusal = refusal(request.getHello());
            if (refusal != null) {
                metrics.handshakesRefused.increment();
                responses.onError(
                        Status.FAILED_PRECONDITION.withDescription(refusal).asRuntimeException());
                return;
            }
            images.accept(request, (ServerCallStreamObserver<ImageChunk>) responses);
        }
    }

    /** A stream that another store has opened to us. */
    private final class Guest implements StreamObserver<Envelope> {

        private final ServerCallStreamObserver<Envelope> stream;
        private final FrameSender answers;
        private final long openedNanos = System.nanoTime();
        private volatile long fromStore;
        private volatile boolean over;
        /** Only touched by gRPC's callbacks, which come one at a time. */
        private int framesTaken;

        Guest(ServerCallStreamObserver<Envelope> stream) {
            this.stream = stream;
            this.answers = sender(stream);
            stream.disableAutoRequest();
            stream.request(FRAMES_AHEAD);
            stream.setOnReadyHandler(() -> {
                if (fromStore != 0) {
                    answers.wake();
                }
            });
            stream.setOnCancelHandler(this::leave);
        }

        @Override
        public void onNext(Envelope frame) {
            if (over) {
                return;
            }
            if (++framesTaken % (FRAMES_AHEAD / 2) == 0) {
                stream.request(FRAMES_AHEAD / 2);
            }
            if (fromStore == 0 && !greet(frame.getHello())) {
                return;
            }
            if (closed || !passes(fromStore, storeId)) {
                return;
            }
            Gathering.run(() -> frame.getCallsList().forEach(this::handle));
        }

        private boolean greet(Hello hello) {
            String refusal = refusal(hello);
            if (refusal != null) {
                metrics.handshakesRefused.increment();
                LOG.warn("raft stream refused store={} cause={}", storeId, refusal);
                turnAway(Status.FAILED_PRECONDITION.withDescription(refusal));
                return false;
            }
            stream.onNext(Envelope.newBuilder()
                    .setHello(helloTo(hello.getFromStore()))
                    .build());
            fromStore = hello.getFromStore();
            return true;
        }

        private void handle(Call call) {
            // Not the call: its bytes would stay in memory until it is answered.
            long id = call.getId();
            long group = call.getGroup();
            boolean patient = call.getPatient();
            try {
                Message request = MessageTypes.parse(call.getType(), call.getBody());
                inbound.onCall(
                        fromStore,
                        group,
                        request,
                        call.getHandover(),
                        response -> answer(id, group, patient, response));
            } catch (InvalidProtocolBufferException | RuntimeException e) {
                metrics.badMessages.increment();
                LOG.debug("raft message dropped from_store={} cause={}", fromStore, e.toString());
            }
        }

        private void answer(long id, long group, boolean patient, Message response) {
            if (closed || !passes(storeId, fromStore)) {
                return;
            }
            Call message = Call.newBuilder()
                    .setId(id)
                    .setGroup(group)
                    .setType(MessageTypes.number(response))
                    .setBody(response.toByteString())
                    .setPatient(patient)
                    .build();
            if (!answers.offer(message)) {
                // The other side asks and does not listen, or is gone: its own time-out tells it.
                metrics.refusedFull.increment();
            }
        }

        void sweep(long nowNanos) {
            if (fromStore == 0 && nowNanos - openedNanos > TimeUnit.MILLISECONDS.toNanos(HELLO_MS_MAX)) {
                pool.execute(() -> turnAway(Status.DEADLINE_EXCEEDED.withDescription("no handshake")));
            }
        }

        private void turnAway(Status status) {
            if (!over) {
                leave();
                stream.onError(status.asRuntimeException());
            }
        }

        private void leave() {
            over = true;
            guests.remove(this);
            answers.close();
        }

        @Override
        public void onError(Throwable cause) {
            leave();
        }

        @Override
        public void onCompleted() {
            if (!over) {
                leave();
                stream.onCompleted();
            }
        }
    }
}
