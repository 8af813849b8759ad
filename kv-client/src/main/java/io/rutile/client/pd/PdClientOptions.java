package io.rutile.client.pd;

import io.grpc.ChannelCredentials;
import io.rutile.tls.TransportSecurity;
import java.time.Duration;
import java.util.List;

/**
 * How to reach PD.
 *
 * @param endpoints {@code host:port} of any members; a scheme in front is accepted and dropped
 * @param callTimeout how long one call may take, back-off and leader changes included
 * @param connectTimeout how long {@link PdClient#connect} looks for a member that answers
 * @param credentials how connections are secured
 */
public record PdClientOptions(
        List<String> endpoints, Duration callTimeout, Duration connectTimeout, ChannelCredentials credentials) {

    public PdClientOptions {
        endpoints = List.copyOf(endpoints);
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no PD endpoint given");
        }
    }

    /** Over plaintext. */
    public PdClientOptions(List<String> endpoints, Duration callTimeout, Duration connectTimeout) {
        this(endpoints, callTimeout, connectTimeout, TransportSecurity.PLAINTEXT.channels());
    }

    public static PdClientOptions of(List<String> endpoints) {
        return new PdClientOptions(endpoints, Duration.ofSeconds(10), Duration.ofSeconds(30));
    }
}
