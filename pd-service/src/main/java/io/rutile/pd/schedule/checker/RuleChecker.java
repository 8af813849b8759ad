package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.PlacementRule;
import io.rutile.pd.schedule.placement.PlacementRule.Role;
import io.rutile.pd.schedule.placement.Refusals;
import io.rutile.pd.schedule.placement.RuleFit;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a Region's replicas as the placement rules, or the replica count where there are none, have them, each on a store that
 * lives: too few, one is added; one lost for good, another is added first and the lost one removed after; too many, one is
 * removed; two nearer to each other than they must be, one moves; the wrong one leads, another does. One change at a time.
 *
 * <p>Lost is a replica with its store, or alone: its leader has heard nothing of it for as long as a store may be silent, although its
 * store lives. If no other store can take its place, its own can, once it has gone.
 */
public final class RuleChecker {

    private final ClusterState cluster;
    private final StoreChoice stores;

    public RuleChecker(ClusterState cluster, StoreChoice stores) {
        this.cluster = cluster;
        this.stores = stores;
    }

    public Finding check(RegionInfo region) {
        if (region.leader() == null) {
            return Finding.blocked("no leader has reported it");
        }
        if (!hasMajority(region, region.peers(), 0)) {
            List<Peer> silent = region.peers().stream()
                    .filter(peer -> peer.getRole() != PeerRole.Learner && !isUp(region, peer))
                    .toList();
            return Finding.blocked("too few of its stores are up to agree on anything: " + silent.size() + " of "
                    + region.peers().size() + " replicas are not, on " + storeIds(silent));
        }
        List<Peer> lost =
                region.peers().stream().filter(peer -> isLost(region, peer)).toList();
        List<Peer> kept =
                region.peers().stream().filter(peer -> !lost.contains(peer)).toList();
        Peer unsettled = unsettledPeer(region, kept);
        if (unsettled != null) {
            return Finding.blocked(
                    "peer " + unsettled.getId() + " on store " + unsettled.getStoreId() + " has not caught up yet");
        }

        RuleFit fit = stores.fit(region, kept);
        List<PlacementRule> unsatisfied = fit.unsatisfied();
        if (!unsatisfied.isEmpty()) {
            return add(region, fit, unsatisfied, lost);
        }
        if (!lost.isEmpty()) {
            return remove(region, lost.get(0), lossOf(region, lost.get(0)));
        }
        List<Peer> surplus =
                kept.stream().filter(peer -> fit.ruleOf(peer) == null).toList();
        if (!surplus.isEmpty()) {
            Peer least = mostDispensable(region, fit, surplus.get(0));
            int wanted = fit.rules().stream().mapToInt(PlacementRule::count).sum();
            return remove(region, least, kept.size() + " replicas are more than " + wanted);
        }
        return arrange(region, fit);
    }

    /** Replicas enough, and none too many; but are they the right ones? */
    private Finding arrange(RegionInfo region, RuleFit fit) {
        String note = "";
        for (PlacementRule rule : fit.rules()) {
            Finding found = relocate(region, rule, fit);
            if (found instanceof Finding.Nothing nothing && nothing.healthy()) {
                note = nothing.reason().isEmpty() ? note : "; " + nothing.reason();
            } else {
                return found;
            }
        }
        Peer leader = Objects.requireNonNull(region.leader());
        Finding misled = fit.mayLead(leader) ? null : lead(region, leader, fit);
        return misled == null ? Finding.healthy("it has " + region.peers().size() + " replicas" + note) : misled;
    }

    private Finding add(RegionInfo region, RuleFit fit, List<PlacementRule> unsatisfied, List<Peer> lost) {
        String blocked = "";
        boolean worthWaiting = false;
        for (PlacementRule rule : unsatisfied) {
            List<Peer> there = fit.peersOf(rule);
            String why = there.size() + " of " + rule.count() + " " + nameOf(rule)
                    + (lost.isEmpty() ? "" : ", lost on " + storeIds(lost));
            if (!hasMajority(region, region.peers(), 1)) {
                return Finding.blocked(why + ", but too few of its stores are up to agree on a change");
            }
            Refusals refusals = new Refusals();
            Optional<StoreInfo> target = stores.forNewPeer(region, rule, stores.storesOf(there), refusals);
            if (target.isPresent()) {
                OperatorBuilder plan = plan(region, "add-replica", why);
                return new Finding.Repair(
                        rule.role() == Role.LEARNER
                                ? plan.addLearnerOn(target.get().id())
                                : plan.addOn(target.get().id()));
            }
            blocked = why + ", but no store can take one: " + refusals;
            worthWaiting |= refusals.someForNow();
        }
        if (worthWaiting) {
            return Finding.blocked(blocked);
        }
        // D2: without a vote that is never given, what is left needs the same replicas for a majority as before.
        for (Peer peer : lost) {
            if (!isOnLostStore(peer)) {
                return remove(region, peer, lossOf(region, peer) + " and only its own store can take another");
            }
        }
        return Finding.blocked(blocked);
    }

    private static String nameOf(PlacementRule rule) {
        return rule.name().equals("pd/default") ? "replicas" : "replicas for rule " + rule.name();
    }

    private Finding remove(RegionInfo region, Peer peer, String why) {
        List<Peer> rest =
                region.peers().stream().filter(p -> p.getId() != peer.getId()).toList();
        if (!hasMajority(region, rest, 0)) {
            return Finding.blocked(why + ", but removing it would leave no majority of stores that are up");
        }
        OperatorBuilder plan = plan(region, "remove-replica", why).remove(peer);
        if (region.isLeader(peer)) {
            stores.forLeader(region, List.of(peer)).ifPresent(next -> plan.leaderOn(next.getStoreId()));
        }
        return new Finding.Repair(plan);
    }

    /** A rule has its replicas; but is one of them nearer to another than it must be? */
    private Finding relocate(RegionInfo region, PlacementRule rule, RuleFit fit) {
        Locations locations = rule.locations();
        List<StoreInfo> on = stores.storesOf(fit.peersOf(rule));
        if (stores.isSpread(rule, on) || !hasMajority(region, region.peers(), 1)) {
            return Finding.healthy("");
        }
        // Never the leader: whom it is too near to is as near to it.
        List<StoreInfo> candidates =
                on.stream().filter(store -> !isLeaderOn(region, store)).toList();
        StoreInfo crowded = stores.mostDispensable(candidates, on, locations);
        if (crowded == null) {
            return Finding.healthy("");
        }
        List<StoreInfo> rest =
                on.stream().filter(store -> store.id() != crowded.id()).toList();
        Refusals refusals = new Refusals();
        Optional<StoreInfo> target = stores.forNewPeer(region, rule, rest, refusals);
        Peer leaving = Objects.requireNonNull(region.peerOn(crowded.id()));
        if (target.isPresent()
                && rule.role().votes()
                && locations.crowding(target.get(), rest) < locations.crowding(crowded, rest)) {
            String why =
                    "store " + target.get().id() + " is farther from the other replicas than store " + crowded.id();
            return new Finding.Repair(
                    plan(region, "move-replica", why).addOn(target.get().id()).remove(leaving));
        }
        boolean tooClose = rest.stream().anyMatch(other -> locations.isTooClose(crowded, other));
        return tooClose
                ? Finding.blocked(
                        "two replicas share a " + locations.isolation() + ", and no store can take one: " + refusals)
                : Finding.healthy("some share a place, but no store is farther");
    }

    private Finding lead(RegionInfo region, Peer leader, RuleFit fit) {
        PlacementRule rule = fit.ruleOf(leader);
        String why = "the leader is on store " + leader.getStoreId() + ", where "
                + (rule == null ? "no rule" : "rule " + rule.name()) + " lets it not be";
        List<String> objections = new ArrayList<>();
        for (Peer peer : region.peers()) {
            if (!region.isLeader(peer)) {
                objections.add(stores.objectionToLead(region, peer));
            }
        }
        return stores.forLeader(region, List.of(leader))
                .<Finding>map(next ->
                        new Finding.Repair(plan(region, "move-leader", why).leaderOn(next.getStoreId())))
                .orElseGet(() -> Finding.blocked(why + ", but nobody else can lead: " + String.join("; ", objections)));
    }

    private static OperatorBuilder plan(RegionInfo region, String name, String why) {
        return new OperatorBuilder(region, new Purpose(name, OperatorKind.REPAIR, why));
    }

    /** D2: of those with a vote and the {@code joining} ones, which count only once they have caught up, most are up. */
    private boolean hasMajority(RegionInfo region, List<Peer> peers, int joining) {
        int voters = joining;
        int votersUp = joining;
        for (Peer peer : peers) {
            if (peer.getRole() != PeerRole.Learner) {
                voters++;
                votersUp += isUp(region, peer) ? 1 : 0;
            }
        }
        return votersUp * 2 > voters;
    }

    private boolean isUp(RegionInfo region, Peer peer) {
        StoreInfo store = cluster.store(peer.getStoreId());
        return store != null && store.liveness() == Liveness.UP && region.downSeconds(peer) == 0;
    }

    private boolean isLost(RegionInfo region, Peer peer) {
        return isOnLostStore(peer)
                || region.downSeconds(peer) >= Math.max(1, cluster.downAfter().toSeconds());
    }

    private boolean isOnLostStore(Peer peer) {
        StoreInfo store = cluster.store(peer.getStoreId());
        return store == null || !store.keepsReplicas();
    }

    private String lossOf(RegionInfo region, Peer peer) {
        return isOnLostStore(peer)
                ? "its store " + peer.getStoreId() + " is gone or leaving"
                : "peer " + peer.getId() + " on store " + peer.getStoreId() + " has been dead for "
                        + region.downSeconds(peer) + " s";
    }

    /** A peer that is between two states; one whose store is gone will never settle and is not looked at. */
    private @Nullable Peer unsettledPeer(RegionInfo region, List<Peer> kept) {
        for (Peer peer : kept) {
            boolean settled = peer.getRole() == PeerRole.Voter || peer.getRole() == PeerRole.Learner;
            if (!settled || region.isPending(peer)) {
                return peer;
            }
        }
        return null;
    }

    /** Of the surplus replica and those whose place it could take; never the leader, for there is no need to move it. */
    private Peer mostDispensable(RegionInfo region, RuleFit fit, Peer surplus) {
        PlacementRule shared = fit.rules().stream()
                .filter(rule -> fit.couldServe(surplus, rule))
                .findFirst()
                .orElse(null);
        if (shared == null || surplus.getRole() == PeerRole.Learner) {
            // In a voter's stead it would have to be promoted first.
            return surplus;
        }
        List<Peer> all = new ArrayList<>(fit.peersOf(shared));
        all.add(surplus);
        List<StoreInfo> on = stores.storesOf(all);
        List<StoreInfo> candidates =
                on.stream().filter(store -> !isLeaderOn(region, store)).toList();
        StoreInfo least = stores.mostDispensable(candidates, on, shared.locations());
        return least == null ? surplus : Objects.requireNonNull(region.peerOn(least.id()));
    }

    private static boolean isLeaderOn(RegionInfo region, StoreInfo store) {
        Peer peer = region.peerOn(store.id());
        return peer != null && region.isLeader(peer);
    }

    private static List<Long> storeIds(List<Peer> peers) {
        return peers.stream().map(Peer::getStoreId).toList();
    }
}
