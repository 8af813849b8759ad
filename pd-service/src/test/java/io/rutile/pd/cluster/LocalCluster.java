package io.rutile.pd.cluster;

import io.rutile.pd.cluster.ClusterState.StoreSilence;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** A soft view over a local log, with a clock that the test moves. Stores are up once they were told to be. */
public final class LocalCluster {

    public static final Duration DISCONNECTED_AFTER = Duration.ofSeconds(20);
    public static final Duration DOWN_AFTER = Duration.ofMinutes(30);

    private final LocalMeta meta;
    private final AtomicLong nanos = new AtomicLong();
    private final ClusterState state;

    /** @param tombstones stores that were removed before this cluster's memory begins */
    public LocalCluster(Path directory, long... tombstones) {
        this(
                directory,
                Arrays.stream(tombstones).mapToObj(LocalCluster::tombstone).toList());
    }

    /** @param before stores that were there, in whatever state, before this cluster's memory begins */
    public LocalCluster(Path directory, List<Store> before) {
        meta = LocalMeta.withStores(directory, before);
        state = new ClusterState(
                meta.store(), InstantSource.system(), nanos::get, new StoreSilence(DISCONNECTED_AFTER, DOWN_AFTER));
    }

    public ClusterState state() {
        return state;
    }

    public LocalMeta meta() {
        return meta;
    }

    public long nanos() {
        return nanos.get();
    }

    public IdAllocator ids() {
        return new IdAllocator(meta.store(), meta.log().term());
    }

    public LocalCluster up(long... stores) {
        for (long store : stores) {
            stats(StoreStats.newBuilder()
                    .setStoreId(store)
                    .setCapacity(100L << 30)
                    .setAvailable(50L << 30)
                    .build());
        }
        return this;
    }

    /** Known, but silent since the beginning. */
    public LocalCluster known(long... stores) {
        for (long store : stores) {
            if (meta.state().store(store) == null) {
                meta.propose(
                        meta.state().bootstrapped()
                                ? new MetaRecord.PutStore(store(store))
                                : new MetaRecord.Bootstrap(store(store)));
            }
        }
        return this;
    }

    /** Known under these labels. */
    public LocalCluster labelled(long id, Map<String, String> labels) {
        known(id);
        Store.Builder store = store(id).toBuilder();
        labels.forEach((key, value) ->
                store.addLabels(StoreLabel.newBuilder().setKey(key).setValue(value)));
        meta.propose(new MetaRecord.PutStore(store.build()));
        return this;
    }

    public LocalCluster stats(StoreStats stats) {
        known(stats.getStoreId());
        state.observe(stats);
        return this;
    }

    public LocalCluster pass(Duration time) {
        nanos.addAndGet(time.toNanos());
        return this;
    }

    public LocalCluster maxReplicas(int count) {
        meta.propose(new MetaRecord.SetMaxReplicas(count));
        return this;
    }

    public RegionInfo observe(Regions region) {
        String refusal = state.observe(region.info()).orElse("");
        if (!refusal.isEmpty()) {
            throw new AssertionError(refusal);
        }
        return region.info();
    }

    public static Store store(long id) {
        return Store.newBuilder()
                .setId(id)
                .setAddress("127.0.0.1:" + (20_000 + id))
                .setVersion("8.5.0")
                .build();
    }

    public static Store leaving(long id) {
        return store(id).toBuilder()
                .setState(StoreState.Offline)
                .setNodeState(NodeState.Removing)
                .build();
    }

    public static Store tombstone(long id) {
        return store(id).toBuilder()
                .setState(StoreState.Tombstone)
                .setNodeState(NodeState.Removed)
                .build();
    }
}
