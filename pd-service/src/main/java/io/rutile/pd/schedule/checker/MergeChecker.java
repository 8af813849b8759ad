package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.pd.schedule.placement.StoreFilter;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Merges a small Region into a neighbour, the smaller one if both would do. Only Regions whose replicas are on the same stores
 * can merge, so the small one's are moved beside the other's first.
 */
public final class MergeChecker {

    private final ClusterState cluster;
    private final StoreChoice stores;
    private final OperatorsUnderWay underWay;
    private final Supplier<MergeOptions> options;
    private final Supplier<PlacementOptions> placement;
    private final LongSupplier nanoClock;

    public MergeChecker(
            ClusterState cluster,
            StoreChoice stores,
            OperatorsUnderWay underWay,
            Supplier<MergeOptions> options,
            Supplier<PlacementOptions> placement,
            LongSupplier nanoClock) {
        this.cluster = cluster;
        this.stores = stores;
        this.underWay = underWay;
        this.options = options;
        this.placement = placement;
        this.nanoClock = nanoClock;
    }

    /** Of a Region that is well otherwise. */
    public Finding check(RegionInfo region) {
        if (!isSmall(region)) {
            return Finding.healthy("");
        }
        if (!hasRested(region)) {
            return Finding.healthy("small, but new; it may grow");
        }
        if (!underWay.allows(OperatorKind.MERGE)) {
            return Finding.healthy("small, but as many regions are merging as may (merge-schedule-limit)");
        }
        List<String> objections = new ArrayList<>();
        RegionInfo target = null;
        for (Optional<RegionInfo> neighbour : List.of(cluster.regionBefore(region.startKey()), behind(region))) {
            if (neighbour.isEmpty()) {
                continue;
            }
            String objection = objectionTo(region, neighbour.get());
            if (objection != null) {
                objections.add("region " + neighbour.get().id() + " " + objection);
            } else if (target == null || neighbour.get().sizeBytes() < target.sizeBytes()) {
                target = neighbour.get();
            }
        }
        return target == null
                ? Finding.healthy("small, but no neighbour will do: " + String.join("; ", objections))
                : merge(region, target);
    }

    private Finding merge(RegionInfo region, RegionInfo target) {
        String why = "it has " + region.approximateSizeMib() + " MiB and " + region.approximateKeys() + " keys, region "
                + target.id() + " beside it " + target.approximateSizeMib() + " MiB";
        if (!storesOf(region).equals(storesOf(target))) {
            return moveBeside(region, target, why);
        }
        OperatorBuilder from = new OperatorBuilder(region, new Purpose("merge-region", OperatorKind.MERGE, why));
        OperatorBuilder into = new OperatorBuilder(
                target, new Purpose("merge-region", OperatorKind.MERGE, "region " + region.id() + " merges into it"));
        return new Finding.Repair(List.of(from.mergeInto(target), into.absorb(region)));
    }

    private Finding moveBeside(RegionInfo region, RegionInfo target, String why) {
        OperatorBuilder plan = new OperatorBuilder(region, new Purpose("move-beside", OperatorKind.MERGE, why));
        List<StoreFilter> filters = stores.filters().newReplica();
        for (Peer peer : target.peers()) {
            if (region.peerOn(peer.getStoreId()) == null) {
                StoreInfo store = cluster.store(peer.getStoreId());
                String refusal = store == null ? "is not known" : StoreFilter.refusal(filters, store);
                if (refusal != null) {
                    return Finding.healthy("small, but can't be moved beside region " + target.id() + ": store "
                            + peer.getStoreId() + " " + refusal);
                }
                plan.addOn(peer.getStoreId());
            }
        }
        region.peers().stream()
                .filter(peer -> target.peerOn(peer.getStoreId()) == null)
                .forEach(plan::remove);
        return new Finding.Repair(plan);
    }

    private boolean isSmall(RegionInfo region) {
        return region.approximateSizeMib() <= options.get().sizeMibMax()
                && region.approximateKeys() <= options.get().keysMax();
    }

    private boolean hasRested(RegionInfo region) {
        long rested = nanoClock.getAsLong() - cluster.rangeSinceNanos(region.id());
        return rested >= options.get().restAfterSplit().toNanos();
    }

    private Optional<RegionInfo> behind(RegionInfo region) {
        return region.range().end().isEmpty()
                ? Optional.empty()
                : cluster.regionByKey(region.range().end())
                        .filter(next -> next.startKey().equals(region.range().end()));
    }

    /** Why a neighbour is not the one to merge into, as words that follow "region 3"; null if it is. */
    private @Nullable String objectionTo(RegionInfo region, RegionInfo neighbour) {
        MergeOptions now = options.get();
        if (region.approximateSizeMib() + neighbour.approximateSizeMib() > now.resultMibMax()) {
            return "is too large";
        }
        if (!hasRested(neighbour)) {
            return "is new";
        }
        boolean first = region.startKey().compareTo(neighbour.startKey()) < 0;
        KeyRange both = new KeyRange(
                (first ? region : neighbour).startKey(),
                (first ? neighbour : region).range().end());
        if (!placement.get().rules().bordersWithin(both).isEmpty()) {
            return "is on the other side of a border of the placement rules";
        }
        if (underWay.isBusy(neighbour.id())) {
            return "has another operator under way";
        }
        if (neighbour.leader() == null
                || !neighbour.pendingPeers().isEmpty()
                || !neighbour.downPeers().isEmpty()
                || !allServe(neighbour)) {
            return "is not well";
        }
        return neighbour.peers().size() == region.peers().size() ? null : "has another number of replicas";
    }

    private boolean allServe(RegionInfo region) {
        for (Peer peer : region.peers()) {
            StoreInfo store = cluster.store(peer.getStoreId());
            if (store == null || !store.isServing() || peer.getRole() != PeerRole.Voter) {
                return false;
            }
        }
        return true;
    }

    private static Set<Long> storesOf(RegionInfo region) {
        Set<Long> found = new HashSet<>();
        region.peers().forEach(peer -> found.add(peer.getStoreId()));
        return found;
    }
}
