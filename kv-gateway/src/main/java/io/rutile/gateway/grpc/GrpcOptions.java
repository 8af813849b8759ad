package io.rutile.gateway.grpc;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Bounds of the gRPC port (E1, R10).
 *
 * @param listen where to listen; port 0 picks a free one
 * @param threads that run the beginnings of calls, at least 1
 * @param timeoutDefault for a call without a deadline
 * @param timeoutMax longest time that the cluster is given for a call, whatever its deadline
 * @param clientTimeout how long a call waits for its client: for the request to arrive, or for the client to read on
 * @param handshakeTimeout after which a connection that has not spoken HTTP/2 is closed
 * @param connectionsMax open connections; for one more, one that has not spoken yet is closed, or the new one
 * @param streamsPerConnectionMax calls at the same time on one connection
 * @param healthIsOpen whether health checks are answered to callers that are not known
 */
public record GrpcOptions(
        InetSocketAddress listen,
        int threads,
        Duration timeoutDefault,
        Duration timeoutMax,
        Duration clientTimeout,
        Duration handshakeTimeout,
        int connectionsMax,
        int streamsPerConnectionMax,
        boolean healthIsOpen) {

    public GrpcOptions {
        if (threads < 1 || connectionsMax < 1 || streamsPerConnectionMax < 1) {
            throw new IllegalArgumentException("threads and bounds are at least 1: threads=" + threads
                    + " connectionsMax=" + connectionsMax + " streamsPerConnectionMax=" + streamsPerConnectionMax);
        }
    }

    /** Handlers are short: a few threads keep every core busy. */
    public static int threadsFor(int cores) {
        return Math.max(4, 2 * cores);
    }
}
