package io.rutile.node.rpc;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Bounds of the door, against callers that mean well and others (E1, R10).
 *
 * @param listen where to listen; port 0 picks a free one
 * @param threads that run handlers
 * @param timeoutDefault for a request without a deadline
 * @param timeoutMax longest wait that a request may ask for
 * @param connectionsMax open connections; more are closed as they come
 * @param connectionsPerAddressMax the same for one remote address
 * @param handshakeTimeout after which a connection that has not said what it wants is closed
 * @param slowThreshold from which on a request is logged as slow; zero for never
 */
public record RpcOptions(
        InetSocketAddress listen,
        int threads,
        Duration timeoutDefault,
        Duration timeoutMax,
        int connectionsMax,
        int connectionsPerAddressMax,
        Duration handshakeTimeout,
        Duration slowThreshold) {

    public RpcOptions {
        if (threads < 1 || connectionsMax < 1 || connectionsPerAddressMax < 1) {
            throw new IllegalArgumentException("threads and connection bounds must be positive");
        }
    }

    public static RpcOptions of(InetSocketAddress listen) {
        return new RpcOptions(
                listen,
                Math.max(4, 2 * Runtime.getRuntime().availableProcessors()),
                Duration.ofSeconds(20),
                Duration.ofSeconds(60),
                4_096,
                2_048,
                Duration.ofSeconds(10),
                Duration.ofMillis(500));
    }
}
