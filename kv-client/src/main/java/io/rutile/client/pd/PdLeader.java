package io.rutile.client.pd;

import io.grpc.ManagedChannel;
import io.rutile.client.rpc.Endpoint;
import org.jspecify.annotations.Nullable;

/**
 * The member that leads PD, as far as this client knows.
 *
 * @param endpoint where it listens
 * @param channel shared with every call to it; not the caller's to close
 */
record PdLeader(Endpoint endpoint, ManagedChannel channel) {

    boolean isAt(@Nullable Endpoint other) {
        return endpoint.equals(other);
    }
}
