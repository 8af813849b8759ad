package io.rutile.pd.rpc;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.util.concurrent.ThreadFactory;

/**
 * Event loops that leave a connection where it is if it is registered already: the gate registers a connection before the
 * gRPC server knows of it, and the server registers whatever is handed to it.
 */
final class AdoptingEventLoops extends MultiThreadIoEventLoopGroup {

    AdoptingEventLoops(int threads, ThreadFactory threadFactory) {
        super(threads, threadFactory, NioIoHandler.newFactory());
    }

    @Override
    public ChannelFuture register(Channel connection) {
        return connection.isRegistered() ? connection.newSucceededFuture() : super.register(connection);
    }
}
