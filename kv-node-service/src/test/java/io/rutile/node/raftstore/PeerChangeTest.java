package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PeerChangeTest {

    private static final Region ONE = Region.newBuilder()
            .setId(5)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1))
            .addPeers(peer(11, 1))
            .build();

    private static Peer peer(long id, long storeId) {
        return Peer.newBuilder().setId(id).setStoreId(storeId).build();
    }

    private static PeerChange change(PeerChange.Kind kind, long id, long storeId) {
        return new PeerChange(kind, peer(id, storeId));
    }

    @Test
    void everyStepRaisesConfVerByOneAndLeavesTheVersion() {
        Region two = change(PeerChange.Kind.ADD_VOTER, 12, 2).applyTo(ONE);
        Region three = change(PeerChange.Kind.ADD_LEARNER, 13, 3).applyTo(two);
        Region promoted = change(PeerChange.Kind.ADD_VOTER, 13, 3).applyTo(three);
        Region back = change(PeerChange.Kind.REMOVE, 12, 2).applyTo(promoted);

        assertThat(two.getPeersList()).containsExactly(peer(11, 1), peer(12, 2));
        assertThat(three.getPeers(2).getRole()).isEqualTo(PeerRole.Learner);
        assertThat(promoted.getPeers(2).getRole()).isEqualTo(PeerRole.Voter);
        assertThat(back.getPeersList()).containsExactly(peer(11, 1), peer(13, 3));
        assertThat(back.getRegionEpoch())
                .isEqualTo(RegionEpoch.newBuilder().setConfVer(5).setVersion(1).build());
    }

    @Test
    void whatCantBeDoneIsRefusedWithAReason() {
        assertThat(change(PeerChange.Kind.ADD_VOTER, 11, 1).refusal(ONE))
                .hasValueSatisfying(s -> assertThat(s).contains("already"));
        assertThat(change(PeerChange.Kind.ADD_VOTER, 12, 1).refusal(ONE))
                .hasValueSatisfying(s -> assertThat(s).contains("store 1"));
        assertThat(change(PeerChange.Kind.ADD_LEARNER, 11, 1).refusal(ONE))
                .hasValueSatisfying(s -> assertThat(s).contains("voter"));
        assertThat(change(PeerChange.Kind.REMOVE, 11, 1).refusal(ONE))
                .hasValueSatisfying(s -> assertThat(s).contains("last voter"));
        assertThat(change(PeerChange.Kind.REMOVE, 99, 1).refusal(ONE)).isPresent();
        assertThat(change(PeerChange.Kind.ADD_VOTER, 12, 2).refusal(ONE)).isEmpty();
    }

    @Test
    void r3_aPeerIdIsWithin31Bits() {
        assertThatThrownBy(() -> change(PeerChange.Kind.ADD_VOTER, 1L << 31, 2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> change(PeerChange.Kind.ADD_VOTER, 12, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theRegionSaysWhoTheMembersAre() {
        Region mixed = change(PeerChange.Kind.ADD_LEARNER, 12, 2).applyTo(ONE);

        Replicas wanted = PeerChange.replicas(mixed);

        assertThat(wanted).isEqualTo(new Replicas(Set.of(new Replica(1, 11)), Set.of(new Replica(2, 12))));
        assertThat(MembershipReconciler.leavers(
                        Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12), new Replica(3, 13)), mixed))
                .containsExactly(new Replica(3, 13));
    }
}
