package io.rutile.pd.cluster;

import io.rutile.protocol.metapb.Peer;

/** The Regions on one store and what they add up to. Not safe for concurrent use; {@link RegionTree} owns one a store. */
final class StoreRegions {

    private final IdSet leaders = new IdSet();
    private final IdSet followers = new IdSet();
    private int pendingPeers;
    private long peersMib;
    private long leadersMib;
    private long leadersFlow;

    void add(RegionInfo region, Peer peer) {
        peersMib += region.sizeMib();
        if (region.isLeader(peer)) {
            leaders.add(region.id());
            leadersMib += region.sizeMib();
            leadersFlow += region.flow().bytesPerSecond();
        } else {
            followers.add(region.id());
        }
        pendingPeers += region.isPending(peer) ? 1 : 0;
    }

    void remove(RegionInfo region, Peer peer) {
        peersMib -= region.sizeMib();
        if (region.isLeader(peer)) {
            leaders.remove(region.id());
            leadersMib -= region.sizeMib();
            leadersFlow -= region.flow().bytesPerSecond();
        } else {
            followers.remove(region.id());
        }
        pendingPeers -= region.isPending(peer) ? 1 : 0;
    }

    /** A Region that is led here reads and writes so much more, or less, than before. */
    void flowMoved(long bytesPerSecond) {
        leadersFlow += bytesPerSecond;
    }

    IdSet leaders() {
        return leaders;
    }

    IdSet followers() {
        return followers;
    }

    StoreLoad load() {
        return new StoreLoad(
                leaders.size() + followers.size(), leaders.size(), pendingPeers, peersMib, leadersMib, leadersFlow);
    }
}
