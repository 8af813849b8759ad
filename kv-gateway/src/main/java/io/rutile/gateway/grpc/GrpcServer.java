package io.rutile.gateway.grpc;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.protocol.WireLimits;
import io.rutile.trace.TracedCalls;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gRPC port: its services, its limits, its threads. Started once, closed once; {@link #close} lets running calls end for a moment.
 */
public final class GrpcServer implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GrpcServer.class);

    /** Clients that ping more often, with or without calls, are sent away. */
    private static final long KEEP_ALIVE_SECONDS_MIN = 5;

    private static final long PING_EVERY_SECONDS = 60;
    private static final long IDLE_CONNECTION_MINUTES_MAX = 30;
    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final int RESETS_MAX = 1_000;
    private static final int RESETS_WINDOW_SECONDS = 10;
    private static final int WINDOW_BYTES = 1 << 20;
    private static final int IO_THREADS = 2;
    private static final long SWEEP_EVERY_MS = 200;
    private static final long CLOSE_PATIENCE_MS = 2_000;
    /** The empty name stands for the server as a whole. */
    private static final List<String> SERVICES = List.of(
            HealthStatusManager.SERVICE_NAME_ALL_SERVICES, RawKvGrpc.SERVICE_NAME, TransactionsGrpc.SERVICE_NAME);

    private final HealthStatusManager health = new HealthStatusManager();
    private final BooleanSupplier ready;
    private final ExecutorService handlers;
    private final ScheduledThreadPoolExecutor sweeper;
    private final EventLoopGroup acceptor;
    private final EventLoopGroup connections;
    private final CallGuards guards;
    private final Server server;

    /**
     * @param credentials how the port is secured
     * @param ready whether the gateway may be sent requests: what health checks say
     * @param tracing which calls are traced
     */
    public GrpcServer(
            GrpcOptions options,
            ServerCredentials credentials,
            FrontDoor door,
            Authenticator authenticator,
            GatewayLimits limits,
            BooleanSupplier ready,
            Tracing tracing,
            MeterRegistry metrics) {
        this.ready = ready;
        // What waits here is bounded by the requests in flight.
        this.handlers = Executors.newFixedThreadPool(options.threads(), new DefaultThreadFactory("gateway-grpc", true));
        this.sweeper = new ScheduledThreadPoolExecutor(1, new DefaultThreadFactory("gateway-grpc-sweep", true));
        this.acceptor = loops("gateway-grpc-accept", 1);
        this.connections = loops("gateway-grpc-io", IO_THREADS);
        this.guards = new CallGuards(authenticator, options.healthIsOpen(), limits, options.clientTimeout(), metrics);
        ConnectionGate gate = new ConnectionGate(options.connectionsMax(), metrics);
        CallTimes times = new CallTimes(options.timeoutDefault(), options.timeoutMax());
        // Inside the guards: of who is not let in there is no trace.
        List<ServerInterceptor> traced = tracing.isOn() ? List.of(TracedCalls.edge(tracing)) : List.of();
        this.server = NettyServerBuilder.forAddress(options.listen(), credentials)
                .bossEventLoopGroup(acceptor)
                .workerEventLoopGroup(connections)
                .channelFactory(gate::newServerChannel)
                .executor(handlers)
                .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                .maxInboundMetadataSize(HEADER_BYTES_MAX)
                .maxConcurrentCallsPerConnection(options.streamsPerConnectionMax())
                .maxRstFramesPerWindow(RESETS_MAX, RESETS_WINDOW_SECONDS)
                .handshakeTimeout(options.handshakeTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .flowControlWindow(WINDOW_BYTES)
                .permitKeepAliveTime(KEEP_ALIVE_SECONDS_MIN, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .keepAliveTime(PING_EVERY_SECONDS, TimeUnit.SECONDS)
                .maxConnectionIdle(IDLE_CONNECTION_MINUTES_MAX, TimeUnit.MINUTES)
                .addStreamTracerFactory(guards)
                .intercept(guards)
                .addService(ServerInterceptors.intercept(parsedByGuards(new RawKvService(door, times)), traced))
                .addService(ServerInterceptors.intercept(parsedByGuards(new TransactionsService(door, times)), traced))
                .addService(parsedByGuards(health.getHealthService()))
                .build();
    }

    /** Messages are parsed behind the interceptor instead of before it, where a failure would be a bug for gRPC. */
    private static ServerServiceDefinition parsedByGuards(BindableService service) {
        return ServerInterceptors.useInputStreamMessages(service.bindService());
    }

    private static EventLoopGroup loops(String name, int threads) {
        return new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory(name, true), NioIoHandler.newFactory());
    }

    /** Opens the port. @throws IOException if it can't be had */
    public void start() throws IOException {
        tellHealth();
        server.start();
        Future<?> unused =
                sweeper.scheduleWithFixedDelay(this::sweep, SWEEP_EVERY_MS, SWEEP_EVERY_MS, TimeUnit.MILLISECONDS);
    }

    /** After {@link #start}. */
    public InetSocketAddress address() {
        return (InetSocketAddress) server.getListenSockets().get(0);
    }

    private void sweep() {
        try {
            tellHealth();
            guards.sweep();
        } catch (RuntimeException bug) {
            // The next sweep comes whatever happened to this one.
            log.error("sweep of the gRPC port failed", bug);
        }
    }

    private void tellHealth() {
        ServingStatus status = ready.getAsBoolean() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
        SERVICES.forEach(service -> health.setStatus(service, status));
    }

    @Override
    public void close() {
        health.enterTerminalState();
        server.shutdown();
        try {
            if (!server.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                server.shutdownNow();
                server.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
        sweeper.shutdownNow();
        handlers.shutdown();
        stop(acceptor);
        stop(connections);
    }

    private static void stop(EventLoopGroup loops) {
        Future<?> unused = loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
