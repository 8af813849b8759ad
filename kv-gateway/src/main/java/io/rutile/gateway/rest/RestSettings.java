package io.rutile.gateway.rest;

import java.time.Duration;
import java.util.Map;

/**
 * What the edge has to be told.
 *
 * @param timeoutDefault deadline of a call that names none
 * @param timeoutMax longest deadline that a call may name
 * @param bodyTimeout how long a body may take to arrive, at least a second
 * @param busyConnectionsMax connections in the middle of a request at the same time, at least 1
 * @param http2ConnectionsMax connections that speak HTTP/2 at the same time; 0 if none may
 * @param answerPatience how long a client may take nothing of its answer
 * @param threadsMax of the container, at least 1
 * @param asksCallers whether callers have to say who they are
 * @param version of the gateway, for people
 * @param links where a visitor may go from {@code /}, by what is there
 */
public record RestSettings(
        Duration timeoutDefault,
        Duration timeoutMax,
        Duration bodyTimeout,
        int busyConnectionsMax,
        int http2ConnectionsMax,
        Duration answerPatience,
        int threadsMax,
        boolean asksCallers,
        String version,
        Map<String, String> links) {

    /** What a connection holds while it is in the middle of a request, bodies and answers not counted. */
    public static final int BUSY_CONNECTION_BYTES = 48 << 10;

    /** What a connection that speaks HTTP/2 holds at most. */
    public static final int HTTP2_CONNECTION_BYTES = BoundedHttp2.CONNECTION_BYTES_MAX;

    public RestSettings {
        links = Map.copyOf(links);
    }
}
