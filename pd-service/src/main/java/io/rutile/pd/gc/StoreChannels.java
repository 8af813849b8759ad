package io.rutile.pd.gc;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.pd.meta.HostPort;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.tikvpb.TikvGrpc;
import io.rutile.protocol.tikvpb.TikvGrpc.TikvBlockingStub;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/** Channels to stores, one an address, opened when first needed. Used by one thread; closed by any. */
final class StoreChannels implements AutoCloseable {

    private final ChannelCredentials credentials;
    private final Map<String, ManagedChannel> byAddress = new HashMap<>();

    StoreChannels(ChannelCredentials credentials) {
        this.credentials = credentials;
    }

    /** @throws IllegalArgumentException if it is no address */
    synchronized TikvBlockingStub to(String address) {
        return TikvGrpc.newBlockingStub(byAddress.computeIfAbsent(address, this::open));
    }

    private ManagedChannel open(String address) {
        HostPort to = HostPort.parse(address);
        return NettyChannelBuilder.forAddress(to.host(), to.port(), credentials)
                .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                .build();
    }

    /** Closes channels to whoever is not among these any more: there are never more than there are stores. */
    synchronized void retain(Set<String> addresses) {
        for (Iterator<Map.Entry<String, ManagedChannel>> all =
                        byAddress.entrySet().iterator();
                all.hasNext(); ) {
            Map.Entry<String, ManagedChannel> entry = all.next();
            if (!addresses.contains(entry.getKey())) {
                entry.getValue().shutdownNow();
                all.remove();
            }
        }
    }

    @Override
    public synchronized void close() {
        retain(Set.of());
    }
}
