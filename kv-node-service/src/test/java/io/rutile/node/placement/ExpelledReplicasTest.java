package io.rutile.node.placement;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When what PD knows proves that a Region has ended, and when it only may have. */
class ExpelledReplicasTest {

    private static Region region(long id, String start, String end, long version) {
        return Region.newBuilder()
                .setId(id)
                .setStartKey(ByteString.copyFromUtf8(start))
                .setEndKey(ByteString.copyFromUtf8(end))
                .setRegionEpoch(RegionEpoch.newBuilder().setVersion(version).setConfVer(1))
                .build();
    }

    private static RegionLocation led(Region region) {
        return new RegionLocation(region, Peer.newBuilder().setId(1).build(), List.of(), List.of());
    }

    @Test
    void onlyAPdThatKnowsALeaderForEveryKeyProvesAnything() {
        RegionLocation left = led(region(1, "", "g", 5));
        RegionLocation right = led(region(2, "g", "", 5));

        assertThat(ExpelledReplicas.isWhole(List.of(left, right))).isTrue();
        assertThat(ExpelledReplicas.isWhole(List.of(led(region(3, "", "", 9))))).isTrue();
        assertThat(ExpelledReplicas.isWhole(List.of())).as("just begun").isFalse();
        assertThat(ExpelledReplicas.isWhole(List.of(left))).as("no end").isFalse();
        assertThat(ExpelledReplicas.isWhole(List.of(right))).as("no beginning").isFalse();
        assertThat(ExpelledReplicas.isWhole(List.of(left, led(region(2, "h", "", 5)))))
                .as("a hole")
                .isFalse();
        assertThat(ExpelledReplicas.isWhole(
                        List.of(left, new RegionLocation(right.region(), null, List.of(), List.of()))))
                .as("a region that nobody leads")
                .isFalse();
    }

    @Test
    void aRegionHasEndedIfAllInItsRangeAreNewerAndNoneIsItself() {
        Region mine = region(7, "c", "m", 4);
        RegionLocation left = led(region(1, "", "g", 5));
        RegionLocation right = led(region(2, "g", "", 6));

        assertThat(ExpelledReplicas.hasEnded(7, mine, List.of(left, right))).isTrue();
        assertThat(ExpelledReplicas.hasEnded(7, null, List.of(left, right)))
                .as("without an image there is no range")
                .isTrue();
        assertThat(ExpelledReplicas.hasEnded(2, mine, List.of(left, right)))
                .as("it goes on somewhere else")
                .isFalse();
        assertThat(ExpelledReplicas.hasEnded(7, mine, List.of(led(region(1, "", "g", 4)), right)))
                .as("PD may be behind this replica")
                .isFalse();
        assertThat(ExpelledReplicas.hasEnded(7, mine, List.of(led(region(1, "", "b", 1)), led(region(2, "b", "", 6)))))
                .as("older ones elsewhere don't matter")
                .isTrue();
    }
}
