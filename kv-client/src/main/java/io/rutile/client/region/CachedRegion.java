package io.rutile.client.region;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Region as this client believes it to be.
 *
 * @param region range, epoch and peers
 * @param range the Region's range
 * @param leader who led when we last heard, null if nobody said
 */
public record CachedRegion(
        Region region, KeyRange range, @Nullable Peer leader) {

    static CachedRegion of(Region region, @Nullable Peer leader) {
        KeyRange range = new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
        return new CachedRegion(region, range, leader);
    }

    long id() {
        return region.getId();
    }

    /** True if the anchor lies in this Region. */
    boolean holds(Anchor anchor) {
        if (!anchor.below()) {
            return range.contains(anchor.key());
        }
        if (anchor.key().isEmpty()) {
            return range.end().isEmpty();
        }
        return range.start().compareTo(anchor.key()) < 0
                && (range.end().isEmpty() || anchor.key().compareTo(range.end()) <= 0);
    }

    /** Peers that can lead. */
    List<Peer> candidates() {
        return region.getPeersList().stream()
                .filter(p -> p.getRole() != PeerRole.Learner && !p.getIsWitness())
                .toList();
    }

    /** Peers that hold data. */
    List<Peer> holders() {
        return region.getPeersList().stream().filter(p -> !p.getIsWitness()).toList();
    }

    boolean hasPeer(Peer peer) {
        return region.getPeersList().stream()
                .anyMatch(p -> p.getId() == peer.getId() && p.getStoreId() == peer.getStoreId());
    }

    @Nullable Peer peerOn(long storeId) {
        return candidates().stream()
                .filter(p -> p.getStoreId() == storeId)
                .findFirst()
                .orElse(null);
    }

    CachedRegion ledBy(@Nullable Peer newLeader) {
        return new CachedRegion(region, range, newLeader);
    }

    /** Same Region, same range, same members; the leader may differ. */
    boolean sameAs(CachedRegion other) {
        return id() == other.id() && region.getRegionEpoch().equals(other.region.getRegionEpoch());
    }
}
