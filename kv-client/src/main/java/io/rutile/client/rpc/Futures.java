package io.rutile.client.rpc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;
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
