package io.rutile.client.rpc;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.ChannelOption;
import io.rutile.protocol.WireLimits;
import io.rutile.tls.TransportSecurity;
import java.util.concurrent.TimeUnit;

/**
 * Opens gRPC channels that notice a dead peer soon: short connects, pings every ten seconds (gRPC's shortest), no repeats inside
 * gRPC, because only the caller knows what may be repeated.
 */
public final class Channels {

    private static final int CONNECT_TIMEOUT_MS = 2_000;
    private static final int KEEP_ALIVE_MS = 10_000;
    private static final long IDLE_MS = TimeUnit.MINUTES.toMillis(10);
    private static final int KEEP_ALIVE_TIMEOUT_MS = 2_000;

    /** A page of a scan may end with a value as large as the page was allowed to be. */
    private static final int INBOUND_BYTES_MAX = 2 * WireLimits.MESSAGE_BYTES_MAX;

    private Channels() {}

    /** Over plaintext. @see #open(Endpoint, ChannelCredentials) */
    public static ManagedChannel open(Endpoint endpoint) {
        return open(endpoint, TransportSecurity.PLAINTEXT.channels());
    }

    /**
     * Opens without connecting: the first call connects. The caller closes it.
     *
     * @param credentials how the connection is secured
     */
    public static ManagedChannel open(Endpoint endpoint, ChannelCredentials credentials) {
        return NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port(), credentials)
                .disableRetry()
                .idleTimeout(IDLE_MS, TimeUnit.MILLISECONDS)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MS)
                .keepAliveTime(KEEP_ALIVE_MS, TimeUnit.MILLISECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_MS, TimeUnit.MILLISECONDS)
                .maxInboundMessageSize(INBOUND_BYTES_MAX)
                .build();
    }
}
