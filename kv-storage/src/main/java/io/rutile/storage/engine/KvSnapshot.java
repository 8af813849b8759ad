package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import org.jspecify.annotations.Nullable;

/**
 * One consistent moment of a Region (or of a whole engine). Safe from one thread at a time; must be closed.
 */
public interface KvSnapshot extends AutoCloseable {

    /** The term of the leader that gave it, 0 where there is no Raft. */
    long term();

    /**
     * Whether max_ts has been raised past every read that an earlier leader may have served (P4). While it is false nobody here may
     * choose a commit timestamp.
     */
    boolean maxTsSynced();

    /** The keys that it can answer for. */
    KeyRange range();

    /**
     * Reads one key.
     *
     * @return the value, or null
     * @throws io.rutile.protocol.RegionException {@code KeyNotInRegion} if the key is outside {@link #range}
     */
    byte @Nullable [] get(Cf cf, ByteKey key);

    /**
     * Whether reads may wait for the disk, from now on: they may at first. One that may not, by {@link #get} or by a cursor that is opened
     * meanwhile, fails with {@link NotCachedException} where it would have to. What holds everything in memory needn't know.
     */
    default void mayWaitForDisk(boolean may) {}

    /** A cursor that sees only keys inside {@code bounds} and inside {@link #range}. The caller closes it before the snapshot. */
    KvCursor cursor(Cf cf, KeyRange bounds);

    /** The same for a background pass: what it reads doesn't push out of the cache what clients read. */
    default KvCursor coldCursor(Cf cf, KeyRange bounds) {
        return cursor(cf, bounds);
    }

    @Override
    void close();
}
