package io.rutile.node.rpc;

import com.google.protobuf.Message;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.RequestTimes;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
 * @param replayable false if a second try differs from the first: then nobody is told to try again when time has run out
 */
record Rpc<Q extends Message, R extends Message>(
        String name,
        Function<Q, Context> context,
        BiFunction<KvContext, Q, CompletableFuture<R>> serve,
        R prototype,
        boolean replayable) {

    Rpc(String name, Function<Q, Context> context, BiFunction<KvContext, Q, CompletableFuture<R>> serve, R prototype) {
        this(name, context, serve, prototype, true);
    }

    /**
     * Serves a request; completes with an answer whatever happens.
     *
     * @throws ClusterMismatchException if the request was meant for another cluster: no answer of this kind could say so
     */
    CompletableFuture<R> call(Q request, RpcScope scope) {
        Context asked = context.apply(request);
        scope.requireCluster(asked);
        long started = System.nanoTime();
        RpcTraces.Request trace = scope.traces().begin(name, asked);
        KvContext ctx = KvContext.of(asked, scope.deadlineNanos(asked), new RequestTimes(trace));
        CompletableFuture<R> served;
        try {
            served = withDeadline(serve.apply(ctx, request), ctx);
        } catch (RuntimeException e) {
            served = CompletableFuture.failedFuture(e);
        }
        return served.handle((answer, failure) -> {
            R out = failure == null ? answer : RpcErrors.answer(this, scope.storeId(), failure);
            String kind = AnswerErrors.kind(out);
            long tookNanos = System.nanoTime() - started;
            scope.metrics().answered(name, tookNanos, kind);
            scope.slow().answered(name, ctx, tookNanos, request, out, kind);
            if (trace != null) {
                trace.answered(kind);
            }
            return out;
        });
    }

    /** Nobody waits longer than the request allows; what it has begun goes on to its end. */
    private static <T> CompletableFuture<T> withDeadline(CompletableFuture<T> served, KvContext ctx) {
        return served.isDone()
                ? served
                : served.copy().orTimeout(Math.max(0, ctx.deadlineNanos() - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    /** The answer of this kind for a failure that came before the call. */
    R refuse(Throwable why, RpcScope scope) {
        R out = RpcErrors.answer(this, scope.storeId(), why);
        scope.metrics().answered(name, 0, AnswerErrors.kind(out));
        return out;
    }
}
