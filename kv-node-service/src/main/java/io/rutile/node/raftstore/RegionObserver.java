package io.rutile.node.raftstore;

/**
 * Who wants to hear about Regions of this store without being asked. Called on the raft room's threads: hand over, don't work.
 */
public interface RegionObserver {

    /** The replica began to lead, or its Region or membership changed while it leads. */
    void onLeaderNews(RegionPeer peer);
}
