package io.rutile.gateway.rest;

import java.time.Duration;
import java.util.Map;

/**
 * What the edge has to be told.
 *
 * @param timeoutDefault deadline of a call that names none
 * @param timeoutMax longest deadline that a call may name
 * @param bodyTimeout how long a body may take to arrive, at least a second
 * @param version of the gateway, for people
 * @param links where a visitor may go from {@code /}, by what is there
 */
public record RestSettings(
        Duration timeoutDefault, Duration timeoutMax, Duration bodyTimeout, String version, Map<String, String> links) {

    public RestSettings {
        links = Map.copyOf(links);
    }
}
