package io.rutile.pd.rpc;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.ChannelHandler;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.WireLimits;
import io.rutile.tls.ServerTls;
import io.rutile.tls.TransportSecurity;
import io.rutile.trace.TracedCalls;
import io.rutile.trace.Tracing;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The client port: the gRPC server, its services and its limits, and in front of it the gate that hands HTTP/1.1 to whoever
 * serves that. Started once, closed once.
 */
public final class PdDoor implements AutoCloseable {

    private static final int HEADER_BYTES_MAX = 16 << 10;
    private static final long ANNOUNCE_EVERY_MS = 500;
    private static final long TELL_EVERY_MS = 200;
    /** Cancelled calls that one connection may produce in a window; more is an attack, not impatience. */
    private static final int RST_FRAMES_MAX = 10_000;

    private static final int RST_WINDOW_SECONDS = 10;
    private static final long CLOSE_WAIT_MS = 2_000;

    private final MemberChannels channels;
    private final MemberAnnouncer announcer;
    private final StateStreams streams;
    private final EventLoopGroup acceptors;
    private final EventLoopGroup workers;
    private final ExecutorService handshakes;
    private final ExecutorService calls;
    private final ScheduledExecutorService timer;
    private final NettyServerBuilder builder;
    private @Nullable Server server;

    /**
     * @param security of the port, and of connections to other members
     * @param http takes a connection that speaks HTTP/1.1 over when it is added to its pipeline; shared by all of them
     * @param putOut told why, if the cluster does not take this member for one any more
     * @param tracing who makes the spans of calls whose callers trace them
     */
    public PdDoor(
            InetSocketAddress listen,
            DoorOptions options,
            TransportSecurity security,
            PdMember member,
            Leadership leadership,
            MetaStore meta,
            ChannelHandler http,
            Consumer<String> putOut,
            Tracing tracing,
            MeterRegistry metrics) {
        this.channels = new MemberChannels(security.channels());
        this.announcer = new MemberAnnouncer(member, leadership, channels, putOut);
        PdCalls pdCalls = new PdCalls(leadership, member);
        this.streams = new StateStreams(pdCalls, meta, metrics);
        int cores = Runtime.getRuntime().availableProcessors();
        this.acceptors = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("pd-accept", true), NioIoHandler.newFactory());
        this.workers = new AdoptingEventLoops(cores, new DefaultThreadFactory("pd-io", true));
        // What waits here is bounded by connections and calls per connection.
        this.calls = Executors.newFixedThreadPool(Math.max(4, cores), new DefaultThreadFactory("pd-rpc", true));
        this.timer = Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("pd-announce", true));
        // One: whoever shakes hands keeps no timestamp waiting. What waits here is bounded by connections.
        this.handshakes = Executors.newSingleThreadExecutor(new DefaultThreadFactory("pd-tls", true));
        ServerTls tls = security.clients();
        ConnectionGate gate =
                new ConnectionGate(options, workers, tls == null ? null : new TlsFront(tls, handshakes), http, metrics);
        this.builder = NettyServerBuilder.forAddress(listen)
                .bossEventLoopGroup(acceptors)
                .workerEventLoopGroup(workers)
                .channelFactory(gate::newServerChannel)
                .executor(calls)
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                .maxInboundMetadataSize(HEADER_BYTES_MAX)
                .maxConcurrentCallsPerConnection(options.callsPerConnectionMax())
                .maxRstFramesPerWindow(RST_FRAMES_MAX, RST_WINDOW_SECONDS)
                .handshakeTimeout(options.silenceTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .maxConnectionIdle(options.idleTimeout().toMillis(), TimeUnit.MILLISECONDS)
                .addService(new PdService(pdCalls, member, meta, streams, metrics))
                .addService(new KeyspaceService(pdCalls, meta, streams))
                .addService(new EtcdCluster(member, meta))
                .addService(new EtcdKv(member, meta))
                .addService(new PdHealth(leadership, member))
                .addService(announcer)
                // The last one added sees a call first.
                .intercept(new LeaderRelay(member, channels))
                .intercept(new RpcMetrics(metrics));
        if (tracing.isOn()) {
            builder.intercept(TracedCalls.inside(tracing));
        }
    }

    /**
     * Opens the port.
     *
     * @throws IOException if it can't be had
     */
    public void start() throws IOException {
        server = builder.build().start();
        Future<?> unused = timer.scheduleWithFixedDelay(
                announcer::announce, ANNOUNCE_EVERY_MS, ANNOUNCE_EVERY_MS, TimeUnit.MILLISECONDS);
        Future<?> unusedToo =
                timer.scheduleWithFixedDelay(streams::tell, TELL_EVERY_MS, TELL_EVERY_MS, TimeUnit.MILLISECONDS);
    }

    /** Where it listens, after {@link #start}. */
    public InetSocketAddress listenAddress() {
        SocketAddress address =
                Objects.requireNonNull(server, "not started").getListenSockets().get(0);
        return (InetSocketAddress) address;
    }

    @Override
    public void close() {
        timer.shutdownNow();
        channels.close();
        Server running = server;
        if (running != null) {
            running.shutdownNow();
            try {
                running.awaitTermination(CLOSE_WAIT_MS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        calls.shutdownNow();
        handshakes.shutdownNow();
        shutDown(acceptors);
        shutDown(workers);
    }

    private static void shutDown(EventLoopGroup group) {
        Future<?> unused = group.shutdownGracefully(0, CLOSE_WAIT_MS, TimeUnit.MILLISECONDS);
    }

    /** Whether a caller would be served here, or be told where. */
    public static boolean isServing(Leadership leadership, PdMember member) {
        return PdHealth.isServing(leadership, member);
    }
}
