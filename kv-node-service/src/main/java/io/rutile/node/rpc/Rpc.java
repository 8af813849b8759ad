package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.engine.KvContext;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * One unary RPC as a value: where its request says which Region it is for, what serves it, and what an empty answer looks like.
 * The gRPC method and the command of a BatchCommands stream share it.
 *
 * @param name as the protocol spells the method
 * @param context the request's context
 * @param serve completes with the answer or fails
 * @param prototype an answer of this kind, to build failures from
 */
record Rpc<Q extends Message, R extends Message>(
        String name, Function<Q, Context> context, BiFunction<KvContext, Q, CompletableFuture<R>> serve, R prototype) {

    /**
     * Serves a request; completes with an answer whatever happens.
     *
     * @throws ClusterMismatchException if the request was meant for another cluster: no answer of this kind could say so
     */
    CompletableFuture<R> call(Q request, RpcScope scope) {
        Context asked = context.apply(request);
        scope.requireCluster(asked);
        long started = System.nanoTime();
        CompletableFuture<R> served;
        try {
            served = serve.apply(KvContext.of(asked, scope.deadlineNanos(asked)), request);
        } catch (RuntimeException e) {
            served = CompletableFuture.failedFuture(e);
        }
        return served.handle((answer, failure) -> {
            R out = failure == null ? answer : RpcErrors.answer(prototype, scope.storeId(), failure);
            scope.metrics().answered(name, started, RpcErrors.kind(out));
            return out;
        });
    }

    /** The answer of this kind for a failure that came before the call. */
    R refuse(Throwable why, RpcScope scope) {
        R out = RpcErrors.answer(prototype, scope.storeId(), why);
        scope.metrics().answered(name, System.nanoTime(), RpcErrors.kind(out));
        return out;
    }
}
