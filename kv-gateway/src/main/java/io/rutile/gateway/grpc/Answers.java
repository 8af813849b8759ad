package io.rutile.gateway.grpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.PairConsumer;
import io.rutile.client.rpc.Futures;
import io.rutile.gateway.kv.BatchRead;
import io.rutile.gateway.kv.CallerGoneException;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.Failures;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.Watch;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.gateway.v1.WatchResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** Answers calls with the outcome of a future: one message, a batch read, a scan. Nobody waits; whoever completes the future sends. */
final class Answers {

    private Answers() {}

    /**
     * One message.
     *
     * @param call given the call's permit; may throw what its future may fail with
     * @param meaning what a failure means for this call
     */
    static <R> void one(
            StreamObserver<R> out, Function<Permit, CompletableFuture<R>> call, Function<Throwable, Failure> meaning) {
        ServerCallStreamObserver<R> answer = (ServerCallStreamObserver<R>) out;
        // Without a handler of its own, a call that is cancelled makes the sending throw.
        answer.setOnCancelHandler(() -> {});
        run(answer, CallGuard.current(), guard -> call.apply(guard.permit()), meaning, answer::onNext);
    }

    /** The values of a batch, in parts. The read as a whole is in memory, reserved. */
    static void batch(
            StreamObserver<BatchGetResponse> out,
            Function<Permit, CompletableFuture<BatchRead.Result>> call,
            Function<Throwable, Failure> meaning) {
        ServerCallStreamObserver<BatchGetResponse> answer = (ServerCallStreamObserver<BatchGetResponse>) out;
        CallGuard here = CallGuard.current();
        MessageStream<BatchGetResponse> stream = new MessageStream<>(answer, here);
        run(
                answer,
                here,
                guard -> call.apply(guard.permit()).thenCompose(result -> stream.send(Parts.of(result))),
                meaning,
                sent -> {});
    }

    /** A scan: one page is in memory, and the next one is fetched when the transport has taken the last. */
    static void scan(
            StreamObserver<ScanResponse> out,
            Function<PairConsumer, CompletableFuture<Void>> scanner,
            Function<Throwable, Failure> meaning) {
        ServerCallStreamObserver<ScanResponse> answer = (ServerCallStreamObserver<ScanResponse>) out;
        CallGuard here = CallGuard.current();
        MessageStream<ScanResponse> stream = new MessageStream<>(answer, here);
        run(answer, here, guard -> scanner.apply(page -> sendPage(page, stream, guard.permit())), meaning, done -> {});
    }

    /**
     * A watch: what comes next is taken when the transport has taken the last. It gives its place among the requests in flight back as soon
     * as it watches, for watchers have a bound of their own.
     */
    static void watch(StreamObserver<WatchResponse> out, Supplier<CompletableFuture<Watch>> opening) {
        ServerCallStreamObserver<WatchResponse> answer = (ServerCallStreamObserver<WatchResponse>) out;
        CallGuard here = CallGuard.current();
        MessageStream<WatchResponse> stream = new MessageStream<>(answer, here);
        run(
                answer,
                here,
                guard -> opening.get().thenCompose(watch -> {
                    guard.permit().close();
                    return watch.each(batch -> stream.send(Parts.of(batch, watch.range())))
                            .whenComplete((done, failure) -> watch.close());
                }),
                Failures::of,
                done -> {});
    }

    /** Fails with {@code BUSY} if the gateway holds too much already: this page is then the first thing it lets go. */
    private static CompletableFuture<Void> sendPage(
            List<Pair> page, MessageStream<ScanResponse> stream, Permit permit) {
        long bytes = page.stream().mapToLong(Parts::bytesOf).sum();
        try {
            permit.reserve(bytes);
        } catch (RuntimeException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        return stream.send(Parts.of(page)).whenComplete((sent, failure) -> permit.release(bytes));
    }

    private static <T, R> void run(
            ServerCallStreamObserver<R> answer,
            CallGuard guard,
            Function<CallGuard, CompletableFuture<T>> call,
            Function<Throwable, Failure> meaning,
            Consumer<T> last) {
        guard.hold();
        CompletableFuture<T> outcome;
        try {
            outcome = call.apply(guard);
        } catch (RuntimeException refused) {
            outcome = CompletableFuture.failedFuture(refused);
        }
        Futures.whenDone(outcome, (value, failure) -> {
            try {
                if (failure == null) {
                    // What the transport still has to send is the client's to take.
                    guard.waitForClient();
                    last.accept(value);
                    answer.onCompleted();
                } else if (!(Futures.causeOf(failure) instanceof CallerGoneException)) {
                    Failure told = meaning.apply(failure);
                    guard.waitForClient();
                    answer.onError(RpcErrors.of(told));
                }
            } finally {
                guard.letGo();
            }
        });
    }
}
