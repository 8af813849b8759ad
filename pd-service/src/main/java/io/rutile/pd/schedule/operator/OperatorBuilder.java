package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.OperatorStep.AddPeer;
import io.rutile.pd.schedule.operator.OperatorStep.RemovePeer;
import io.rutile.pd.schedule.operator.OperatorStep.TransferLeadership;
import io.rutile.protocol.metapb.Peer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Collects what should become of a Region's replicas and puts the steps in the one safe order: add, then move the leader off
 * what goes, then remove (D2).
 */
public final class OperatorBuilder {

    private final RegionInfo region;
    private final String why;
    private final List<Long> addOn = new ArrayList<>();
    private final List<Peer> remove = new ArrayList<>();
    /** 0 if anybody may lead. */
    private long leaderOn;

    /** @param why in words for whoever watches PD */
    public OperatorBuilder(RegionInfo region, String why) {
        this.region = region;
        this.why = why;
    }

    public OperatorBuilder addOn(long storeId) {
        if (region.peerOn(storeId) != null) {
            throw new IllegalArgumentException(
                    "store " + storeId + " has a peer of region " + region.id() + " already");
        }
        addOn.add(storeId);
        return this;
    }

    public OperatorBuilder remove(Peer peer) {
        remove.add(peer);
        return this;
    }

    /** Whoever has a replica there and stays. */
    public OperatorBuilder leaderOn(long storeId) {
        if (region.peerOn(storeId) == null || remove.stream().anyMatch(peer -> peer.getStoreId() == storeId)) {
            throw new IllegalArgumentException(
                    "store " + storeId + " is to have no peer of region " + region.id() + ", so it can't lead it");
        }
        leaderOn = storeId;
        return this;
    }

    public RegionInfo region() {
        return region;
    }

    /** The stores that shall receive a replica. */
    public List<Long> receivingStores() {
        return List.copyOf(addOn);
    }

    /** The peers that shall go. */
    public List<Peer> removedPeers() {
        return List.copyOf(remove);
    }

    public String why() {
        return why;
    }

    /** Gives new peers their ids, never used before (R3), and orders the steps. */
    public CompletableFuture<Operator> build(IdAllocator ids, long nowNanos) {
        if (addOn.isEmpty()) {
            return CompletableFuture.completedFuture(new Operator(why, region, steps(0), nowNanos));
        }
        return ids.allocate(addOn.size())
                .thenApply(last -> new Operator(why, region, steps(last - addOn.size() + 1), nowNanos));
    }

    private List<OperatorStep> steps(long firstPeerId) {
        List<OperatorStep> steps = new ArrayList<>();
        long peerId = firstPeerId;
        for (long storeId : addOn) {
            steps.add(new AddPeer(
                    Peer.newBuilder().setId(peerId++).setStoreId(storeId).build()));
        }
        if (leaderOn != 0 || remove.stream().anyMatch(region::isLeader)) {
            successor().ifPresent(peer -> steps.add(new TransferLeadership(peer)));
        }
        remove.forEach(peer -> steps.add(new RemovePeer(peer)));
        return steps;
    }

    private Optional<Peer> successor() {
        return region.peers().stream()
                .filter(peer -> !remove.contains(peer) && !region.isPending(peer))
                .filter(peer -> leaderOn == 0 || peer.getStoreId() == leaderOn)
                .findFirst();
    }
}
