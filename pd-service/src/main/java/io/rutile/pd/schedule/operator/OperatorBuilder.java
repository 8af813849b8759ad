package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.IdAllocator;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorStep.AddLearner;
import io.rutile.pd.schedule.operator.OperatorStep.ChangePeers;
import io.rutile.pd.schedule.operator.OperatorStep.PromoteLearner;
import io.rutile.pd.schedule.operator.OperatorStep.RemovePeer;
import io.rutile.pd.schedule.operator.OperatorStep.TransferLeadership;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Collects what should become of a Region's replicas and puts the steps in the one safe order (D2): each new replica is a learner
 * until it has caught up; a leader that goes hands over first; then those who are to vote get their vote and those who are to go
 * go, in one joint change if that is more than one change. Only where nobody can take over before that does the leader go
 * last, alone.
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

    /** A replica that is there to stay without a vote. */
    public OperatorBuilder addLearnerOn(long storeId) {
        addOn(storeId);
        learnersOn.add(storeId);
        return this;
    }

    public OperatorBuilder promote(Peer learner) {
        others.add(new PromoteLearner(learner));
        return this;
    }

    public OperatorBuilder splitAt(List<ByteKey> keys) {
        others.add(new OperatorStep.SplitAt(List.copyOf(keys)));
        return this;
    }

    /** In two, where the Region's leader finds the middle. */
    public OperatorBuilder bisect() {
        others.add(new OperatorStep.Bisect(region.range()));
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
        List<Peer> voters = new ArrayList<>();
        List<OperatorStep> steps = new ArrayList<>(others);
        for (int i = 0; i < addOn.size(); i++) {
            Peer peer = Peer.newBuilder()
                    .setId(firstPeerId + i)
                    .setStoreId(addOn.get(i))
                    .setRole(PeerRole.Learner)
                    .build();
            steps.add(new AddLearner(peer));
            if (!learnersOn.contains(peer.getStoreId())) {
                voters.add(peer);
            }
        }
        boolean leaderGoes = remove.stream().anyMatch(region::isLeader);
        Peer successor = successor(voters);
        if (successor != null && leaderGoes && !voters.contains(successor)) {
            steps.add(new TransferLeadership(successor));
            change(voters, remove, steps);
            return steps;
        }
        // The leader stays, or whoever takes over needs a vote first.
        List<Peer> followers =
                remove.stream().filter(peer -> !region.isLeader(peer)).toList();
        change(voters, followers, steps);
        if (successor != null) {
            steps.add(new TransferLeadership(asVoter(successor)));
        }
        remove.stream().filter(region::isLeader).forEach(peer -> steps.add(new RemovePeer(peer)));
        return steps;
    }

    /** One change is told as one; several are one joint change. */
    private static void change(List<Peer> promote, List<Peer> leave, List<OperatorStep> steps) {
        if (promote.size() + leave.size() > 1) {
            steps.add(new ChangePeers(List.copyOf(promote), List.copyOf(leave)));
            return;
        }
        promote.forEach(peer -> steps.add(new PromoteLearner(peer)));
        leave.forEach(peer -> steps.add(new RemovePeer(peer)));
    }

    /**
     * Who shall take over: as was said; else, if the leader goes, one that was there before rather than a new one. Null if the
     * leader stays, or nobody can.
     */
    private @Nullable Peer successor(List<Peer> added) {
        List<Peer> staying = new ArrayList<>(region.peers());
        staying.removeIf(peer -> remove.contains(peer) || region.isPending(peer) || peer.getRole() == PeerRole.Learner);
        staying.addAll(added);
        boolean leaderGoes = remove.stream().anyMatch(region::isLeader);
        return staying.stream()
                .filter(peer -> leaderOn == 0 ? leaderGoes : peer.getStoreId() == leaderOn)
                .filter(peer -> !region.isLeader(peer))
                .findFirst()
                .orElse(null);
    }

    private static Peer asVoter(Peer peer) {
        return peer.toBuilder().setRole(PeerRole.Voter).build();
    }
}
