package io.rutile.gateway.rest;

import io.rutile.gateway.kv.Deadline;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A write that takes place only if its precondition holds for the value it replaces: read, check, compare-and-swap with exactly
 * what was checked. If another writer came between, what it left is checked in its turn.
 *
 * <p>So a tag is never compared with a value other than the one that is replaced, and the write is as linearizable as the
 * compare-and-swap. A swap that may have been carried out is not repeated: its failure goes to the caller.
 *
 * @param update the new value, null to delete
 */
@SuppressWarnings("ArrayRecordComponent") // The value is shared, not copied, and never compared here.
record ConditionalWrite(
        KvOperations kv,
        ByteKey key,
        Precondition precondition,
        byte @Nullable [] update,
        Duration ttl,
        Deadline deadline) {

    /** How often another writer may come between before the caller is told that the key is contended. */
    private static final int ATTEMPTS_MAX = 16;

    /** What was there before the write. Fails with {@code precondition-failed} if the precondition does not hold. */
    CompletableFuture<Optional<byte[]>> run() {
        return precondition.wantsNothing() && update != null
                ? swap(null, 1)
                : kv.get(key, deadline).thenCompose(current -> swap(current.orElse(null), 1));
    }

    private CompletableFuture<Optional<byte[]>> swap(byte @Nullable [] current, int attempt) {
        if (!precondition.holds(current)) {
            return CompletableFuture.failedFuture(ProblemType.PRECONDITION_FAILED.because(
                    current == null ? "the key is not there" : "the value has the tag " + EntityTag.of(current)));
        }
        if (current == null && update == null) {
            return CompletableFuture.completedFuture(Optional.empty());
        }
        if (attempt > ATTEMPTS_MAX) {
            return CompletableFuture.failedFuture(ProblemType.BUSY.because(
                    "other writers changed the key " + ATTEMPTS_MAX + " times in between; nothing was written"));
        }
        return kv.compareAndSwap(key, current, update, ttl, deadline)
                .thenCompose(result -> result.succeeded()
                        ? CompletableFuture.completedFuture(Optional.ofNullable(current))
                        : swap(result.previous(), attempt + 1));
    }
}
