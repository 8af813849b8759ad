package io.rutile.client.region;

import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The Regions that this client has heard of, by start key. They never overlap: newer ones push out older ones (by epoch), never the
 * other way, so late news from PD does no harm (D1).
 *
 * <p>While a hole in the cache is being asked for, everybody who needs a key of that hole waits for the one question.
 *
 * <p>Threads: reads need no lock; changes are guarded by this object. PD is asked outside the lock.
 */
final class RegionCache {

    /** Regions remembered; one more pushes out its neighbour. */
    static final int REGIONS_MAX = 65_536;

    private final PdClient pd;
    private final RegionMetrics metrics;
    private final Consumer<CachedRegion> onRegion;
    private final ConcurrentSkipListMap<ByteKey, CachedRegion> regions = new ConcurrentSkipListMap<>();

    /** Questions under way, by the start of the hole or known Region that they ask about. */
    private final Map<ByteKey, CompletableFuture<Optional<CachedRegion>>> asking = new HashMap<>();

    /** @param onRegion told of every Region that PD names; must not block */
    RegionCache(PdClient pd, RegionMetrics metrics, Consumer<CachedRegion> onRegion) {
        this.pd = pd;
        this.onRegion = onRegion;
        this.metrics = metrics;
        metrics.watchCache(this);
    }

    int size() {
        return regions.size();
    }

    /** The Region if it is known here. */
    @Nullable CachedRegion find(Anchor anchor) {
        Map.Entry<ByteKey, CachedRegion> entry;
        if (!anchor.below()) {
            entry = regions.floorEntry(anchor.key());
        } else if (anchor.key().isEmpty()) {
            entry = regions.lastEntry();
        } else {
            entry = regions.lowerEntry(anchor.key());
        }
        return entry != null && entry.getValue().holds(anchor) ? entry.getValue() : null;
    }

    /** The Region from here or from PD; empty if PD knows none. Fails with {@link io.rutile.client.pd.PdException}. */
    CompletableFuture<Optional<CachedRegion>> locate(Anchor anchor) {
        CachedRegion known = find(anchor);
        return known != null ? CompletableFuture.completedFuture(Optional.of(known)) : lookUp(anchor);
    }

    /** Asks PD about a Region although it is known; until the answer comes nothing changes. */
    void refresh(Anchor anchor) {
        var unused = lookUp(anchor);
    }

    private CompletableFuture<Optional<CachedRegion>> lookUp(Anchor anchor) {
        ByteKey hole;
        CompletableFuture<Optional<CachedRegion>> answer = new CompletableFuture<>();
        CompletableFuture<Optional<CachedRegion>> earlier;
        synchronized (this) {
            hole = questionAbout(anchor);
            earlier = asking.putIfAbsent(hole, answer);
        }
        if (earlier != null) {
            metrics.cacheJoined();
            return earlier.thenCompose(
                    found -> found.isPresent() && !found.get().holds(anchor)
                            ? locate(anchor)
                            : CompletableFuture.completedFuture(found));
        }
        metrics.cacheMiss();
        Futures.whenDone(ask(anchor), answer, (found, failure) -> {
            Optional<CachedRegion> region = failure == null ? found.map(this::insertFromPd) : Optional.empty();
            synchronized (this) {
                asking.remove(hole, answer);
            }
            if (failure == null) {
                answer.complete(region);
            } else {
                answer.completeExceptionally(failure);
            }
        });
        return answer;
    }

    private ByteKey questionAbout(Anchor anchor) {
        Map.Entry<ByteKey, CachedRegion> before;
        if (!anchor.below()) {
            before = regions.floorEntry(anchor.key());
        } else {
            before = anchor.key().isEmpty() ? regions.lastEntry() : regions.lowerEntry(anchor.key());
        }
        if (before == null) {
            return ByteKey.EMPTY;
        }
        CachedRegion region = before.getValue();
        return region.holds(anchor) ? region.range().start() : region.range().end();
    }

    private CompletableFuture<Optional<RegionLocation>> ask(Anchor anchor) {
        ByteKey key = anchor.key();
        if (!anchor.below()) {
            return pd.regionByKey(key);
        }
        if (key.isEmpty()) {
            return pd.regionByKey(Anchor.ABOVE_ALL);
        }
        // The Region that holds the key also holds what is below it, unless the key is its first.
        return pd.regionByKey(key).thenCompose(found -> {
            boolean border = found.isPresent()
                    && ByteKey.of(found.get().region().getStartKey()).equals(key);
            return border ? pd.previousRegion(key) : CompletableFuture.completedFuture(found);
        });
    }

    private CachedRegion insertFromPd(RegionLocation location) {
        CachedRegion heard = CachedRegion.of(location.region(), location.leader());
        insert(heard);
        onRegion.accept(heard);
        return heard;
    }

    /** Takes news of a Region. False if something newer is known about a part of its range: then nothing changes. */
    synchronized boolean insert(CachedRegion heard) {
        List<CachedRegion> overlapping = overlapping(heard);
        for (CachedRegion known : overlapping) {
            boolean stale = known.id() == heard.id()
                    ? Epochs.isStale(
                            heard.region().getRegionEpoch(), known.region().getRegionEpoch())
                    : Long.compareUnsigned(
                                    heard.region().getRegionEpoch().getVersion(),
                                    known.region().getRegionEpoch().getVersion())
                            < 0;
            if (stale) {
                return false;
            }
        }
        overlapping.forEach(known -> regions.remove(known.range().start(), known));
        regions.put(heard.range().start(), heard);
        if (regions.size() > REGIONS_MAX) {
            ByteKey next = regions.higherKey(heard.range().start());
            regions.remove(next == null ? regions.firstKey() : next);
            metrics.cacheEvicted();
        }
        return true;
    }

    private List<CachedRegion> overlapping(CachedRegion heard) {
        ByteKey from = regions.floorKey(heard.range().start());
        return regions.tailMap(from == null ? ByteKey.EMPTY : from, true).values().stream()
                .takeWhile(known -> heard.range().end().isEmpty()
                        || known.range().start().compareTo(heard.range().end()) < 0)
                .filter(known -> known.range().overlaps(heard.range()))
                .toList();
    }

    /** A store told what the Region has become. Its leader stays where it was, or is taken to be on the store that told. */
    synchronized void replace(CachedRegion old, List<Region> current, long toldByStore) {
        invalidate(old);
        for (Region region : current) {
            CachedRegion heard = CachedRegion.of(region, null);
            Peer leader = old.leader();
            Peer kept = leader == null ? null : heard.peerOn(leader.getStoreId());
            insert(heard.ledBy(kept == null ? heard.peerOn(toldByStore) : kept));
        }
    }

    synchronized void invalidate(CachedRegion region) {
        CachedRegion known = regions.get(region.range().start());
        if (known != null && known.sameAs(region)) {
            regions.remove(region.range().start());
        }
    }

    /** @param leader null if the one that was believed to lead does not, and nobody says who does */
    synchronized void switchLeader(CachedRegion region, @Nullable Peer leader) {
        CachedRegion known = regions.get(region.range().start());
        if (known != null && known.sameAs(region)) {
            regions.put(region.range().start(), known.ledBy(leader));
        }
    }
}
