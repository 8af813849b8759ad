package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.operator.StoreInfluence;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Picks stores: of those that the filters let through the one farthest from the other replicas, and of several such the one
 * with the least load. Says why the others were passed over. Safe from any thread.
 */
public final class StoreChoice {

    private final ClusterState cluster;
    private final Supplier<PlacementOptions> options;
    private final OperatorsUnderWay underWay;
    private final StoreFilters filters;
    private final RegionScore score;
    private volatile Places places = new Places(Map.of(), new ConcurrentHashMap<>());

    /** How many of the widest places each rule has, under this membership; as many entries as there are rules. */
    private record Places(Map<Long, Store> membership, Map<PlacementRule, Integer> byRule) {}

    public StoreChoice(
            ClusterState cluster,
            Supplier<PlacementOptions> options,
            OperatorsUnderWay underWay,
            StoreFilters filters) {
        this.cluster = cluster;
        this.options = options;
        this.underWay = underWay;
        this.filters = filters;
        this.score = new RegionScore(options);
    }

    public StoreFilters filters() {
        return filters;
    }

    /** The rules that hold for a Region; where nobody said anything, as many voters as there should be replicas. */
    public List<PlacementRule> rulesOf(RegionInfo region) {
        PlacementOptions now = options.get();
        return now.rules().at(region.startKey(), PlacementRule.replicas(cluster.maxReplicas(), now.locations()));
    }

    /** Which of the replicas is there for which rule. */
    public RuleFit fit(RegionInfo region, List<Peer> kept) {
        return new RuleFit(region, rulesOf(region), kept, cluster::store);
    }

    /**
     * The store for a new replica.
     *
     * @param rule what the replica is for
     * @param beside where the rule's other replicas are
     * @param refusals told of each store that was passed over
     */
    public Optional<StoreInfo> forNewPeer(
            RegionInfo region, PlacementRule rule, Collection<StoreInfo> beside, Refusals refusals) {
        List<StoreFilter> all = new ArrayList<>();
        all.add(StoreFilters.without(region));
        all.add(rule.filter());
        // What passes by itself comes last: it is said of stores that would do otherwise.
        all.add(StoreFilters.apartFrom(beside, rule.locations()));
        all.addAll(filters.newReplica());
        StoreInfo best = null;
        long bestCrowding = 0;
        double bestLoad = 0;
        for (StoreInfo store : cluster.stores()) {
            if (StoreFilter.refusal(all, store, refusals) != null) {
                continue;
            }
            long crowding = rule.locations().crowding(store, beside);
            double load = load(store);
            if (best == null || crowding < bestCrowding || crowding == bestCrowding && load < bestLoad) {
                best = store;
                bestCrowding = crowding;
                bestLoad = load;
            }
        }
        return Optional.ofNullable(best);
    }

    /**
     * Why a replica had better stay where it is; for moves that are made for balance alone.
     *
     * @return words that follow "store 3", the target; null if the move does no harm
     */
    public @Nullable String objectionToReplace(RegionInfo region, Peer leaving, StoreInfo target) {
        if (region.peerOn(target.id()) != null) {
            return "has a replica";
        }
        if (leaving.getRole() != PeerRole.Voter) {
            return "is not for replicas that do not vote";
        }
        PlacementOptions now = options.get();
        if (now.rules().isEmpty() && now.locations().labels().isEmpty()) {
            return null;
        }
        RuleFit fit = fit(region, region.peers());
        PlacementRule rule = fit.ruleOf(leaving);
        StoreInfo from = cluster.store(leaving.getStoreId());
        if (rule == null || from == null) {
            return "is not needed: the replica that would move there is there for no rule";
        }
        String objection = rule.objectionTo(target);
        if (objection != null) {
            return objection;
        }
        List<StoreInfo> beside = storesOf(fit.peersOf(rule));
        beside.removeIf(store -> store.id() == from.id());
        String tooClose =
                StoreFilters.apartFrom(beside, rule.locations()).test().refusal(target);
        if (tooClose != null) {
            return tooClose;
        }
        boolean nearer =
                rule.locations().crowding(target, beside) > rule.locations().crowding(from, beside);
        return nearer ? "is nearer to the other replicas" : null;
    }

    /** Those that are known. */
    public List<StoreInfo> storesOf(Collection<Peer> peers) {
        List<StoreInfo> found = new ArrayList<>();
        for (Peer peer : peers) {
            StoreInfo store = cluster.store(peer.getStoreId());
            if (store != null) {
                found.add(store);
            }
        }
        return found;
    }

    /**
     * A quick look whether a rule's replicas are as far from each other as can be: true if surely so, false if it is worth
     * looking for better stores.
     */
    public boolean isSpread(PlacementRule rule, Collection<StoreInfo> stores) {
        Locations locations = rule.locations();
        if (locations.labels().isEmpty()) {
            return true;
        }
        if (stores.stream().anyMatch(store -> stores.stream().anyMatch(other -> locations.isTooClose(store, other)))) {
            return false;
        }
        Map<String, Integer> byWidest = new HashMap<>();
        String widest = locations.labels().get(0);
        for (StoreInfo store : stores) {
            byWidest.merge(store.label(widest), 1, Integer::sum);
        }
        int places = Math.max(1, placesFor(rule));
        int most = byWidest.values().stream().mapToInt(count -> count).max().orElse(0);
        boolean evenly = most <= (stores.size() + places - 1) / places;
        return evenly && stores.stream().noneMatch(store -> locations.sharesNarrower(store, stores));
    }

    /** How many of the widest places a rule has to choose from; counted anew when the hard state has changed. */
    private int placesFor(PlacementRule rule) {
        Map<Long, Store> membership = cluster.membership();
        Places known = places;
        if (!sameMembership(known.membership(), membership)) {
            known = new Places(membership, new ConcurrentHashMap<>());
            places = known;
        }
        return known.byRule().computeIfAbsent(rule, this::countPlaces);
    }

    private int countPlaces(PlacementRule rule) {
        String widest = rule.locations().labels().get(0);
        Set<String> distinct = new HashSet<>();
        for (StoreInfo store : cluster.stores()) {
            if (store.store().getState() == StoreState.Up && rule.objectionTo(store) == null) {
                distinct.add(store.label(widest));
            }
        }
        return distinct.size();
    }

    /** By identity: the hard state hands out the very same map until a store changes. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean sameMembership(Map<Long, Store> before, Map<Long, Store> now) {
        return before == now;
    }

    /** Who of the Region's peers shall lead it when its leader must go: the one whose store has least to lead. */
    public Optional<Peer> forLeader(RegionInfo region, Collection<Peer> leaving) {
        List<StoreFilter> all = filters.newLeader();
        return region.peers().stream()
                .filter(peer -> !region.isLeader(peer) && !leaving.contains(peer) && mayLead(region, peer))
                .filter(peer -> {
                    StoreInfo store = cluster.store(peer.getStoreId());
                    return store != null && StoreFilter.refusal(all, store) == null;
                })
                .min(Comparator.comparingLong(peer -> leadersBytes(peer.getStoreId())));
    }

    /** Why a peer can't be given the lead, in words; "store 3 could lead" if it can. */
    public String objectionToLead(RegionInfo region, Peer peer) {
        StoreInfo store = cluster.store(peer.getStoreId());
        String refusal;
        if (store == null) {
            refusal = "is not known";
        } else if (region.isPending(peer)) {
            refusal = "is still catching up";
        } else if (!mayLead(region, peer)) {
            refusal = peer.getRole() == PeerRole.Voter
                    ? "has a replica that the placement rules let not lead"
                    : "has a replica that does not vote";
        } else {
            refusal = StoreFilter.refusal(filters.newLeader(), store);
        }
        return "store " + peer.getStoreId() + " " + (refusal == null ? "could lead" : refusal);
    }

    /** True if the peer itself could lead, whatever its store is like: it votes, has all there is, and the rules let it. */
    public boolean mayLead(RegionInfo region, Peer peer) {
        return peer.getRole() == PeerRole.Voter
                && !region.isPending(peer)
                && (options.get().rules().isEmpty()
                        || fit(region, region.peers()).mayLead(peer));
    }

    /**
     * Among these, the one that would gain most from having a replica less: silent, crowded, loaded, in this order.
     *
     * @param all where the rule's replicas are, the candidates' among them
     */
    public @Nullable StoreInfo mostDispensable(List<StoreInfo> candidates, List<StoreInfo> all, Locations locations) {
        return candidates.stream()
                .min(Comparator.comparing((StoreInfo store) -> store.liveness() == Liveness.UP)
                        .thenComparing(store -> locations.crowding(store, all), Comparator.reverseOrder())
                        .thenComparing(this::load, Comparator.reverseOrder())
                        .thenComparing(StoreInfo::id))
                .orElse(null);
    }

    /** With what is on its way. */
    private double load(StoreInfo store) {
        return score.of(store, underWay.influenceOn(store.id()));
    }

    private long leadersBytes(long storeId) {
        StoreInfo store = cluster.store(storeId);
        StoreInfluence influence = underWay.influenceOn(storeId);
        return (store == null ? 0 : store.load().leadersBytes()) + influence.leadersBytes();
    }
}
