package io.rutile.node.raftstore;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.storage.engine.ReplicaRead;
import org.jspecify.annotations.Nullable;

/** A store without transactions. */
class NoLocks implements LeaderLocks {

    @Override
    public @Nullable LockInfo announce(ReplicaRead read) {
        return null;
    }

    @Override
    public long settle(long ts, KeyRange encoded) {
        return ts;
    }

    /** Of a replica, with room for all. */
    static AppliedLocks applied() {
        return new AppliedLocks(
                new LockBudget(StaleReadOptions.DEFAULT.lockBytesMax(), new SimpleMeterRegistry()), System::nanoTime);
    }
}
