package io.rutile.node.raftstore;

import io.rutile.protocol.KeyRange;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The replicas of this store by Region id. Reads are free; whoever changes it holds {@link RaftStore}'s lock. */
final class RegionMap {

    private final ConcurrentHashMap<Long, RegionPeer> byId = new ConcurrentHashMap<>();

    /** The replica, whether or not it has data yet. */
    @Nullable RegionPeer find(long regionId) {
        return byId.get(regionId);
    }

    /** The replica if it can be asked anything: one without an image knows neither range nor epoch. */
    @Nullable RegionPeer route(long regionId) {
        RegionPeer peer = byId.get(regionId);
        return peer != null && peer.isInitialized() ? peer : null;
    }

    void put(RegionPeer peer) {
        byId.put(peer.regionId(), peer);
    }

    void remove(RegionPeer peer) {
        byId.remove(peer.regionId(), peer);
    }

    Collection<RegionPeer> all() {
        return byId.values();
    }

    /** Another Region of this store that owns a part of the range (R6). */
    Optional<RegionPeer> overlap(long regionId, KeyRange range) {
        return byId.values().stream()
                .filter(peer -> peer.regionId() != regionId)
                .filter(peer -> {
                    KeyRange claimed = peer.claimedRange();
                    return claimed != null && claimed.overlaps(range);
                })
                .findFirst();
    }
}
