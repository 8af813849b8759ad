package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.ChangePeerV2;
import io.rutile.protocol.pdpb.CheckPolicy;
import io.rutile.protocol.pdpb.Merge;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.SplitRegion;
import io.rutile.protocol.pdpb.TransferLeader;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** One command to a Region's leader, repeated with every heartbeat until a heartbeat shows its effect (D1). */
public sealed interface OperatorStep {

    /** Fills in what the leader is told. */
    void command(RegionHeartbeatResponse.Builder response);

    /** False if there is nothing to tell the leader. */
    default boolean isCommanded() {
        return true;
    }

    boolean isFinished(RegionInfo region);

    /**
     * True if it has failed, and saying it again would not help.
     *
     * @param planned the Region as it was when the operator was planned
     */
    default boolean isOff(RegionInfo planned, RegionInfo region) {
        return false;
    }

    /** How long it may take before the operator is given up. */
    Duration timeout();

    /** By how much it moves the Region's conf_ver. */
    default int confVerChange() {
        return 1;
    }

    /** True if the Region's range, and with it its version, may change while this is carried out. */
    default boolean changesRange() {
        return false;
    }

    /**
     * What it changes on which store.
     *
     * @param planned the Region as it was when the operator was planned
     */
    List<StepInfluence> influence(RegionInfo planned);

    /** Takes one incarnation of a replica away. */
    record RemovePeer(Peer peer) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setChangePeer(ChangePeer.newBuilder().setPeer(peer).setChangeType(ConfChangeType.RemoveNode));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            Peer there = region.peerOn(peer.getStoreId());
            return there == null || there.getId() != peer.getId();
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(1);
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of(new StepInfluence(peer.getStoreId(), -1, 0));
        }

        @Override
        public String toString() {
            return "remove peer " + peer.getId() + " from store " + peer.getStoreId();
        }
    }

    /** Hands leadership to a voter. */
    record TransferLeadership(Peer to) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setTransferLeader(TransferLeader.newBuilder().setPeer(to));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            return region.isLeader(to);
        }

        @Override
        public Duration timeout() {
            return Duration.ofSeconds(30);
        }

        @Override
        public int confVerChange() {
            return 0;
        }

        /** An operator has one at most, so the leader to be relieved is the one that led when it was planned. */
        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            Peer from = planned.leader();
            StepInfluence gains = new StepInfluence(to.getStoreId(), 0, 1);
            return from == null ? List.of(gains) : List.of(new StepInfluence(from.getStoreId(), 0, -1), gains);
        }

        @Override
        public String toString() {
            return "transfer leader to peer " + to.getId() + " on store " + to.getStoreId();
        }
    }

    /** A replica that has the data and no vote. */
    record AddLearner(Peer peer) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setChangePeer(ChangePeer.newBuilder().setPeer(peer).setChangeType(ConfChangeType.AddLearnerNode));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            Peer there = region.peerOn(peer.getStoreId());
            return there != null && there.getId() == peer.getId() && !region.isPending(there);
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(10);
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of(new StepInfluence(peer.getStoreId(), 1, 0));
        }

        @Override
        public String toString() {
            return "add learner " + peer.getId() + " on store " + peer.getStoreId();
        }
    }

    /** Gives a learner that has caught up a vote; it has it once the leader no longer calls it pending. */
    record PromoteLearner(Peer peer) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setChangePeer(ChangePeer.newBuilder()
                    .setPeer(peer.toBuilder().setRole(PeerRole.Voter))
                    .setChangeType(ConfChangeType.AddNode));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            Peer there = region.peerOn(peer.getStoreId());
            return there != null
                    && there.getId() == peer.getId()
                    && there.getRole() == PeerRole.Voter
                    && !region.isPending(there);
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(1);
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of();
        }

        @Override
        public String toString() {
            return "promote learner " + peer.getId() + " on store " + peer.getStoreId();
        }
    }

    /**
     * Learners that have caught up get a vote and others go, in one joint change: neither the majority before nor the one after
     * is ever passed over, and the Region never has more voters than it wants.
     *
     * @param promote learners
     * @param remove peers, not the leader
     */
    record ChangePeers(List<Peer> promote, List<Peer> remove) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            ChangePeerV2.Builder joint = ChangePeerV2.newBuilder();
            promote.forEach(peer -> joint.addChanges(ChangePeer.newBuilder()
                    .setPeer(peer.toBuilder().setRole(PeerRole.Voter))
                    .setChangeType(ConfChangeType.AddNode)));
            remove.forEach(peer ->
                    joint.addChanges(ChangePeer.newBuilder().setPeer(peer).setChangeType(ConfChangeType.RemoveNode)));
            response.setChangePeerV2(joint);
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            return promote.stream().allMatch(peer -> new PromoteLearner(peer).isFinished(region))
                    && remove.stream().allMatch(peer -> new RemovePeer(peer).isFinished(region));
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(1L + promote.size() + remove.size());
        }

        @Override
        public int confVerChange() {
            return promote.size() + remove.size();
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return remove.stream()
                    .map(peer -> new StepInfluence(peer.getStoreId(), -1, 0))
                    .toList();
        }

        @Override
        public String toString() {
            Stream<String> changes = Stream.concat(
                    promote.stream().map(peer -> new PromoteLearner(peer).toString()),
                    remove.stream().map(peer -> new RemovePeer(peer).toString()));
            return changes.collect(Collectors.joining(" and ", "", " at once"));
        }
    }

    /** Splits the Region at these keys. */
    record SplitAt(List<ByteKey> keys) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            SplitRegion.Builder split = SplitRegion.newBuilder().setPolicy(CheckPolicy.USEKEY);
            keys.forEach(key -> split.addKeys(key.toByteString()));
            response.setSplitRegion(split);
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            return keys.stream()
                    .noneMatch(key ->
                            region.range().contains(key) && !region.startKey().equals(key));
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(1);
        }

        @Override
        public int confVerChange() {
            return 0;
        }

        @Override
        public boolean changesRange() {
            return true;
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of();
        }

        /** Without the keys, which may be users'. */
        @Override
        public String toString() {
            return "split into " + (keys.size() + 1);
        }
    }

    /** Splits the Region where its leader finds the middle of it. */
    record Bisect(KeyRange range) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setSplitRegion(SplitRegion.newBuilder().setPolicy(CheckPolicy.APPROXIMATE));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            return !region.range().equals(range);
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(1);
        }

        @Override
        public int confVerChange() {
            return 0;
        }

        @Override
        public boolean changesRange() {
            return true;
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of();
        }

        @Override
        public String toString() {
            return "split in the middle";
        }
    }

    /**
     * Merges the Region into its neighbour, after which there is no heartbeat of it any more: what shows the end is the
     * neighbour's, whose operator takes this one with it.
     */
    record MergeInto(Region target) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setMerge(Merge.newBuilder().setTarget(target));
        }

        @Override
        public boolean isFinished(RegionInfo region) {
            return false;
        }

        /** A Region that is prepared has the next version; one that has rolled back has another still. */
        @Override
        public boolean isOff(RegionInfo planned, RegionInfo region) {
            return region.epoch().getVersion() > planned.epoch().getVersion() + 1;
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(10);
        }

        @Override
        public boolean changesRange() {
            return true;
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of();
        }

        @Override
        public String toString() {
            return "merge into region " + target.getId();
        }
    }

    /** The neighbour's side of a merge: it is told nothing, and is left alone until it has taken the other's range over. */
    record Absorb(Region source) implements OperatorStep {

        @Override
        public boolean isCommanded() {
            return false;
        }

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {}

        @Override
        public boolean isFinished(RegionInfo region) {
            return region.range().contains(ByteKey.of(source.getStartKey()));
        }

        /** The first change of its range decides; this one was another. */
        @Override
        public boolean isOff(RegionInfo planned, RegionInfo region) {
            return !region.epoch().equals(planned.epoch()) && !isFinished(region);
        }

        @Override
        public Duration timeout() {
            return Duration.ofMinutes(10);
        }

        @Override
        public boolean changesRange() {
            return true;
        }

        @Override
        public List<StepInfluence> influence(RegionInfo planned) {
            return List.of();
        }

        @Override
        public String toString() {
            return "absorb region " + source.getId();
        }
    }
}
