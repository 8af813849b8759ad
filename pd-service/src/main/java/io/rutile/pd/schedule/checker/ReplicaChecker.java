package io.rutile.pd.schedule.checker;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a Region at its number of replicas, each on a store that lives: too few, one is added; one lost for good, another is
 * added first and the lost one removed after; too many, one is removed. One change at a time.
 */
public final class ReplicaChecker {

    private final ClusterState cluster;
    private final StoreChoice stores;

    /**
     * @param underWay replicas that a store is receiving now
     * @param underWayMax how many a store may receive at once
     * @param freeBytesMin a store with less space gets no new replica
     */
    public ReplicaChecker(ClusterState cluster, LongUnaryOperator underWay, int underWayMax, long freeBytesMin) {
        this.cluster = cluster;
        this.stores = new StoreChoice(cluster, underWay, underWayMax, freeBytesMin);
    }

    public Finding check(RegionInfo region) {
        if (region.leader() == null) {
            return Finding.blocked("no leader has reported it");
        }
        Peer unsettled = unsettledPeer(region);
        if (unsettled != null) {
            return Finding.blocked(
                    "peer " + unsettled.getId() + " on store " + unsettled.getStoreId() + " has not caught up yet");
        }

        int wanted = cluster.maxReplicas();
        List<Peer> lost = region.peers().stream().filter(this::isLost).toList();
        int kept = region.peers().size() - lost.size();
        if (kept < wanted) {
            return add(region, wanted, kept, lost);
        }
        if (!lost.isEmpty()) {
            return remove(region, lost.get(0), "its store " + lost.get(0).getStoreId() + " is gone or leaving");
        }
        if (kept > wanted) {
            return remove(region, mostDispensable(region), kept + " replicas are more than " + wanted);
        }
        return Finding.healthy("it has " + kept + " replicas");
    }

    private Finding add(RegionInfo region, int wanted, int kept, List<Peer> lost) {
        List<String> refusals = new ArrayList<>();
        Optional<StoreInfo> target = stores.forNewPeer(region, refusals);
        String why = kept + " of " + wanted + " replicas" + (lost.isEmpty() ? "" : ", lost on " + storesOf(lost));
        if (target.isEmpty()) {
            return Finding.blocked(why + ", but no store can take one: " + String.join("; ", refusals));
        }
        if (!hasMajority(region.peers(), 1)) {
            return Finding.blocked(why + ", but too few of its stores are up to agree on a change");
        }
        return new Finding.Repair(
                new OperatorBuilder(region, why).addOn(target.get().id()));
    }

    private Finding remove(RegionInfo region, Peer peer, String why) {
        List<Peer> rest =
                region.peers().stream().filter(p -> p.getId() != peer.getId()).toList();
        if (!hasMajority(rest, 0)) {
            return Finding.blocked(why + ", but removing it would leave no majority of stores that are up");
        }
        return new Finding.Repair(new OperatorBuilder(region, why).remove(peer));
    }

    /** D2: of these peers and the {@code joining} ones, which count only once they have caught up, more than half are up. */
    private boolean hasMajority(List<Peer> peers, int joining) {
        long up = peers.stream()
                .map(peer -> cluster.store(peer.getStoreId()))
                .filter(store -> store != null && store.liveness() == Liveness.UP)
                .count();
        return (up + joining) * 2 > peers.size() + joining;
    }

    private boolean isLost(Peer peer) {
        StoreInfo store = cluster.store(peer.getStoreId());
        return store == null || !store.keepsReplicas();
    }

    /** A peer that is between two states, unless its store is gone: then it will never settle. */
    private @Nullable Peer unsettledPeer(RegionInfo region) {
        for (Peer peer : region.peers()) {
            if (!isLost(peer) && (peer.getRole() != PeerRole.Voter || region.isPending(peer))) {
                return peer;
            }
        }
        return null;
    }

    /** Never the leader: there is no need to move it. */
    private Peer mostDispensable(RegionInfo region) {
        List<StoreInfo> candidates = new ArrayList<>();
        for (Peer peer : region.peers()) {
            StoreInfo store = cluster.store(peer.getStoreId());
            if (store != null && !region.isLeader(peer)) {
                candidates.add(store);
            }
        }
        return Objects.requireNonNull(
                region.peerOn(stores.mostLoaded(candidates).id()));
    }

    private static List<Long> storesOf(List<Peer> peers) {
        return peers.stream().map(Peer::getStoreId).toList();
    }
}
