package io.rutile.node.rpc;

import io.micrometer.core.instrument.Counter;
import io.netty.channel.Channel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A listening socket that takes only so many connections, in all and from one address. What comes on top is closed at once, before
 * it has cost a handshake; those that are open are not disturbed.
 *
 * <p>Accepts on one thread; counts go down on the connections' own.
 */
final class CappedServerChannel extends NioServerSocketChannel {

    private final int max;
    private final int perAddressMax;
    private final Counter refused;
    private final AtomicInteger open;
    private final ConcurrentHashMap<InetAddress, Integer> byAddress = new ConcurrentHashMap<>();

    CappedServerChannel(int max, int perAddressMax, AtomicInteger open, Counter refused) {
        this.max = max;
        this.perAddressMax = perAddressMax;
        this.open = open;
        this.refused = refused;
    }

    @Override
    protected int doReadMessages(List<Object> accepted) throws Exception {
        int before = accepted.size();
        int count = super.doReadMessages(accepted);
        for (int i = accepted.size() - 1; i >= before; i--) {
            SocketChannel connection = (SocketChannel) accepted.get(i);
            if (!admit(connection)) {
                refused.increment();
                accepted.remove(i);
                ((Channel) connection).unsafe().closeForcibly();
            }
        }
        return count;
    }

    private boolean admit(SocketChannel connection) {
        InetAddress address = connection.remoteAddress() == null
                ? null
                : connection.remoteAddress().getAddress();
        if (address == null) {
            return false;
        }
        if (open.incrementAndGet() > max) {
            open.decrementAndGet();
            return false;
        }
        if (byAddress.merge(address, 1, Integer::sum) > perAddressMax) {
            leave(address);
            return false;
        }
        connection.closeFuture().addListener(closed -> leave(address));
        return true;
    }

    private void leave(InetAddress address) {
        open.decrementAndGet();
        byAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
    }
}
