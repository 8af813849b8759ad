package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Which replica of a Region is there for which rule. As many are given a rule as possible: a bipartite matching of replicas
 * with the places of the rules, grown by augmenting paths, so that a rule which asks for little never takes what another needs.
 */
public final class RuleFit {

    private final RegionInfo region;
    private final List<PlacementRule> rules;
    private final LongFunction<@Nullable StoreInfo> stores;
    private final Map<Long, StoreInfo> known = new HashMap<>();
    /** Replica by place: places of one rule lie side by side, rules in order. */
    private final List<Place> places = new ArrayList<>();

    private final Map<Long, Place> byPeer = new LinkedHashMap<>();

    private static final class Place {
        private final PlacementRule rule;
        private @Nullable Peer peer;

        Place(PlacementRule rule) {
            this.rule = rule;
        }
    }

    /**
     * Matches the replicas that count.
     *
     * @param rules in order
     * @param kept replicas that are there to stay; those on stores that are gone are not
     * @param stores by id, null if unknown
     */
    public RuleFit(
            RegionInfo region, List<PlacementRule> rules, List<Peer> kept, LongFunction<@Nullable StoreInfo> stores) {
        this.region = region;
        this.rules = rules;
        this.stores = stores;
        for (PlacementRule rule : rules) {
            for (int i = 0; i < rule.count(); i++) {
                places.add(new Place(rule));
            }
        }
        List<Peer> ordered = new ArrayList<>(kept);
        // Who is right as it is comes first, so that it is whoever is left over that has to change or go.
        ordered.sort(Comparator.comparing((Peer peer) -> !region.isLeader(peer))
                .thenComparing(peer -> peer.getRole() == PeerRole.Learner)
                .thenComparingLong(Peer::getId));
        for (Peer peer : ordered) {
            place(peer, new HashSet<>());
        }
    }

    /** Finds a place for the replica, moving others to other places if need be. */
    private boolean place(Peer peer, Set<Place> tried) {
        List<Place> candidates = new ArrayList<>(places);
        candidates.removeIf(place -> !fits(peer, place.rule));
        candidates.sort(Comparator.comparing((Place place) -> !hasRole(peer, place.rule)));
        for (Place place : candidates) {
            if (tried.add(place) && (place.peer == null || place(place.peer, tried))) {
                place.peer = peer;
                byPeer.put(peer.getId(), place);
                return true;
            }
        }
        return false;
    }

    /** Asked for each place; in a large cluster a look-up costs more than all the rest of a fit. */
    private @Nullable StoreInfo storeOf(Peer peer) {
        StoreInfo store = known.get(peer.getStoreId());
        if (store == null) {
            store = stores.apply(peer.getStoreId());
            if (store != null) {
                known.put(peer.getStoreId(), store);
            }
        }
        return store;
    }

    /** A learner can be made a voter; nothing is made of a voter but another place's voter. */
    private boolean fits(Peer peer, PlacementRule rule) {
        StoreInfo store = storeOf(peer);
        boolean learns = peer.getRole() == PeerRole.Learner;
        return store != null && (learns || rule.role().votes()) && rule.objectionTo(store) == null;
    }

    private boolean hasRole(Peer peer, PlacementRule rule) {
        boolean learns = peer.getRole() == PeerRole.Learner;
        return switch (rule.role()) {
            case VOTER -> !learns;
            case LEADER -> region.isLeader(peer);
            case FOLLOWER -> !learns && !region.isLeader(peer);
            case LEARNER -> learns;
        };
    }

    public List<PlacementRule> rules() {
        return rules;
    }

    /** The rule that a replica is there for; null if it is there for none. */
    public @Nullable PlacementRule ruleOf(Peer peer) {
        Place place = byPeer.get(peer.getId());
        return place == null ? null : place.rule;
    }

    /** The replicas that are there for a rule. */
    public List<Peer> peersOf(PlacementRule rule) {
        List<Peer> found = new ArrayList<>();
        for (Place place : places) {
            Peer peer = place.peer;
            if (peer != null && place.rule.equals(rule)) {
                found.add(peer);
            }
        }
        return found;
    }

    /** Rules with fewer replicas than they ask for, in order. */
    public List<PlacementRule> unsatisfied() {
        return rules.stream()
                .filter(rule -> peersOf(rule).size() < rule.count())
                .toList();
    }

    /** True if a replica could be there for the rule, whatever it is there for now. */
    public boolean couldServe(Peer peer, PlacementRule rule) {
        return fits(peer, rule);
    }

    /** True if the rules let this replica lead: those with a leader of their own let nobody else. */
    public boolean mayLead(Peer peer) {
        PlacementRule mine = ruleOf(peer);
        boolean reserved = rules.stream()
                .anyMatch(rule -> rule.role() == PlacementRule.Role.LEADER
                        && !peersOf(rule).isEmpty());
        return mine != null
                && (reserved
                        ? mine.role() == PlacementRule.Role.LEADER
                        : mine.role().mayLead());
    }
}
