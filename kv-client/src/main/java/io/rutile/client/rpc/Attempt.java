package io.rutile.client.rpc;

import java.util.concurrent.CompletableFuture;

/** One attempt at a request, never repeated by itself. */
public interface Attempt<R> {

    /** The response, or a {@link io.grpc.StatusRuntimeException}. */
    CompletableFuture<R> response();

    /** False only if it is certain that the server never saw the request. Final once the response is complete. */
    boolean mayHaveArrived();
}
