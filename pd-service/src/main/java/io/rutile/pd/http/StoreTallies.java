package io.rutile.pd.http;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.HashMap;
import java.util.Map;

/** What each store carries, counted over all Regions when somebody asks. */
final class StoreTallies {

    private final Map<Long, Counting> byStore = new HashMap<>();

    /**
     * One store's share.
     *
     * @param peersBytes sizes of its replicas
     * @param leadersBytes sizes of those that lead
     */
    record Tally(int peers, int leaders, int learners, int pendingPeers, long peersBytes, long leadersBytes) {}

    private static final class Counting {
        private int peers;
        private int leaders;
        private int learners;
        private int pending;
        private long peersBytes;
        private long leadersBytes;
    }

    private StoreTallies() {}

    static StoreTallies of(ClusterState cluster) {
        StoreTallies tallies = new StoreTallies();
        RegionWalk.over(cluster, tallies::count);
        return tallies;
    }

    Tally of(long storeId) {
        Counting counted = byStore.getOrDefault(storeId, new Counting());
        return new Tally(
                counted.peers,
                counted.leaders,
                counted.learners,
                counted.pending,
                counted.peersBytes,
                counted.leadersBytes);
    }

    private void count(RegionInfo region) {
        for (Peer peer : region.peers()) {
            Counting counted = byStore.computeIfAbsent(peer.getStoreId(), first -> new Counting());
            counted.peers++;
            counted.peersBytes += region.approximateSizeBytes();
            if (region.isLeader(peer)) {
                counted.leaders++;
                counted.leadersBytes += region.approximateSizeBytes();
            }
            if (peer.getRole() == PeerRole.Learner) {
                counted.learners++;
            }
            if (region.isPending(peer)) {
                counted.pending++;
            }
        }
    }
}
