package io.rutile.pd.rpc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.DecoderException;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Stands in front of the port's accepted connections: bounds how many there are, and how many and for how long they may say
 * nothing, so that silent ones never keep speaking ones out; hands those that speak HTTP/2 to the gRPC server and those that
 * speak HTTP/1.1 to the HTTP side, each on the event loop where it is; and sends away what speaks neither (E1).
 *
 * <p>A connection is registered here and is unknown to the gRPC server until it has spoken. Once handed over, nothing of the
 * gate is left in its pipeline: docs/decisions/0010. TLS, where it is asked for, stands in front and stays.
 *
 * <p>Threads: the accepting event loop calls {@link #channelRead}, a connection's event loop its {@link FirstWords}.
 */
@Sharable
final class ConnectionGate extends ChannelInboundHandlerAdapter {

    private final DoorOptions options;
    private final EventLoopGroup workers;
    private final @Nullable TlsFront tls;
    private final ChannelHandler http;
    private final AtomicInteger open = new AtomicInteger();
    /** In the order of their arrival; guarded by itself. */
    private final Set<Channel> silent = new LinkedHashSet<>();

    private final Counter refused;
    private final Counter dismissed;
    private final Counter foreign;

    /**
     * @param workers where connections live; must take one that is registered already, see {@link AdoptingEventLoops}
     * @param tls null for plaintext
     * @param http added to the pipeline of a connection that speaks HTTP/1.1; shared by all of them
     */
    ConnectionGate(
            DoorOptions options,
            EventLoopGroup workers,
            @Nullable TlsFront tls,
            ChannelHandler http,
            MeterRegistry metrics) {
        this.options = options;
        this.workers = workers;
        this.tls = tls;
        this.http = http;
        this.refused = Counter.builder("kv.pd.rpc.connections.refused")
                .description("Connections closed at once because too many were open")
                .register(metrics);
        this.dismissed = Counter.builder("kv.pd.rpc.connections.silent")
                .description("Connections closed because they did not speak in time, or to make room")
                .register(metrics);
        this.foreign = Counter.builder("kv.pd.rpc.connections.foreign")
                .description(
                        "Connections closed because they began with something that is not HTTP, or their TLS handshake failed")
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
        TlsFront secured = tls;
        if (secured != null) {
            connection.pipeline().addLast(secured.of(connection));
        }
        connection.pipeline().addLast(new FirstWords(context));
        workers.register(connection).addListener(registered -> {
            if (!registered.isSuccess()) {
                open.decrementAndGet();
                connection.unsafe().closeForcibly();
            }
        });
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

    /** Keeps a connection's first bytes until they say who should have it, and then steps out of its way. */
    private final class FirstWords extends ChannelInboundHandlerAdapter {

        /** Where the gRPC server waits for accepted connections. */
        private final ChannelHandlerContext server;

        private @Nullable ByteBuf held;
        private boolean decided;
        private @Nullable ScheduledFuture<?> timeout;

        private FirstWords(ChannelHandlerContext server) {
            this.server = server;
        }

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
            ByteBuf words = hold(context, (ByteBuf) read);
            if (decided) {
                return;
            }
            switch (WireProtocol.of(words)) {
                case HTTP_2 -> toGrpc(context);
                case HTTP_1 -> toHttp(context);
                case UNDECIDED -> {}
                case FOREIGN -> {
                    decided = true;
                    context.channel().config().setAutoRead(false);
                    close(context.channel(), foreign);
                }
            }
        }

        /** Bounded: until it is decided fewer bytes than a preface and what one read brings, and then nothing more is read. */
        private ByteBuf hold(ChannelHandlerContext context, ByteBuf words) {
            ByteBuf before = held;
            ByteBuf all = before == null
                    ? words
                    : ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(context.alloc(), before, words);
            held = all;
            return all;
        }

        private void toHttp(ChannelHandlerContext context) {
            decided = true;
            context.pipeline().addLast(http);
            leave(context);
        }

        /** The server adds its handlers on its own event loop; what was said waits until they are there. */
        private void toGrpc(ChannelHandlerContext context) {
            decided = true;
            Channel connection = context.channel();
            connection.config().setAutoRead(false);
            server.executor().execute(() -> {
                if (connection.isActive()) {
                    server.fireChannelRead(connection);
                }
                connection.eventLoop().execute(() -> adopted(context));
            });
        }

        private void adopted(ChannelHandlerContext context) {
            if (context.isRemoved()) {
                return;
            }
            if (context.pipeline().last() == this) {
                // The server has closed in the meantime and nobody took it.
                close(context.channel(), refused);
                return;
            }
            leave(context);
            context.fireChannelReadComplete();
            context.channel().config().setAutoRead(true);
        }

        private void leave(ChannelHandlerContext context) {
            ByteBuf words = held;
            held = null;
            context.pipeline().remove(this);
            if (words != null) {
                context.fireChannelRead(words);
            }
        }

        /** Of TLS: no TLS at all, or a certificate that is refused. Everything else is the network's. */
        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            decided = true;
            if (cause instanceof DecoderException || cause instanceof SSLException) {
                foreign.increment();
            }
            context.close();
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
            ByteBuf words = held;
            if (words != null) {
                held = null;
                words.release();
            }
        }

        private void cancelTimeout() {
            if (timeout != null) {
                timeout.cancel(false);
            }
        }
    }
}
