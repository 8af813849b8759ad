package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.List;
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

    /** Voters 11 and 12, learner 13. */
    private static Region withLearner() {
        return change(PeerChange.Kind.ADD_LEARNER, 13, 3)
                .applyTo(change(PeerChange.Kind.ADD_VOTER, 12, 2).applyTo(ONE));
    }

    private static PeerChanges together(PeerChange... changes) {
        return new PeerChanges(List.of(changes));
    }

    @Test
    void stepsTakenTogetherRaiseConfVerByTheirNumber() {
        PeerChanges replaces =
                together(change(PeerChange.Kind.REMOVE, 12, 2), change(PeerChange.Kind.ADD_VOTER, 13, 3));

        Region after = replaces.applyTo(withLearner());

        assertThat(replaces.refusal(withLearner())).isEmpty();
        assertThat(after.getPeersList()).containsExactly(peer(11, 1), peer(13, 3));
        assertThat(after.getRegionEpoch().getConfVer()).isEqualTo(5);
    }

    @Test
    void whetherAVoterIsLeftIsDecidedByAllStepsTogether() {
        Region one = change(PeerChange.Kind.ADD_LEARNER, 13, 3).applyTo(ONE);

        assertThat(together(change(PeerChange.Kind.REMOVE, 11, 1), change(PeerChange.Kind.ADD_VOTER, 13, 3))
                        .refusal(one))
                .isEmpty();
        assertThat(together(change(PeerChange.Kind.REMOVE, 11, 1), change(PeerChange.Kind.ADD_LEARNER, 14, 4))
                        .refusal(one))
                .hasValueSatisfying(s -> assertThat(s).contains("no voter"));
    }

    @Test
    void stepsThatDontGoTogetherAreRefusedAsAWhole() {
        PeerChange promotes = change(PeerChange.Kind.ADD_VOTER, 13, 3);

        assertThat(together(promotes, change(PeerChange.Kind.REMOVE, 99, 9)).refusal(withLearner()))
                .hasValueSatisfying(s -> assertThat(s).contains("already"));
        // R3: who goes keeps its store until it is gone.
        assertThat(together(change(PeerChange.Kind.REMOVE, 12, 2), change(PeerChange.Kind.ADD_VOTER, 14, 2))
                        .refusal(withLearner()))
                .hasValueSatisfying(s -> assertThat(s).contains("store 2"));
        assertThat(together(change(PeerChange.Kind.ADD_VOTER, 14, 4), change(PeerChange.Kind.ADD_LEARNER, 15, 4))
                        .refusal(withLearner()))
                .hasValueSatisfying(s -> assertThat(s).contains("store 4"));
        assertThatThrownBy(() -> together(promotes, promotes)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(PeerChangeTest::together).isInstanceOf(IllegalArgumentException.class);
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
