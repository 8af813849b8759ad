package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.protocol.metapb.StoreState;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/** Picks the store for a new replica: of those that may have one, the one with the fewest; and says why the others may not. */
final class StoreChoice {

    private final ClusterState cluster;
    private final LongUnaryOperator underWay;
    private final long freeBytesMin;
    private final int underWayMax;

    /**
     * @param underWay replicas that a store is receiving now
     * @param underWayMax how many it may receive at once
     * @param freeBytesMin a store with less space gets nothing new
     */
    StoreChoice(ClusterState cluster, LongUnaryOperator underWay, int underWayMax, long freeBytesMin) {
        this.cluster = cluster;
        this.underWay = underWay;
        this.underWayMax = underWayMax;
        this.freeBytesMin = freeBytesMin;
    }

    /** @param refusals filled with one sentence for each store that was passed over */
    Optional<StoreInfo> forNewPeer(RegionInfo region, List<String> refusals) {
        StoreInfo best = null;
        for (StoreInfo store : cluster.stores()) {
            String refusal = refusal(store, region);
            if (refusal != null) {
                refusals.add("store " + store.id() + " " + refusal);
            } else if (best == null || load(store) < load(best)) {
                best = store;
            }
        }
        return Optional.ofNullable(best);
    }

    /** Among these peers' stores, the one that would gain most from having one less. */
    StoreInfo mostLoaded(List<StoreInfo> candidates) {
        List<StoreInfo> sorted = new ArrayList<>(candidates);
        sorted.sort((a, b) -> {
            int silentFirst = Boolean.compare(b.liveness() != Liveness.UP, a.liveness() != Liveness.UP);
            return silentFirst != 0 ? silentFirst : Long.compare(load(b), load(a));
        });
        return sorted.get(0);
    }

    private long load(StoreInfo store) {
        return store.peers() + underWay.applyAsLong(store.id());
    }

    private @Nullable String refusal(StoreInfo store, RegionInfo region) {
        if (region.peerOn(store.id()) != null) {
            return "has a replica";
        }
        if (store.store().getState() != StoreState.Up) {
            return "is " + store.store().getState().name().toLowerCase(Locale.ROOT);
        }
        if (store.liveness() != Liveness.UP) {
            return "has not been heard of lately";
        }
        if (store.stats().getIsBusy()) {
            return "says that it is busy";
        }
        if (store.stats().getCapacity() > 0 && store.stats().getAvailable() < freeBytesMin) {
            return "has less than " + (freeBytesMin >> 20) + " MiB free";
        }
        if (underWay.applyAsLong(store.id()) >= underWayMax) {
            return "is receiving " + underWayMax + " replicas already";
        }
        return null;
    }
}
