package io.rutile.node.raftstore;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.storage.engine.ReplicaRead;
import org.jspecify.annotations.Nullable;

/** What this store's transactions have to say, where it leads, to reads that other replicas are about to serve (P4, P8). */
public interface LeaderLocks {

    /**
     * Raises max_ts to the read's version and looks at the locks in memory; must not block.
     *
     * @return the lock in the way, or null
     * @throws io.rutile.protocol.RegionException if the read is not acceptable
     */
    @Nullable LockInfo announce(ReplicaRead read);

    /**
     * Raises max_ts to a timestamp of the oracle and looks at the locks in memory; must not block.
     *
     * @param encoded the keys that it is about
     * @return the greatest timestamp, at most {@code ts}, that no commit timestamp chosen here will be at or below, unless its lock or
     *     record is stored by the time this returns
     * @throws io.rutile.protocol.RegionException if the timestamp is not acceptable
     */
    long settle(long ts, KeyRange encoded);
}
