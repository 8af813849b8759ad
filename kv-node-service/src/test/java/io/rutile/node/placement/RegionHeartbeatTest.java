package io.rutile.node.placement;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RegionHeartbeatTest {

    private static final Region AFTER_REMOVAL = Region.newBuilder()
            .setId(5)
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(4).setVersion(1))
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .build();

    @Test
    void d1_aRemovalIsReportedWhenRaftHasMadeItToo() {
        Region reported = RegionHeartbeat.settled(AFTER_REMOVAL, Set.of(new Replica(2, 12)));

        assertThat(reported.getRegionEpoch().getConfVer()).isEqualTo(3);
        assertThat(reported.getPeersList())
                .containsExactly(
                        Peer.newBuilder().setId(11).setStoreId(1).build(),
                        Peer.newBuilder().setId(12).setStoreId(2).build());
    }

    @Test
    void aSettledRegionIsReportedAsItIs() {
        assertThat(RegionHeartbeat.settled(AFTER_REMOVAL, Set.of())).isSameAs(AFTER_REMOVAL);
    }
}
