package io.rutile.pd.cluster;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.PeerStats;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Region as its leader last described it.
 *
 * @param region range, epoch, peers
 * @param leader null if nobody led when it was described
 * @param downPeers peers that the leader has not heard of for long
 * @param pendingPeers peers that are still catching up
 * @param term Raft term of the description, 0 if it was not said
 * @param approximateSizeBytes as estimated by the leader's store
 * @param approximateKeys as estimated by the store
 * @param flow what went through it since the description before
 */
public record RegionInfo(
        Region region,
        @Nullable Peer leader,
        List<PeerStats> downPeers,
        List<Peer> pendingPeers,
        long term,
        long approximateSizeBytes,
        long approximateKeys,
        RegionFlow flow) {

    /**
     * What an empty Region counts as. Far less than what Regions grow to, so that it decides only between stores of which the one has
     * many empty ones; never rounded up to whole MiB, or Regions of half a MiB would be spread by number instead of by size.
     */
    private static final long SIZE_BYTES_MIN = 256 << 10;

    /** Without a word on what went through it. */
    public RegionInfo(
            Region region,
            @Nullable Peer leader,
            List<PeerStats> downPeers,
            List<Peer> pendingPeers,
            long term,
            long approximateSizeBytes,
            long approximateKeys) {
        this(region, leader, downPeers, pendingPeers, term, approximateSizeBytes, approximateKeys, RegionFlow.NONE);
    }

    public static RegionInfo of(RegionHeartbeatRequest heartbeat) {
        return new RegionInfo(
                heartbeat.getRegion(),
                heartbeat.hasLeader() && heartbeat.getLeader().getId() != 0 ? heartbeat.getLeader() : null,
                heartbeat.getDownPeersList(),
                heartbeat.getPendingPeersList(),
                heartbeat.getTerm(),
                heartbeat.getApproximateSize(),
                heartbeat.getApproximateKeys(),
                RegionFlow.of(heartbeat));
    }

    /** As it was bootstrapped: nobody leads yet. */
    public static RegionInfo leaderless(Region region) {
        return new RegionInfo(region, null, List.of(), List.of(), 0, 0, 0);
    }

    public long id() {
        return region.getId();
    }

    public RegionEpoch epoch() {
        return region.getRegionEpoch();
    }

    public KeyRange range() {
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    /** For adding up, in bytes: an empty Region is not nothing, it costs a Raft group. */
    public long sizeBytes() {
        return Math.max(SIZE_BYTES_MIN, approximateSizeBytes);
    }

    /** As people and tools are told: 0 is empty, and less than 1 MiB is 1. */
    public long approximateSizeMib() {
        return approximateSizeBytes == 0 ? 0 : Math.max(1, approximateSizeBytes >> 20);
    }

    public ByteKey startKey() {
        return ByteKey.of(region.getStartKey());
    }

    public List<Peer> peers() {
        return region.getPeersList();
    }

    public @Nullable Peer peerOn(long storeId) {
        for (Peer peer : region.getPeersList()) {
            if (peer.getStoreId() == storeId) {
                return peer;
            }
        }
        return null;
    }

    public boolean isPending(Peer peer) {
        return pendingPeers.stream().anyMatch(pending -> pending.getId() == peer.getId());
    }

    /** For how long its leader has not heard of it; 0 if it has of late. */
    public long downSeconds(Peer peer) {
        for (PeerStats down : downPeers) {
            if (down.getPeer().getId() == peer.getId()) {
                return Math.max(1, down.getDownSeconds());
            }
        }
        return 0;
    }

    public boolean isLeader(Peer peer) {
        return leader != null && leader.getId() == peer.getId();
    }
}
