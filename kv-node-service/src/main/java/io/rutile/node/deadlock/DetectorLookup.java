package io.rutile.node.deadlock;

import io.rutile.client.rpc.Endpoint;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Who keeps the cluster's graph. */
@FunctionalInterface
public interface DetectorLookup {

    /** Where the store that leads the first Region listens; empty while that is not known, or if it is this one. */
    CompletableFuture<Optional<Endpoint>> find();
}
