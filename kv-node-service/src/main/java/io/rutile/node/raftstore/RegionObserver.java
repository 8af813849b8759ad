package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import java.util.List;

/**
 * Who wants to hear about Regions of this store without being asked. Called on the raft room's threads: hand over, don't work.
 */
public interface RegionObserver {

    /** The replica began to lead, or its Region or membership changed while it leads. */
    void onLeaderNews(RegionPeer peer);

    /**
     * A Region that this store leads has grown too large.
     *
     * @param borders where to cut it, ascending
     */
    default void onSplitDue(RegionPeer peer, List<ByteKey> borders) {}
}
