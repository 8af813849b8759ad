package io.rutile.pd.schedule.operator;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.TransferLeader;
import java.time.Duration;

/** One command to a Region's leader, repeated with every heartbeat until a heartbeat shows its effect (D1). */
public sealed interface OperatorStep {

    /** Fills in what the leader is told. */
    void command(RegionHeartbeatResponse.Builder response);

    boolean isFinished(RegionInfo region);

    /** How long it may take before the operator is given up. */
    Duration timeout();

    /** By how much it moves the Region's conf_ver. */
    default int confVerChange() {
        return 1;
    }

    /** Store that receives a new replica, 0 if none does. */
    default long receivingStore() {
        return 0;
    }

    /** The replica is caught up by the leader before it counts as a voter, so no learner step goes first. */
    record AddPeer(Peer peer) implements OperatorStep {

        @Override
        public void command(RegionHeartbeatResponse.Builder response) {
            response.setChangePeer(ChangePeer.newBuilder().setPeer(peer).setChangeType(ConfChangeType.AddNode));
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
        public long receivingStore() {
            return peer.getStoreId();
        }

        @Override
        public String toString() {
            return "add peer " + peer.getId() + " on store " + peer.getStoreId();
        }
    }

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

        @Override
        public String toString() {
            return "transfer leader to peer " + to.getId() + " on store " + to.getStoreId();
        }
    }
}
