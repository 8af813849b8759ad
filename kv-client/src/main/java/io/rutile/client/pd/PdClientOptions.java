package io.rutile.client.pd;

import java.time.Duration;
import java.util.List;

/**
 * How to reach PD.
 *
 * @param endpoints {@code host:port} of any members; a scheme in front is accepted and dropped
 * @param callTimeout how long one call may take, back-off and leader changes included
 * @param connectTimeout how long {@link PdClient#connect} looks for a member that answers
 */
public record PdClientOptions(List<String> endpoints, Duration callTimeout, Duration connectTimeout) {

    public PdClientOptions {
        endpoints = List.copyOf(endpoints);
        if (endpoints.isEmpty()) {
            throw new IllegalArgumentException("no PD endpoint given");
        }
    }

    public static PdClientOptions of(List<String> endpoints) {
        return new PdClientOptions(endpoints, Duration.ofSeconds(10), Duration.ofSeconds(30));
    }
}
