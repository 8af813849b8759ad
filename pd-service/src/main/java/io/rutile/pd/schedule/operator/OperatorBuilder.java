package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorStep.AddLearner;
import io.rutile.pd.schedule.operator.OperatorStep.AddPeer;
import io.rutile.pd.schedule.operator.OperatorStep.RemovePeer;
import io.rutile.pd.schedule.operator.OperatorStep.TransferLeadership;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Collects what should become of a Region's replicas and puts the steps in the one safe order: each replica is added before
 * another one goes, the leader moves off what goes, and a peer that leads goes last (D2).
 */
public final class OperatorBuilder {

    private final RegionInfo region;
    private final Purpose purpose;
    private final List<Long> addOn = new ArrayList<>();
    private final List<Peer> remove = new ArrayList<>();
    private final List<Long> learnersOn = new ArrayList<>();
    /** What is done beside, or instead of, changing who has a replica. */
    private final List<OperatorStep> others = new ArrayList<>();

    private long partner;
    private boolean skipsStoreLimits;
    /** 0 if anybody may lead. */
    private long leaderOn;

    public OperatorBuilder(RegionInfo region, Purpose purpose) {
        this.region = region;
        this.purpose = purpose;
    }

    public OperatorBuilder addOn(long storeId) {
        if (region.peerOn(storeId) != null) {
            throw new IllegalArgumentException(
                    "store " + storeId + " has a peer of region " + region.id() + " already");
        }
        addOn.add(storeId);
        return this;
    }

    /** For stores that know learners. */
    public OperatorBuilder addLearnerOn(long storeId) {
        addOn(storeId);
        learnersOn.add(storeId);
        return this;
    }

    public OperatorBuilder promote(Peer learner) {
        others.add(new OperatorStep.PromoteLearner(learner));
        return this;
    }

    public OperatorBuilder splitAt(List<ByteKey> keys) {
        others.add(new OperatorStep.SplitAt(List.copyOf(keys)));
        return this;
    }

    /** Together with {@link #absorb} of the neighbour's operator. */
    public OperatorBuilder mergeInto(RegionInfo target) {
        others.add(new OperatorStep.MergeInto(target.region()));
        partner = target.id();
        return this;
    }

    /** Together with {@link #mergeInto} of the neighbour's operator. */
    public OperatorBuilder absorb(RegionInfo source) {
        others.add(new OperatorStep.Absorb(source.region()));
        partner = source.id();
        return this;
    }

    public OperatorBuilder remove(Peer peer) {
        remove.add(peer);
        return this;
    }

    /** Whoever has, or is to receive, a replica and stays. */
    public OperatorBuilder leaderOn(long storeId) {
        boolean stays = addOn.contains(storeId)
                || region.peerOn(storeId) != null && remove.stream().noneMatch(peer -> peer.getStoreId() == storeId);
        if (!stays) {
            throw new IllegalArgumentException(
                    "store " + storeId + " is to have no peer of region " + region.id() + ", so it can't lead it");
        }
        leaderOn = storeId;
        return this;
    }

    /** Its replicas move however many have moved before; they count all the same. */
    public OperatorBuilder skipStoreLimits() {
        skipsStoreLimits = true;
        return this;
    }

    public RegionInfo region() {
        return region;
    }

    public Purpose purpose() {
        return purpose;
    }

    /** The stores that shall receive a replica. */
    public List<Long> receivingStores() {
        return List.copyOf(addOn);
    }

    /** The peers that shall go. */
    public List<Peer> removedPeers() {
        return List.copyOf(remove);
    }

    /** Where the leader shall be, if that was said. */
    public Optional<Long> leaderStore() {
        return leaderOn == 0 ? Optional.empty() : Optional.of(leaderOn);
    }

    /** Gives new peers their ids, never used before (R3), and orders the steps. */
    public CompletableFuture<Operator> build(IdAllocator ids, long nowNanos) {
        if (addOn.isEmpty()) {
            return CompletableFuture.completedFuture(operator(0, nowNanos));
        }
        return ids.allocate(addOn.size()).thenApply(last -> operator(last - addOn.size() + 1, nowNanos));
    }

    private Operator operator(long firstPeerId, long nowNanos) {
        boolean skips = skipsStoreLimits || purpose.kind() == OperatorKind.ADMIN;
        return new Operator(purpose, region, steps(firstPeerId), partner, skips, nowNanos);
    }

    private List<OperatorStep> steps(long firstPeerId) {
        List<Peer> added = new ArrayList<>();
        for (long storeId : addOn) {
            added.add(Peer.newBuilder()
                    .setId(firstPeerId + added.size())
                    .setStoreId(storeId)
                    .setRole(learnersOn.contains(storeId) ? PeerRole.Learner : PeerRole.Voter)
                    .build());
        }
        List<Peer> leaving = new ArrayList<>(remove);
        leaving.removeIf(region::isLeader);
        List<OperatorStep> steps = new ArrayList<>(others);
        Iterator<Peer> next = leaving.iterator();
        for (Peer peer : added) {
            steps.add(peer.getRole() == PeerRole.Learner ? new AddLearner(peer) : new AddPeer(peer));
            if (next.hasNext()) {
                steps.add(new RemovePeer(next.next()));
            }
        }
        next.forEachRemaining(peer -> steps.add(new RemovePeer(peer)));
        Peer leader = region.leader();
        Peer successor = successor(added);
        if (successor != null && (leader == null || successor.getId() != leader.getId())) {
            steps.add(new TransferLeadership(successor));
        }
        remove.stream().filter(region::isLeader).forEach(peer -> steps.add(new RemovePeer(peer)));
        return steps;
    }

    /** Who shall lead: as was said; else, if the leader goes, one that was there before rather than a new one. */
    private @Nullable Peer successor(List<Peer> added) {
        List<Peer> staying = new ArrayList<>(region.peers());
        staying.removeIf(peer -> remove.contains(peer) || region.isPending(peer));
        staying.addAll(added);
        staying.removeIf(peer -> peer.getRole() == PeerRole.Learner);
        if (leaderOn != 0) {
            return staying.stream()
                    .filter(peer -> peer.getStoreId() == leaderOn)
                    .findFirst()
                    .orElse(null);
        }
        boolean leaderGoes = remove.stream().anyMatch(region::isLeader);
        return leaderGoes && !staying.isEmpty() ? staying.get(0) : null;
    }
}
