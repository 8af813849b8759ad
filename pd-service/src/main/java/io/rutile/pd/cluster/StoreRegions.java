package io.rutile.pd.cluster;

import io.rutile.protocol.metapb.Peer;

/** The Regions on one store and what they add up to. Not safe for concurrent use; {@link RegionTree} owns one a store. */
final class StoreRegions {

    private final IdSet leaders = new IdSet();
    private final IdSet followers = new IdSet();
    private int pendingPeers;
    private long peersBytes;
    private long leadersBytes;
    private long leadersFlow;

    void add(RegionInfo region, Peer peer) {
        peersBytes += region.sizeBytes();
        if (region.isLeader(peer)) {
            leaders.add(region.id());
            leadersBytes += region.sizeBytes();
            leadersFlow += region.flow().bytesPerSecond();
        } else {
            followers.add(region.id());
        }
        pendingPeers += region.isPending(peer) ? 1 : 0;
    }

    void remove(RegionInfo region, Peer peer) {
        peersBytes -= region.sizeBytes();
        if (region.isLeader(peer)) {
            leaders.remove(region.id());
            leadersBytes -= region.sizeBytes();
            leadersFlow -= region.flow().bytesPerSecond();
        } else {
            followers.remove(region.id());
        }
        pendingPeers -= region.isPending(peer) ? 1 : 0;
    }

    /** A Region that is here is so much larger, and reads and writes so much more, than was said before. */
    void reestimated(boolean isLeader, long bytes, long bytesPerSecond) {
        peersBytes += bytes;
        if (isLeader) {
            leadersBytes += bytes;
            leadersFlow += bytesPerSecond;
        }
    }

    IdSet leaders() {
        return leaders;
    }

    IdSet followers() {
        return followers;
    }

    StoreLoad load() {
        return new StoreLoad(
                leaders.size() + followers.size(), leaders.size(), pendingPeers, peersBytes, leadersBytes, leadersFlow);
    }
}
