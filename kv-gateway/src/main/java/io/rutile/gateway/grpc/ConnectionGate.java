package io.rutile.gateway.grpc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.rutile.gateway.kv.GatewayLimits;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands in front of the connections that the port accepts and bounds their number. Connections that say nothing may use the room that
 * is there, but never keep out one that speaks: when it is full, the oldest of them makes room (E1).
 *
 * <p>Threads: the accepting event loop calls {@link #channelRead}, a connection's own its {@link FirstWords}.
 */
@Sharable
final class ConnectionGate extends ChannelInboundHandlerAdapter {

    /** The preface of HTTP/2: who has sent so many bytes has said something, and is the protocol's to judge. */
    private static final int FIRST_WORDS_BYTES = 24;

    private final int connectionsMax;
    private final Counter refused;
    private final AtomicInteger open = new AtomicInteger();
    /** In the order of their arrival; guarded by itself. */
    private final Set<Channel> silent = new LinkedHashSet<>();

    ConnectionGate(int connectionsMax, MeterRegistry metrics) {
        this.connectionsMax = connectionsMax;
        this.refused = GatewayLimits.refused("grpc-connections", metrics);
        Gauge.builder("kv.gateway.grpc.connections", open, AtomicInteger::get)
                .description("Open connections of the gRPC port")
                .register(metrics);
    }

    /** A listening channel with this gate in front of everything that the server adds. */
    NioServerSocketChannel newServerChannel() {
        NioServerSocketChannel channel = new NioServerSocketChannel();
        channel.pipeline().addLast(this);
        return channel;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
        Channel connection = (Channel) accepted;
        if (open.get() >= connectionsMax) {
            refused.increment();
            if (!dismissOldestSilent()) {
                connection.unsafe().closeForcibly();
                return;
            }
        }
        open.incrementAndGet();
        synchronized (silent) {
            silent.add(connection);
        }
        connection.closeFuture().addListener(closed -> {
            spoke(connection);
            open.decrementAndGet();
        });
        connection.pipeline().addFirst(new FirstWords());
        context.fireChannelRead(connection);
    }

    private boolean dismissOldestSilent() {
        Channel oldest;
        synchronized (silent) {
            Iterator<Channel> inOrder = silent.iterator();
            if (!inOrder.hasNext()) {
                return false;
            }
            oldest = inOrder.next();
            inOrder.remove();
        }
        // Past the pipeline: HTTP/2 would say goodbye first, and wait for somebody who says nothing.
        oldest.eventLoop().execute(() -> oldest.unsafe().close(oldest.newPromise()));
        return true;
    }

    private void spoke(Channel connection) {
        synchronized (silent) {
            silent.remove(connection);
        }
    }

    /** Counts a connection's first bytes and then steps out of its way. */
    private final class FirstWords extends ChannelInboundHandlerAdapter {

        private int bytes;

        @Override
        public void channelRead(ChannelHandlerContext context, Object read) {
            if (read instanceof ByteBuf words) {
                bytes += words.readableBytes();
            }
            if (bytes >= FIRST_WORDS_BYTES) {
                spoke(context.channel());
                context.pipeline().remove(this);
            }
            context.fireChannelRead(read);
        }
    }
}
