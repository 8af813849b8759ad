package io.rutile.node.raftstore;

import io.rutile.raft.RaftOptions;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Bounds of a {@link RaftStore}.
 *
 * @param identity whose data this is
 * @param raft the raft room's own options; its store id and cluster id are those of {@code identity}
 * @param imageDir where received images wait to be applied; on the engine's file system
 * @param pendingBytesMax bytes of writes between propose and apply, over all Regions
 * @param split when Regions are split
 * @param mergePatience how long a prepared merge waits for the word of every replica before it is called off
 * @param consistency how replicas are compared
 * @param staleReads how stale reads are kept possible
 * @param heldMax requests held at a time while a leader takes over or hands over
 */
public record RaftStoreOptions(
        StoreIdentity identity,
        RaftOptions raft,
        Path imageDir,
        long pendingBytesMax,
        SplitOptions split,
        Duration mergePatience,
        ConsistencyOptions consistency,
        StaleReadOptions staleReads,
        int heldMax) {

    /** Longer than a replica needs that is well, shorter than clients wait. */
    public static final Duration MERGE_PATIENCE = Duration.ofSeconds(10);

    public RaftStoreOptions {
        if (raft.storeId() != identity.storeId() || raft.clusterId() != identity.clusterId()) {
            throw new IllegalArgumentException("raft options of another store: " + raft.storeId());
        }
        if (pendingBytesMax <= 0 || heldMax <= 0) {
            throw new IllegalArgumentException("bounds must be positive");
        }
    }
}
