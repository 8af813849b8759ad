package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * How one kind of command travels inside a BatchCommands frame.
 *
 * @param rpc what it does, the same as by itself
 * @param unwrap takes the request out of its place
 * @param wrap puts the answer into its place
 */
record BatchCommand<Q extends Message, R extends Message>(
        Rpc<Q, R> rpc,
        Function<BatchCommandsRequest.Request, Q> unwrap,
        BiConsumer<BatchCommandsResponse.Response.Builder, R> wrap) {

    CompletableFuture<BatchCommandsResponse.Response> call(BatchCommandsRequest.Request request, RpcScope scope) {
        return rpc.call(unwrap.apply(request), scope).thenApply(this::wrapped);
    }

    BatchCommandsResponse.Response refuse(Throwable why, RpcScope scope) {
        return wrapped(rpc.refuse(why, scope));
    }

    private BatchCommandsResponse.Response wrapped(R answer) {
        BatchCommandsResponse.Response.Builder response = BatchCommandsResponse.Response.newBuilder();
        wrap.accept(response, answer);
        return response.build();
    }
}
