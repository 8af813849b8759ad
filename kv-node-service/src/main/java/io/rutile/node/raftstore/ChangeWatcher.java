package io.rutile.node.raftstore;

import io.rutile.protocol.KeyRange;
import java.util.List;

/** Who is told what becomes of a Region's transactional records, in the order of the log. See {@link RegionPeer#watch}. */
public interface ChangeWatcher {

    /** Stored keys that count; the same at every call. */
    KeyRange range();

    /**
     * Entries are applied and can be seen in the engine. On the group's apply thread: hand over, don't work.
     *
     * @param index of the last of them
     * @param changes in the range, in order; none if none of them is
     */
    void applied(long index, List<AppliedChange> changes);

    /** A batch that this watcher may have missed a part of has ended: {@link RegionPeer#tellsAll} may have become true. */
    void batchEnded();

    /**
     * Nothing more is told: the Region's range has changed, the replica doesn't lead any more, or is taken down. May be called more than
     * once, from any thread.
     */
    void ended();
}
