package io.rutile.client.rpc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Keeps the wrappers that futures put around failures away from callers. */
public final class Failures {

    private Failures() {}

    /** The failure itself, without the wrapper of a dependent stage. */
    public static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }

    /** The same outcome; a failure reaches every kind of callback as it is. */
    public static <T> CompletableFuture<T> bare(CompletableFuture<T> stage) {
        CompletableFuture<T> bare = new CompletableFuture<>();
        stage.whenComplete((value, failure) -> {
            if (failure == null) {
                bare.complete(value);
            } else {
                bare.completeExceptionally(causeOf(failure));
            }
        });
        return bare;
    }
}
