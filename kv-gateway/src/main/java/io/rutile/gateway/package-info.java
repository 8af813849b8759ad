/**
 * The gateway as a Spring Boot application: configuration, wiring, health. What it does is in {@code rest} and {@code
 * grpc} (the edges) and {@code kv} (the one front door under both).
 *
 * <p>Rule: {@code rest, grpc → kv → kv-client}; Spring stays here and in the edges. Threads: none of its own.
 */
@NullMarked
package io.rutile.gateway;

import org.jspecify.annotations.NullMarked;
