package io.rutile.pd.rpc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of the gRPC server's accepted connections: bounds how many there are, and how many and for how long they
 * may say nothing, so that silent ones never keep speaking ones out; and sends away what does not speak HTTP/2 (E1).
 *
 * <p>Threads: the accepting event loop calls {@link #channelRead}, a connection's event loop its {@link FirstWords}.
 */
@Sharable
final class ConnectionGate extends ChannelInboundHandlerAdapter {

    /** What every HTTP/2 client sends first. */
    private static final byte[] PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final DoorOptions options;
    private final AtomicInteger open = new AtomicInteger();
    /** In the order of their arrival; guarded by itself. */
    private final Set<Channel> silent = new LinkedHashSet<>();

    private final Counter refused;
    private final Counter dismissed;
    private final Counter foreign;

    ConnectionGate(DoorOptions options, MeterRegistry metrics) {
        this.options = options;
        this.refused = Counter.builder("kv.pd.rpc.connections.refused")
                .description("Connections closed at once because too many were open")
                .register(metrics);
        this.dismissed = Counter.builder("kv.pd.rpc.connections.silent")
                .description("Connections closed because they did not speak in time, or to make room")
                .register(metrics);
        this.foreign = Counter.builder("kv.pd.rpc.connections.foreign")
                .description("Connections closed because they began with something that is not HTTP/2")
                .register(metrics);
        Gauge.builder("kv.pd.rpc.connections", open, AtomicInteger::get)
                .description("Open client connections")
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
        if (open.incrementAndGet() > options.connectionsMax()) {
            open.decrementAndGet();
            refused.increment();
            connection.unsafe().closeForcibly();
            return;
        }
        connection.pipeline().addFirst(new FirstWords());
        context.fireChannelRead(connection);
    }

    private void arrived(Channel connection) {
        Channel oldest = null;
        synchronized (silent) {
            silent.add(connection);
            if (silent.size() > options.silentMax()) {
                Iterator<Channel> inOrder = silent.iterator();
                oldest = inOrder.next();
                inOrder.remove();
            }
        }
        if (oldest != null) {
            close(oldest, dismissed);
        }
    }

    private void spoke(Channel connection) {
        synchronized (silent) {
            silent.remove(connection);
        }
    }

    private static void close(Channel connection, Counter why) {
        why.increment();
        // Past the pipeline: HTTP/2 would say goodbye first, and wait for somebody who says nothing.
        connection.eventLoop().execute(() -> connection.unsafe().close(connection.newPromise()));
    }

    /** Counts a connection's first bytes and then steps out of its way. */
    private final class FirstWords extends ChannelInboundHandlerAdapter {

        private int bytes;
        private boolean sentAway;
        private @Nullable ScheduledFuture<?> timeout;

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            context.channel().closeFuture().addListener(closed -> {
                open.decrementAndGet();
                spoke(context.channel());
            });
            arrived(context.channel());
            timeout = context.executor()
                    .schedule(
                            () -> close(context.channel(), dismissed),
                            options.silenceTimeout().toMillis(),
                            TimeUnit.MILLISECONDS);
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object read) {
            ByteBuf words = (ByteBuf) read;
            if (sentAway) {
                words.release();
                return;
            }
            if (!continuesPreface(words)) {
                sentAway = true;
                words.release();
                close(context.channel(), foreign);
                return;
            }
            bytes += words.readableBytes();
            if (bytes >= PREFACE.length) {
                context.pipeline().remove(this);
            }
            context.fireChannelRead(words);
        }

        private boolean continuesPreface(ByteBuf words) {
            int compared = Math.min(words.readableBytes(), PREFACE.length - bytes);
            for (int i = 0; i < compared; i++) {
                if (words.getByte(words.readerIndex() + i) != PREFACE[bytes + i]) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            cancelTimeout();
            context.fireChannelInactive();
        }

        @Override
        public void handlerRemoved(ChannelHandlerContext context) {
            cancelTimeout();
            spoke(context.channel());
        }

        private void cancelTimeout() {
            if (timeout != null) {
                timeout.cancel(false);
            }
        }
    }
}
