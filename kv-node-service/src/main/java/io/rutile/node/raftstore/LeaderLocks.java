package io.rutile.node.raftstore;

import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.storage.engine.ReplicaRead;
import org.jspecify.annotations.Nullable;

/** What this store's transactions have to say, where it leads, to a read that another replica is about to serve (P4). */
@FunctionalInterface
public interface LeaderLocks {

    /**
     * Raises max_ts to the read's version and looks at the locks in memory; must not block.
     *
     * @return the lock in the way, or null
     * @throws io.rutile.protocol.RegionException if the read is not acceptable
     */
    @Nullable LockInfo announce(ReplicaRead read);
}
