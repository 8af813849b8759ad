package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a request is checked against: one replica as it is at this moment. */
interface ReplicaView {

    Region region();

    /** The replica on this store. */
    long peerId();

    /** True if it may serve: leads, has applied an entry of its own term, and is not handing leadership over. */
    boolean isLeader();

    /** Who leads as far as this replica knows, or null during an election. */
    @Nullable Peer leader();

    long term();

    /**
     * This Region, and those beside it that were cut off since it had an older version; in key order.
     *
     * @param version what the asker knows
     */
    List<Region> regionsSince(long version);
}
