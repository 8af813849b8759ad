package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MembershipReconcilerTest {

    private static final Region AFTER_REMOVAL = Region.newBuilder()
            .setId(5)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(4).setVersion(1))
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .build();

    @Test
    void d1_aRemovalIsReportedWhenRaftHasMadeItToo() {
        Replicas members = Replicas.ofVoters(new Replica(1, 11), new Replica(2, 12));

        Region reported = MembershipReconciler.reported(members, AFTER_REMOVAL);

        assertThat(reported.getRegionEpoch().getConfVer()).isEqualTo(3);
        assertThat(reported.getPeersList())
                .containsExactly(
                        Peer.newBuilder().setId(11).setStoreId(1).build(),
                        Peer.newBuilder().setId(12).setStoreId(2).build());
    }

    @Test
    void d1_whoLeavesIsReportedInTheRoleThatItHas() {
        Replicas members = new Replicas(Set.of(new Replica(1, 11)), Set.of(new Replica(2, 12)));

        Region reported = MembershipReconciler.reported(members, AFTER_REMOVAL);

        assertThat(reported.getPeers(1).getRole()).isEqualTo(PeerRole.Learner);
    }

    @Test
    void aSettledRegionIsReportedAsItIs() {
        assertThat(MembershipReconciler.reported(Replicas.ofVoters(new Replica(1, 11)), AFTER_REMOVAL))
                .isSameAs(AFTER_REMOVAL);
    }
}
