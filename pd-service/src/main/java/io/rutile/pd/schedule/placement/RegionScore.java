package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.StoreInfluence;
import java.util.function.Supplier;

/**
 * How full a store is, in bytes of replicas: what it has and what is on its way. A store that runs out of space counts as fuller
 * than it is, so that it gives away before it must refuse.
 */
public final class RegionScore {

    /** A store without free space is worth this many times what it has. */
    private static final double FULL_FACTOR = 8;

    private final Supplier<PlacementOptions> options;

    public RegionScore(Supplier<PlacementOptions> options) {
        this.options = options;
    }

    public double of(StoreInfo store, StoreInfluence underWay) {
        return (store.load().peersBytes() + underWay.peersBytes()) * factor(store);
    }

    /** 1 while there is ample space, growing to {@link #FULL_FACTOR} where nothing more is taken in. */
    public double factor(StoreInfo store) {
        PlacementOptions now = options.get();
        double ample = now.freeRatioAmple();
        double least = now.freeRatioMin();
        double free = store.freeRatio();
        if (free >= ample) {
            return 1;
        }
        double missing = ample == least ? 1 : Math.min(1, (ample - free) / (ample - least));
        return 1 + missing * (FULL_FACTOR - 1);
    }
}
