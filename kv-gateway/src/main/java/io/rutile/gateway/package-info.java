/**
 * The gateway as a Spring Boot application: configuration, wiring, health. What it does is in {@code rest} (the edge) and {@code
 * kv} (the one front door under every edge).
 *
 * <p>Rule: {@code rest, grpc → kv → kv-client}; Spring stays here and in the edges. Threads: none of its own.
 */
@NullMarked
package io.rutile.gateway;

import org.jspecify.annotations.NullMarked;
