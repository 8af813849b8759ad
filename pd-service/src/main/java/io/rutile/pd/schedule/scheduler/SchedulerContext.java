package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.placement.RegionScore;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.pd.schedule.placement.StoreFilters;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * What schedulers see of the world.
 *
 * @param underWay what others have planned before
 * @param nanoClock monotonic
 * @param random draws Regions; the schedule thread's alone
 */
public record SchedulerContext(
        ClusterState cluster,
        OperatorsUnderWay underWay,
        StoreChoice stores,
        Supplier<PlacementOptions> placement,
        Supplier<BalanceOptions> balance,
        LongSupplier nanoClock,
        RandomGenerator random) {

    StoreFilters filters() {
        return stores.filters();
    }

    /** The stores as they will stand when all that is under way is through. */
    Standings standings() {
        return new Standings(cluster.stores(), underWay, new RegionScore(placement));
    }

    /** Why a Region had better be left alone for now; null if it is as it should be. */
    public @Nullable String unsettled(RegionInfo region) {
        if (underWay.isBusy(region.id())) {
            return "another operator is under way";
        }
        if (region.leader() == null) {
            return "it has no leader";
        }
        if (!region.pendingPeers().isEmpty() || !region.downPeers().isEmpty()) {
            return "not all of its replicas are well";
        }
        for (Peer peer : region.peers()) {
            StoreInfo store = cluster.store(peer.getStoreId());
            if (store == null || !store.isServing()) {
                return "its store " + peer.getStoreId() + " is not up";
            }
            if (peer.getRole() == PeerRole.IncomingVoter || peer.getRole() == PeerRole.DemotingVoter) {
                return "its membership is changing";
            }
        }
        return null;
    }
}
