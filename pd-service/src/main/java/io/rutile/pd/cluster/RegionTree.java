package io.rutile.pd.cluster;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Regions by start key and by id. Never holds two that overlap: what is newer takes the place of what it covers, and what is
 * older is refused (D1).
 *
 * <p>Not safe for concurrent use; {@link ClusterState} owns one.
 */
final class RegionTree {

    private final NavigableMap<ByteKey, RegionInfo> byStart = new TreeMap<>();
    private final Map<Long, RegionInfo> byId = new HashMap<>();
    /** Peers on each store. */
    private final Map<Long, Integer> peersOnStore = new HashMap<>();

    /**
     * Takes a description over unless a newer one is known.
     *
     * @return why it was refused, or empty if it was taken
     */
    Optional<String> observe(RegionInfo said) {
        RegionInfo known = byId.get(said.id());
        if (known != null) {
            if (Epochs.isStale(said.epoch(), known.epoch())) {
                return Optional.of(
                        "region " + said.id() + " is stale: epoch " + epoch(said) + ", known " + epoch(known));
            }
            if (said.term() != 0 && Long.compareUnsigned(said.term(), known.term()) < 0) {
                return Optional.of(
                        "region " + said.id() + " is stale: term " + said.term() + ", known " + known.term());
            }
        }
        List<RegionInfo> overlapped = overlapping(said.range());
        for (RegionInfo other : overlapped) {
            if (other.id() != said.id()
                    && Long.compareUnsigned(
                                    said.epoch().getVersion(), other.epoch().getVersion())
                            < 0) {
                return Optional.of("region " + said.id() + " " + epoch(said) + " is stale: it overlaps region "
                        + other.id() + " " + epoch(other));
            }
        }
        overlapped.forEach(this::remove);
        if (known != null) {
            remove(known);
        }
        insert(said);
        return Optional.empty();
    }

    Optional<RegionInfo> byId(long regionId) {
        return Optional.ofNullable(byId.get(regionId));
    }

    /** The Region that holds the key. */
    Optional<RegionInfo> byKey(ByteKey key) {
        return Optional.ofNullable(holding(key));
    }

    /** The Region that ends where the one with this key begins. */
    Optional<RegionInfo> before(ByteKey key) {
        RegionInfo holding = holding(key);
        if (holding == null) {
            return Optional.empty();
        }
        Map.Entry<ByteKey, RegionInfo> lower = byStart.lowerEntry(holding.startKey());
        if (lower == null || !lower.getValue().range().end().equals(holding.startKey())) {
            return Optional.empty();
        }
        return Optional.of(lower.getValue());
    }

    /**
     * Regions that overlap the range, in key order.
     *
     * @param limit 0 for all
     */
    List<RegionInfo> scan(KeyRange range, int limit) {
        List<RegionInfo> found = new ArrayList<>();
        ByteKey from = byStart.floorKey(range.start());
        for (RegionInfo region :
                byStart.tailMap(from == null ? range.start() : from, true).values()) {
            if (!range.end().isEmpty() && region.startKey().compareTo(range.end()) >= 0) {
                break;
            }
            if (region.range().overlaps(range)) {
                found.add(region);
                if (limit > 0 && found.size() == limit) {
                    break;
                }
            }
        }
        return found;
    }

    /** Up to {@code limit} Regions that begin behind this key, for a walk over all of them. */
    List<RegionInfo> after(@Nullable ByteKey startKey, int limit) {
        Collection<RegionInfo> rest = startKey == null
                ? byStart.values()
                : byStart.tailMap(startKey, false).values();
        return rest.stream().limit(limit).toList();
    }

    int peersOnStore(long storeId) {
        return peersOnStore.getOrDefault(storeId, 0);
    }

    int size() {
        return byId.size();
    }

    private @Nullable RegionInfo holding(ByteKey key) {
        Map.Entry<ByteKey, RegionInfo> floor = byStart.floorEntry(key);
        return floor != null && floor.getValue().range().contains(key) ? floor.getValue() : null;
    }

    private List<RegionInfo> overlapping(KeyRange range) {
        return scan(range, 0);
    }

    private void insert(RegionInfo region) {
        byStart.put(region.startKey(), region);
        byId.put(region.id(), region);
        for (Peer peer : region.peers()) {
            peersOnStore.merge(peer.getStoreId(), 1, Integer::sum);
        }
    }

    private void remove(RegionInfo region) {
        if (byId.remove(region.id()) == null) {
            return;
        }
        byStart.remove(region.startKey());
        for (Peer peer : region.peers()) {
            peersOnStore.merge(peer.getStoreId(), -1, Integer::sum);
        }
    }

    private static String epoch(RegionInfo region) {
        return region.epoch().getConfVer() + "." + region.epoch().getVersion();
    }
}
