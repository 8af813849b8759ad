package io.rutile.pd.rpc;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.pd.meta.HostPort;
import io.rutile.protocol.WireLimits;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Channels to the client ports of other members, one each, opened when first needed. Safe from any thread. */
final class MemberChannels implements AutoCloseable {

    private final ChannelCredentials credentials;
    private final Map<HostPort, ManagedChannel> byAddress = new ConcurrentHashMap<>();

    MemberChannels(ChannelCredentials credentials) {
        this.credentials = credentials;
    }

    /** @param address of a member: nobody else's, or the map would have no bound */
    ManagedChannel to(HostPort address) {
        return byAddress.computeIfAbsent(
                address,
                to -> NettyChannelBuilder.forAddress(to.host(), to.port(), credentials)
                        .maxInboundMessageSize(WireLimits.MESSAGE_BYTES_MAX)
                        .build());
    }

    /** {@code host:port} with or without a scheme. @throws IllegalArgumentException if it is neither */
    static HostPort address(String url) {
        return HostPort.parse(url.contains("://") ? URI.create(url).getAuthority() : url);
    }

    @Override
    public void close() {
        byAddress.values().forEach(ManagedChannel::shutdownNow);
        byAddress.clear();
    }
}
