package io.rutile.node.raftstore;

import com.google.protobuf.ByteString;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Region;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The replicas of this store by Region id, and the ranges that they own. Reads are free. Whoever lets a range change hands, or decides
 * by who is here, holds this object's monitor, and waits for nothing but the engine while it does: apply threads come here.
 */
final class RegionMap {

    /** Most Regions that an answer names beside the one that was asked for. */
    private static final int NEIGHBOURS_MAX = 16;

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

    /**
     * What has become of the range that somebody knows under an older version: the Region, and in front of it what splits have cut
     * off since, as far as it is here. The Region keeps the rightmost piece, so the others lie to its left, border by border.
     *
     * @param version what the asker knows
     * @return in key order, the Region itself last
     */
    List<Region> since(Region region, long version) {
        if (Long.compareUnsigned(version, region.getRegionEpoch().getVersion()) >= 0) {
            return List.of(region);
        }
        Map<ByteString, Region> byEnd = new HashMap<>();
        for (RegionPeer peer : byId.values()) {
            RegionState state = peer.stateMachine().state();
            if (state != null
                    && state.status() == RegionState.Status.NORMAL
                    && Long.compareUnsigned(state.region().getRegionEpoch().getVersion(), version) > 0) {
                byEnd.put(state.region().getEndKey(), state.region());
            }
        }
        LinkedList<Region> found = new LinkedList<>(List.of(region));
        Region left = region;
        while (found.size() <= NEIGHBOURS_MAX && !left.getStartKey().isEmpty()) {
            left = byEnd.get(left.getStartKey());
            if (left == null) {
                break;
            }
            found.addFirst(left);
        }
        return List.copyOf(found);
    }

    /** Other Regions of this store that own a part of the range (R6). */
    List<RegionPeer> overlaps(long regionId, KeyRange range) {
        return byId.values().stream()
                .filter(peer -> peer.regionId() != regionId)
                .filter(peer -> {
                    KeyRange claimed = peer.claimedRange();
                    return claimed != null && claimed.overlaps(range);
                })
                .toList();
    }
}
