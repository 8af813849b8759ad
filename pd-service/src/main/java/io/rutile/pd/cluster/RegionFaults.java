package io.rutile.pd.cluster;

/**
 * How many Regions are not as they should be, as their leaders' last heartbeats had them.
 *
 * @param missPeer with fewer peers than replicas are wanted
 * @param downPeer with a peer that the leader has not heard of for long
 * @param pendingPeer with a peer that is still catching up
 */
public record RegionFaults(int missPeer, int downPeer, int pendingPeer) {

    /** Walks over all Regions, a batch at a time. */
    public static RegionFaults of(ClusterState cluster) {
        int[] counts = new int[3];
        cluster.visitRegions(region -> {
            counts[0] += isMissingPeer(region, cluster) ? 1 : 0;
            counts[1] += hasDownPeer(region) ? 1 : 0;
            counts[2] += hasPendingPeer(region) ? 1 : 0;
        });
        return new RegionFaults(counts[0], counts[1], counts[2]);
    }

    public static boolean isMissingPeer(RegionInfo region, ClusterState cluster) {
        return region.peers().size() < cluster.maxReplicas();
    }

    public static boolean hasDownPeer(RegionInfo region) {
        return !region.downPeers().isEmpty();
    }

    public static boolean hasPendingPeer(RegionInfo region) {
        return !region.pendingPeers().isEmpty();
    }
}
