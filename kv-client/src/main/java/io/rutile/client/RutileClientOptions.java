package io.rutile.client;

import java.time.Duration;
import java.util.List;

/**
 * How to open a client.
 *
 * @param pdEndpoints {@code host:port} of any PD members
 * @param callTimeout one deadline for a call, retries included, where the call names none of its own
 * @param connectTimeout how long opening the client may take
 * @param channelsPerStore HTTP/2 connections to each store, 1 to 16
 */
public record RutileClientOptions(
        List<String> pdEndpoints, Duration callTimeout, Duration connectTimeout, int channelsPerStore) {

    public RutileClientOptions {
        pdEndpoints = List.copyOf(pdEndpoints);
        if (callTimeout.isNegative() || callTimeout.isZero()) {
            throw new IllegalArgumentException("callTimeout must be positive: " + callTimeout);
        }
        if (connectTimeout.isNegative() || connectTimeout.isZero()) {
            throw new IllegalArgumentException("connectTimeout must be positive: " + connectTimeout);
        }
        if (channelsPerStore < 1 || channelsPerStore > 16) {
            throw new IllegalArgumentException("channelsPerStore must be 1 to 16: " + channelsPerStore);
        }
    }

    public static RutileClientOptions of(List<String> pdEndpoints) {
        return new RutileClientOptions(pdEndpoints, Duration.ofSeconds(10), Duration.ofSeconds(30), 2);
    }
}
