package io.rutile.node.rpc;

import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptors;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeRequest;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.storage.Storage;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.KvContext;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The gRPC port of a store: its services, its limits, its threads. {@link #start} opens the port, {@link #close} lets running calls
 * end for a moment and closes it.
 */
@SuppressWarnings("FutureReturnValueIgnored") // event loops end by themselves
public final class RpcServer implements AutoCloseable {

    /** Clients ping every ten seconds, some without calls; grpc-java's default would throw them out. */
    private static final long KEEP_ALIVE_SECONDS_MIN = 5;

    private static final int STREAMS_PER_CONNECTION_MAX = 1_024;
    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final int RESETS_MAX = 1_000;
    private static final int RESETS_WINDOW_SECONDS = 10;
    private static final int WINDOW_BYTES = 1 << 20;
    private static final int LOOPS_MIN = 2;
    private static final long CLOSE_PATIENCE_MS = 2_000;

    private final HealthStatusManager health = new HealthStatusManager();
    private final ExecutorService handlers;
    private final ScheduledThreadPoolExecutor timer;
    private final EventLoopGroup acceptor;
    private final EventLoopGroup connections;
    private final Forwarding forwarding;
    private final TikvService tikv;
    private final Server server;

    /**
     * @param security of the port, and of connections to stores that calls are passed on to
     * @param clusterId requests that name another one are refused
     * @param knownStores whether a client may be passed on to this {@code host:port}
     * @param isSelf whether this {@code host:port} is this store
     * @param apiVersion how raw keys are written as Region borders
     * @param splitter what SplitRegion does
     * @param safeTimestamps what GetStoreSafeTS and CheckLeader are about
     * @param deadlocks what other stores ask this one for; never passed on
     * @param changes the change feed; never passed on
     * @param destroyRange what UnsafeDestroyRange does on this store
     * @param together runs what makes many proposals, which then reach their groups together
     * @param tracing who makes the spans of calls whose callers trace them
     */
    public RpcServer(
            RpcOptions options,
            TransportSecurity security,
            long clusterId,
            long storeId,
            Storage storage,
            ApiVersion apiVersion,
            Predicate<String> knownStores,
            Predicate<String> isSelf,
            RegionSplitter splitter,
            SafeTimestamps safeTimestamps,
            BindableService deadlocks,
            BindableService changes,
            BiFunction<KvContext, UnsafeDestroyRangeRequest, CompletableFuture<UnsafeDestroyRangeResponse>>
                    destroyRange,
            Consumer<Runnable> together,
            Tracing tracing,
            MeterRegistry metrics) {
        this.handlers = Executors.newFixedThreadPool(options.threads(), new DefaultThreadFactory("rpc", true));
        this.timer = new ScheduledThreadPoolExecutor(1, new DefaultThreadFactory("rpc-timer", true));
        this.timer.setRemoveOnCancelPolicy(true);
        this.acceptor = loops("rpc-accept", 1);
        this.connections =
                loops("rpc-io", Math.max(LOOPS_MIN, Runtime.getRuntime().availableProcessors()));
        this.forwarding = new Forwarding(knownStores, isSelf, security.channels(), handlers, metrics);

        RpcMetrics rpcMetrics = new RpcMetrics(metrics);
        SlowRequests slow = new SlowRequests(options.slowThreshold(), System::nanoTime, metrics);
        RpcTraces traces = new RpcTraces(tracing, storeId);
        RpcScope scope = new RpcScope(
                clusterId, storeId, options.timeoutDefault(), options.timeoutMax(), rpcMetrics, slow, traces);
        RawRpcs raw = new RawRpcs(storage);
        TxnRpcs txn = new TxnRpcs(storage);
        StoreRpcs store = new StoreRpcs(storeId, safeTimestamps, destroyRange);
        RegionRpcs regions = new RegionRpcs(apiVersion, splitter);
        BatchCommands commands = new BatchCommands(raw, txn, store, scope, timer);
        this.tikv = new TikvService(raw, txn, regions, store, commands, scope, handlers, together);

        AtomicInteger open = new AtomicInteger();
        metrics.gauge("kv.rpc.connections", open);
        Counter refused = metrics.counter("kv.rpc.connection.refusals");
        this.server = NettyServerBuilder.forAddress(options.listen(), security.clientPort())
                .bossEventLoopGroup(acceptor)
                .workerEventLoopGroup(connections)
                .channelFactory(() -> new CappedServerChannel(
                        options.connectionsMax(), options.connectionsPerAddressMax(), open, refused))
                .executor(handlers)
                .callExecutor(new CallThreads(handlers))
                .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                .maxInboundMetadataSize(HEADER_BYTES_MAX)
                .maxConcurrentCallsPerConnection(STREAMS_PER_CONNECTION_MAX)
                .maxRstFramesPerWindow(RESETS_MAX, RESETS_WINDOW_SECONDS)
                .handshakeTimeout(options.handshakeTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .flowControlWindow(WINDOW_BYTES)
                .permitKeepAliveTime(KEEP_ALIVE_SECONDS_MIN, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                // The last one sees a call first.
                .addService(ServerInterceptors.intercept(
                        tikv, tracing.isOn() ? List.of(traces, forwarding) : List.of(forwarding)))
                .addService(deadlocks)
                .addService(changes)
                .addService(health.getHealthService())
                .build();
    }

    /** Streams of commands stay on their connection's thread, where {@link BatchCommandsStream} waits for nothing; calls have a pool. */
    private record CallThreads(Executor handlers) implements ServerCallExecutorSupplier {

        @Override
        public <Q, R> Executor getExecutor(ServerCall<Q, R> call, Metadata headers) {
            return call.getMethodDescriptor()
                            .getFullMethodName()
                            .equals(TikvGrpc.getBatchCommandsMethod().getFullMethodName())
                    ? Runnable::run
                    : handlers;
        }
    }

    private static EventLoopGroup loops(String name, int threads) {
        return new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
    }

    /** Opens the port. @throws IOException if it can't be opened */
    public void start() throws IOException {
        health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.NOT_SERVING);
        server.start();
    }

    /** From now on health checks say that this store serves. */
    public void serving(boolean serves) {
        health.setStatus(
                HealthStatusManager.SERVICE_NAME_ALL_SERVICES,
                serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    }

    /** After {@link #start}. */
    public InetSocketAddress address() {
        return (InetSocketAddress) server.getListenSockets().get(0);
    }

    @Override
    public void close() {
        health.enterTerminalState();
        server.shutdown();
        tikv.finishStreams();
        try {
            if (!server.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                server.shutdownNow();
                server.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
        forwarding.close();
        timer.shutdownNow();
        handlers.shutdown();
        acceptor.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        connections.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
