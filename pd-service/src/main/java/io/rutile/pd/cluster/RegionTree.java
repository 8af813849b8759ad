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
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
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
    private final Map<Long, StoreRegions> byStore = new HashMap<>();
    private final Map<Long, Long> rangeSinceNanos = new HashMap<>();

    /**
     * Takes a description over unless a newer one is known.
     *
     * @param nowNanos monotonic
     * @return why it was refused, or empty if it was taken
     */
    Optional<String> observe(RegionInfo said, long nowNanos) {
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
        if (known != null && standsWhere(known, said)) {
            byStart.put(said.startKey(), said);
            byId.put(said.id(), said);
            reestimated(known, said);
            return Optional.empty();
        }
        boolean sameRange =
                known != null && known.epoch().getVersion() == said.epoch().getVersion();
        long since = sameRange ? rangeSinceNanos(said.id()) : nowNanos;
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
        rangeSinceNanos.put(said.id(), since);
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

    /** Since when the Region has had the range that it has. */
    long rangeSinceNanos(long regionId) {
        return rangeSinceNanos.getOrDefault(regionId, 0L);
    }

    StoreLoad loadOf(long storeId) {
        StoreRegions on = byStore.get(storeId);
        return on == null ? StoreLoad.NONE : on.load();
    }

    /** Regions that the store leads: all if there are no more than {@code count}, else up to as many at random. */
    List<RegionInfo> leadersOn(long storeId, int count, RandomGenerator random) {
        StoreRegions on = byStore.get(storeId);
        return on == null ? List.of() : regions(on.leaders().sample(count, random));
    }

    /** Regions that the store has and does not lead; as with {@link #leadersOn}. */
    List<RegionInfo> followersOn(long storeId, int count, RandomGenerator random) {
        StoreRegions on = byStore.get(storeId);
        return on == null ? List.of() : regions(on.followers().sample(count, random));
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

    /** What most heartbeats say: all that the indexes go by is as it was. */
    private static boolean standsWhere(RegionInfo known, RegionInfo said) {
        return known.region().equals(said.region())
                && Objects.equals(known.leader(), said.leader())
                && known.pendingPeers().equals(said.pendingPeers());
    }

    /** Only what is estimated anew with every heartbeat has changed. */
    private void reestimated(RegionInfo known, RegionInfo said) {
        long bytes = said.sizeBytes() - known.sizeBytes();
        long bytesPerSecond = said.flow().bytesPerSecond() - known.flow().bytesPerSecond();
        for (Peer peer : said.peers()) {
            Objects.requireNonNull(byStore.get(peer.getStoreId()))
                    .reestimated(said.isLeader(peer), bytes, bytesPerSecond);
        }
    }

    private void insert(RegionInfo region) {
        byStart.put(region.startKey(), region);
        byId.put(region.id(), region);
        for (Peer peer : region.peers()) {
            byStore.computeIfAbsent(peer.getStoreId(), id -> new StoreRegions()).add(region, peer);
        }
    }

    private void remove(RegionInfo region) {
        if (byId.remove(region.id()) == null) {
            return;
        }
        byStart.remove(region.startKey());
        rangeSinceNanos.remove(region.id());
        for (Peer peer : region.peers()) {
            Objects.requireNonNull(byStore.get(peer.getStoreId())).remove(region, peer);
        }
    }

    private List<RegionInfo> regions(Set<Long> ids) {
        return ids.stream().map(id -> Objects.requireNonNull(byId.get(id))).toList();
    }

    private static String epoch(RegionInfo region) {
        return region.epoch().getConfVer() + "." + region.epoch().getVersion();
    }
}
