package io.rutile.storage.engine;

import java.util.concurrent.CompletableFuture;

/**
 * The seam: consistent reads and replicated writes of one Region, whatever replicates them.
 *
 * <p>Futures fail with {@link io.rutile.protocol.RegionException} for every reason that a client can act on. They complete on
 * the implementation's threads: hand over, don't work. Reads that touch the disk belong on the caller's own pool.
 */
public interface ReplicatedKv {

    /**
     * A snapshot of the Region that {@code ctx} names, that is at least as new as the moment of this call (R7). The caller closes
     * it.
     *
     * <p>With {@link KvContext#replicaRead} it may come from another replica than the leader, and then it may fail with {@link
     * LockedByLeaderException}: the leader has raised max_ts and looked at its locks in memory before that replica looked (P4).
     *
     * <p>With one that is {@linkplain ReplicaRead#stale stale} it may be older than this call, but holds everything that is or ever will
     * be committed at or below the version; locks in it are those of transactions that commit above. If that can't be promised it
     * fails with {@code DataIsNotReady} (P8).
     */
    CompletableFuture<KvSnapshot> snapshot(KvContext ctx);

    /**
     * Applies a batch to the Region that {@code ctx} names, all of it or nothing. Completes when it is durable on a majority and
     * applied here (R8).
     *
     * <p>Fails with {@code KeyNotInRegion} if a key lies outside the Region, an open or too far end of a range delete too
     * ({@link WriteBatch#firstKeyOutside}).
     *
     * <p>Once proposed, the write's future completes when its fate is known here: applied, or sure never to be applied in this
     * leader's term. It does not complete merely because the deadline has passed: whoever holds a latch must not let the next
     * reader in while the write may still take effect (P1). The deadline only decides whether it is proposed at all.
     *
     * <p>If the batch was decided on a snapshot, {@code ctx} must be {@link KvContext#decidedOn} that snapshot: the write then
     * fails if leadership has changed in between.
     */
    CompletableFuture<Void> write(KvContext ctx, WriteBatch batch);
}
