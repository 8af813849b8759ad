package io.rutile.pd.leader;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.StoreRecord;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.StoreState;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Buries stores that were to be emptied and are empty. Sees before it believes (D1): a new leader knows no Region, so every
 * store looks empty to it. A store is buried only when leaders have described Regions from the first key to the last, none of
 * them has a replica there, none is on its way there, and the store itself, unless it is down, says that it holds none.
 *
 * <p>Called by the term's one timer.
 */
final class DrainedStores {

    private static final Logger log = LoggerFactory.getLogger(DrainedStores.class);
    private static final int BATCH = 1_024;

    private final ClusterState cluster;
    private final LongPredicate receiving;
    private final Function<MetaRecord, CompletableFuture<MetaOutcome>> propose;

    /** @param receiving whether an operator under way would put a replica on this store */
    DrainedStores(
            ClusterState cluster,
            LongPredicate receiving,
            Function<MetaRecord, CompletableFuture<MetaOutcome>> propose) {
        this.cluster = cluster;
        this.receiving = receiving;
        this.propose = propose;
    }

    void bury() {
        List<StoreInfo> empty = cluster.stores().stream()
                .filter(store -> store.store().getState() == StoreState.Offline)
                .filter(this::isEmpty)
                .toList();
        if (empty.isEmpty() || !isEveryRegionDescribed()) {
            return;
        }
        for (StoreInfo store : empty) {
            CompletableFuture<?> unused = propose.apply(new StoreRecord.BuryStore(store.id()))
                    .whenComplete((outcome, failure) -> {
                        if (failure == null) {
                            log.info("store is empty and was removed store={} outcome={}", store.id(), outcome);
                        }
                        // Not decided? Then the next tick asks again, for as long as the term lasts.
                    });
        }
    }

    private boolean isEmpty(StoreInfo store) {
        if (store.peers() > 0 || receiving.test(store.id())) {
            return false;
        }
        boolean cannotSay = store.liveness() == Liveness.DOWN || store.store().getPhysicallyDestroyed();
        return cannotSay || (store.lastHeartbeatMs() > 0 && store.stats().getRegionCount() == 0);
    }

    private boolean isEveryRegionDescribed() {
        ByteKey covered = ByteKey.EMPTY;
        boolean first = true;
        List<RegionInfo> batch = cluster.regionsAfter(null, BATCH);
        while (!batch.isEmpty()) {
            for (RegionInfo region : batch) {
                boolean follows = region.startKey().equals(covered) && (first || !covered.isEmpty());
                if (!follows || region.leader() == null) {
                    return false;
                }
                covered = region.range().end();
                first = false;
            }
            if (covered.isEmpty()) {
                return true;
            }
            batch = cluster.regionsAfter(batch.get(batch.size() - 1).startKey(), BATCH);
        }
        return false;
    }
}
