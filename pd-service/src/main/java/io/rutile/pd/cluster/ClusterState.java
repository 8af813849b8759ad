package io.rutile.pd.cluster;

import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.Setting;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.StoreStats;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The soft view of one term of leading: Regions and store statistics, as heartbeats told. Safe from any thread; nothing here
 * waits for disk or network.
 */
public final class ClusterState {

    private static final int VISITED_AT_ONCE = 1_024;

    private final MetaStore meta;
    private final InstantSource wallClock;
    private final LongSupplier nanoClock;
    private final StoreSilence silence;
    private final long begunNanos;
    private final RegionTree regions = new RegionTree();
    private final ReadWriteLock regionsLock = new ReentrantReadWriteLock();
    private final HotPeerCache hot;
    private final HeatMap heat;
    private final Map<Long, Heard> heard = new ConcurrentHashMap<>();

    /**
     * How long a store may be silent.
     *
     * @param disconnectedAfter silence after which a store gets nothing new
     * @param downAfter silence after which its replicas are replaced, unless {@link Setting#MAX_STORE_DOWN_TIME} was set
     */
    public record StoreSilence(Duration disconnectedAfter, Duration downAfter) {}

    private record Heard(StoreStats stats, long atNanos, long atMs) {}

    /** @param nanoClock monotonic; silence is measured on it */
    public ClusterState(MetaStore meta, InstantSource wallClock, LongSupplier nanoClock, StoreSilence silence) {
        this.meta = meta;
        this.wallClock = wallClock;
        this.nanoClock = nanoClock;
        this.silence = silence;
        this.begunNanos = nanoClock.getAsLong();
        this.hot = new HotPeerCache(nanoClock);
        this.heat = new HeatMap(nanoClock);
    }

    /**
     * Takes a Region's description over unless a newer one is known (D1).
     *
     * @return why it was refused, or empty if it was taken
     */
    public Optional<String> observe(RegionInfo region) {
        Optional<String> refusal;
        regionsLock.writeLock().lock();
        try {
            refusal = regions.observe(region, nanoClock.getAsLong());
        } finally {
            regionsLock.writeLock().unlock();
        }
        if (refusal.isEmpty()) {
            hot.observe(region);
            heat.observe(region);
        }
        return refusal;
    }

    /** Regions through which much goes. */
    public HotPeerCache hot() {
        return hot;
    }

    /** Who reads and writes where, over time. */
    public HeatMap heat() {
        return heat;
    }

    /** Time passes: what is kept by the minute begins a new one. Called by one timer, every second or more often. */
    public void tick() {
        heat.tick(this);
    }

    /** A store said that it is there. */
    public void observe(StoreStats stats) {
        heard.put(stats.getStoreId(), new Heard(stats, nanoClock.getAsLong(), wallClock.millis()));
    }

    /** A store has just joined or come back: it lives, though it has not told its statistics yet. */
    public void observeJoined(long storeId) {
        heard.putIfAbsent(
                storeId, new Heard(StoreStats.getDefaultInstance(), nanoClock.getAsLong(), wallClock.millis()));
    }

    public Optional<RegionInfo> region(long regionId) {
        return reading(() -> regions.byId(regionId));
    }

    /** Since when, on the monotonic clock, the Region has had its range: it was split or merged then, or heard of first. */
    public long rangeSinceNanos(long regionId) {
        return reading(() -> regions.rangeSinceNanos(regionId));
    }

    public Optional<RegionInfo> regionByKey(ByteKey key) {
        return reading(() -> regions.byKey(key));
    }

    /** The neighbour in front of the Region with this key. */
    public Optional<RegionInfo> regionBefore(ByteKey key) {
        return reading(() -> regions.before(key));
    }

    /**
     * Regions that overlap the range, in key order.
     *
     * @param limit 0 for all
     */
    public List<RegionInfo> scan(KeyRange range, int limit) {
        return reading(() -> regions.scan(range, limit));
    }

    /** Up to {@code limit} Regions that begin behind this key, or from the first one. */
    public List<RegionInfo> regionsAfter(@Nullable ByteKey startKey, int limit) {
        return reading(() -> regions.after(startKey, limit));
    }

    /** Walks over all Regions in key order, a batch at a time, so that heartbeats are not kept waiting. */
    public void visitRegions(Consumer<RegionInfo> visitor) {
        List<RegionInfo> batch = regionsAfter(null, VISITED_AT_ONCE);
        while (!batch.isEmpty()) {
            batch.forEach(visitor);
            batch = regionsAfter(batch.get(batch.size() - 1).startKey(), VISITED_AT_ONCE);
        }
    }

    public int regionCount() {
        return reading(regions::size);
    }

    /** Silence after which a store's replicas are replaced. */
    public Duration downAfter() {
        return meta.state().duration(Setting.MAX_STORE_DOWN_TIME).orElse(silence.downAfter());
    }

    /** Tombstones included; null if no such store ever was. */
    public @Nullable StoreInfo store(long storeId) {
        Store store = meta.state().store(storeId);
        return store == null ? null : info(store);
    }

    /** Tombstones included, by id. */
    public List<StoreInfo> stores() {
        Collection<Store> all = meta.state().stores().values();
        return reading(() -> all.stream().map(this::info).toList());
    }

    /**
     * Regions that the store leads.
     *
     * @param count all of them if there are no more; else up to as many, drawn at random
     */
    public List<RegionInfo> leadersOn(long storeId, int count, RandomGenerator random) {
        return reading(() -> regions.leadersOn(storeId, count, random));
    }

    /**
     * Regions of which the store has a replica that does not lead.
     *
     * @param count all of them if there are no more; else up to as many, drawn at random
     */
    public List<RegionInfo> followersOn(long storeId, int count, RandomGenerator random) {
        return reading(() -> regions.followersOn(storeId, count, random));
    }

    /** The stores of the hard state: the very same object until one of them changes. */
    public Map<Long, Store> membership() {
        return meta.state().stores();
    }

    /** How many replicas a Region should have. */
    public int maxReplicas() {
        return meta.state().maxReplicas();
    }

    private StoreInfo info(Store store) {
        Heard last = heard.get(store.getId());
        StoreLoad load = reading(() -> regions.loadOf(store.getId()));
        return last == null
                ? new StoreInfo(store, StoreStats.getDefaultInstance(), liveness(null), 0, load)
                : new StoreInfo(store, last.stats(), liveness(last), last.atMs(), load);
    }

    /** A store that has never been heard of in this term is given the time from the term's beginning before it counts as down. */
    private Liveness liveness(@Nullable Heard last) {
        long silentNanos = nanoClock.getAsLong() - (last == null ? begunNanos : last.atNanos());
        if (silentNanos > downAfter().toNanos()) {
            return Liveness.DOWN;
        }
        return last == null || silentNanos > silence.disconnectedAfter().toNanos()
                ? Liveness.DISCONNECTED
                : Liveness.UP;
    }

    private <T> T reading(Supplier<T> reader) {
        regionsLock.readLock().lock();
        try {
            return reader.get();
        } finally {
            regionsLock.readLock().unlock();
        }
    }
}
