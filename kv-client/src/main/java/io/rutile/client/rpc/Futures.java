package io.rutile.client.rpc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this client adds to futures: failures without wrappers, and callbacks whose bugs are heard of. */
public final class Futures {

    private static final Logger LOG = LoggerFactory.getLogger(Futures.class);

    private Futures() {}

    /** The failure itself, without the wrapper of a dependent stage. */
    public static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }

    /** The same outcome; a failure reaches every kind of callback as it is. */
    public static <T> CompletableFuture<T> bare(CompletableFuture<T> stage) {
        CompletableFuture<T> bare = new CompletableFuture<>();
        whenDone(stage, bare, (value, failure) -> {
            if (failure == null) {
                bare.complete(value);
            } else {
                bare.completeExceptionally(causeOf(failure));
            }
        });
        return bare;
    }

    /** Goes on with one of two steps; the failure comes without wrappers. */
    public static <T, R> CompletableFuture<R> thenEither(
            CompletableFuture<T> stage,
            Function<? super T, CompletableFuture<R>> onValue,
            Function<Throwable, CompletableFuture<R>> onFailure) {
        CompletableFuture<R> result = new CompletableFuture<>();
        whenDone(stage, result, (value, failure) -> {
            CompletableFuture<R> next = failure == null ? onValue.apply(value) : onFailure.apply(causeOf(failure));
            whenDone(next, result, (outcome, second) -> {
                if (second == null) {
                    result.complete(outcome);
                } else {
                    result.completeExceptionally(causeOf(second));
                }
            });
        });
        return result;
    }

    /** Runs the callback with the outcome. If it throws, which is a bug, the owner fails: nobody waits for ever. */
    public static <T> void whenDone(
            CompletableFuture<T> stage, CompletableFuture<?> owner, BiConsumer<? super T, ? super Throwable> callback) {
        var unused = stage.whenComplete((value, failure) -> {
            try {
                callback.accept(value, failure);
            } catch (RuntimeException | Error bug) {
                owner.completeExceptionally(bug);
            }
        });
    }

    /** As above, for callbacks that nobody waits for: a bug goes to the log. */
    public static <T> void whenDone(CompletableFuture<T> stage, BiConsumer<? super T, ? super Throwable> callback) {
        var unused = stage.whenComplete((value, failure) -> {
            try {
                callback.accept(value, failure);
            } catch (RuntimeException bug) {
                LOG.error("action=callback_failed", bug);
            }
        });
    }
}
