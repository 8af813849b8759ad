package io.rutile.storage.command;

import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Whether a transaction that begins to wait closes a circle. One graph serves the whole cluster: where it is kept is the
 * implementation's matter. Best effort: an edge that is lost costs one lock wait's time-out, never correctness. Safe from every
 * thread; never blocks.
 */
public interface DeadlockDetection {

    /**
     * Adds an edge, unless it closes a circle.
     *
     * @return the circle, null if there is none; fails if the graph cannot be reached
     */
    CompletableFuture<@Nullable DeadlockResponse> detect(WaitForEntry edge);

    /** The wait has ended. */
    void forget(WaitForEntry edge);
}
