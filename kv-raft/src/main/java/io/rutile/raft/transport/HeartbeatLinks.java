package io.rutile.raft.transport;

import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import io.rutile.raft.wire.HeartbeatRequest;
import io.rutile.raft.wire.RaftTransportGrpc;
import java.net.InetSocketAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * This store's heartbeats for whole stores: connections beside those of {@link StoreLink}, and one thread that has nothing else to do. On a
 * machine with more to do than it can, a thread that is busy waits for its turn, a twentieth of a second and more for each hand-over; one that
 * hardly ever runs has its turn at once. So leaders stay leaders while everything else is late.
 *
 * <p>A heartbeat that can't be sent, or has no answer in time, is one that nobody has heard. Any thread; never blocks.
 */
final class HeartbeatLinks implements AutoCloseable {

    private static final long RECONNECT_NANOS_MIN = TimeUnit.SECONDS.toNanos(1);

    private final RaftTransport transport;
    private final EventLoopGroup thread;
    private final ConcurrentHashMap<Long, Link> links = new ConcurrentHashMap<>();

    /** A connection to a store where it was last known to be. */
    private static final class Link {

        final InetSocketAddress address;
        final ManagedChannel channel;
        private volatile long triedNanos = System.nanoTime();

        Link(InetSocketAddress address, ManagedChannel channel) {
            this.address = address;
            this.channel = channel;
        }

        /** gRPC would wait longer and longer, up to two minutes: a store that is back is to be heard by its followers at once. */
        void reconnect() {
            long now = System.nanoTime();
            if (now - triedNanos > RECONNECT_NANOS_MIN) {
                triedNanos = now;
                channel.resetConnectBackoff();
            }
        }
    }

    HeartbeatLinks(RaftTransport transport) {
        this.transport = transport;
        this.thread = new MultiThreadIoEventLoopGroup(
                1,
                new DefaultThreadFactory("raft-heartbeat-io-s" + transport.storeId(), true),
                NioIoHandler.newFactory());
    }

    /** @param answer told on the connection's thread if it comes, and never else */
    void send(long toStore, CoalescedHeartbeat heartbeat, long timeoutMs, HeartbeatAnswer answer) {
        Link link = link(toStore);
        if (link == null || !transport.passes(transport.storeId(), toStore)) {
            return;
        }
        RaftTransportGrpc.newStub(link.channel)
                .withDeadlineAfter(timeoutMs, TimeUnit.MILLISECONDS)
                .hear(
                        HeartbeatRequest.newBuilder()
                                .setHello(transport.helloTo(toStore))
                                .setHeartbeat(heartbeat)
                                .build(),
                        new StreamObserver<>() {
                            @Override
                            public void onNext(CoalescedHeartbeatAnswer said) {
                                if (transport.passes(toStore, transport.storeId())) {
                                    answer.take(said);
                                }
                            }

                            @Override
                            public void onError(Throwable cause) {
                                link.reconnect();
                            }

                            @Override
                            public void onCompleted() {
                                // Nothing comes behind the answer.
                            }
                        });
    }

    private @Nullable Link link(long toStore) {
        InetSocketAddress address = transport.resolve(toStore);
        Link known = links.get(toStore);
        if (address == null || (known != null && known.address.equals(address))) {
            return known;
        }
        return links.compute(toStore, (store, before) -> {
            if (before != null) {
                if (before.address.equals(address)) {
                    return before;
                }
                before.channel.shutdownNow();
            }
            return new Link(address, open(address));
        });
    }

    private ManagedChannel open(InetSocketAddress address) {
        return transport
                .to(address)
                .eventLoopGroup(thread)
                .channelType(NioSocketChannel.class)
                .directExecutor()
                .keepAliveTime(5, TimeUnit.SECONDS)
                .keepAliveTimeout(5, TimeUnit.SECONDS)
                .disableRetry()
                .build();
    }

    @Override
    public void close() {
        links.values().forEach(link -> link.channel.shutdownNow());
        thread.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
