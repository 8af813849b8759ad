package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** The rules of a merge: who may, what it makes of both, and when the target has decided. */
class RegionMergeTest {

    private static final Region LEFT = region(5, "a", "m", 3, 7, 1, 2);
    private static final Region RIGHT = region(6, "m", "", 5, 2, 2, 1);

    static Region region(long id, String start, String end, long version, long confVer, long... stores) {
        Region.Builder region = Region.newBuilder()
                .setId(id)
                .setStartKey(ByteString.copyFromUtf8(start))
                .setEndKey(ByteString.copyFromUtf8(end))
                .setRegionEpoch(epoch(version, confVer));
        for (long store : stores) {
            region.addPeers(Peer.newBuilder().setId(id * 10 + store).setStoreId(store));
        }
        return region.build();
    }

    private static RegionEpoch epoch(long version, long confVer) {
        return RegionEpoch.newBuilder().setVersion(version).setConfVer(confVer).build();
    }

    @Test
    void neighboursOnTheSameStoresMayMergeEitherWay() {
        assertThat(RegionMerge.refusal(LEFT, RIGHT)).isEmpty();
        assertThat(RegionMerge.refusal(RIGHT, LEFT)).isEmpty();
    }

    @Test
    void everybodyElseMayNot() {
        Region apart = region(7, "n", "z", 1, 1, 1, 2);
        Region elsewhere = region(6, "m", "", 5, 2, 2, 3);
        Region fewer = region(6, "m", "", 5, 2, 2);
        Region learner = RIGHT.toBuilder()
                .setPeers(0, RIGHT.getPeers(0).toBuilder().setRole(PeerRole.Learner))
                .build();
        Region first = region(8, "", "a", 1, 1, 1, 2);

        assertThat(RegionMerge.refusal(LEFT, LEFT).orElseThrow()).contains("itself");
        assertThat(RegionMerge.refusal(LEFT, apart).orElseThrow()).contains("no neighbours");
        assertThat(RegionMerge.refusal(LEFT, elsewhere).orElseThrow()).contains("different stores");
        assertThat(RegionMerge.refusal(LEFT, fewer).orElseThrow()).contains("different stores");
        assertThat(RegionMerge.refusal(LEFT, learner).orElseThrow()).contains("no voter");
        assertThat(RegionMerge.refusal(RIGHT, first).orElseThrow())
                .as("an open end is no border")
                .contains("no neighbours");
    }

    @Test
    void theMergedRegionIsNewerThanBothAndHasBothRanges() {
        Region prepared = RegionMerge.prepared(LEFT);
        Region merged = RegionMerge.merged(prepared, RIGHT);
        Region turned = RegionMerge.merged(RegionMerge.prepared(RIGHT), LEFT);

        assertThat(prepared.getRegionEpoch()).isEqualTo(epoch(4, 8));
        assertThat(merged.getId()).isEqualTo(6);
        assertThat(merged.getStartKey().toStringUtf8()).isEqualTo("a");
        assertThat(merged.getEndKey()).isEmpty();
        assertThat(merged.getRegionEpoch()).isEqualTo(epoch(6, 2));
        assertThat(merged.getPeersList()).isEqualTo(RIGHT.getPeersList());
        assertThat(turned.getId()).isEqualTo(5);
        assertThat(turned.getStartKey().toStringUtf8()).isEqualTo("a");
        assertThat(turned.getEndKey()).isEmpty();
        assertThat(turned.getRegionEpoch()).isEqualTo(epoch(7, 7));
    }

    @Test
    void theTargetDecidesWhenItsEpochMoves() {
        RegionMerge merge = new RegionMerge(RIGHT, 9, false);

        assertThat(merge.isOpenAt(epoch(5, 2))).isTrue();
        assertThat(merge.isDecidedAt(epoch(5, 2))).isFalse();
        for (RegionEpoch later : new RegionEpoch[] {epoch(6, 2), epoch(5, 3), epoch(6, 3)}) {
            assertThat(merge.isOpenAt(later)).isFalse();
            assertThat(merge.isDecidedAt(later)).isTrue();
        }
        for (RegionEpoch earlier : new RegionEpoch[] {epoch(4, 2), epoch(5, 1), epoch(4, 1)}) {
            assertThat(merge.isOpenAt(earlier)).isFalse();
            assertThat(merge.isDecidedAt(earlier)).isFalse();
        }
    }

    @Test
    void bytesComeBackAndDamageIsNoticed() {
        RegionMerge merge = new RegionMerge(RIGHT, 9, true);
        byte[] good = merge.encode();
        byte[] twice = good.clone();
        twice[8] = 2;

        assertThat(RegionMerge.decode(ByteBuffer.wrap(good))).isEqualTo(merge);
        assertThatThrownBy(() -> RegionMerge.decode(ByteBuffer.wrap(twice)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> RegionMerge.decode(ByteBuffer.wrap(good, 0, 7)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aWordIsNoReadQuestion() {
        MergeWord word = new MergeWord(4711, 52);

        assertThat(MergeWord.decode(word.encode())).isEqualTo(word);
        assertThat(MergeWord.decode(new byte[0])).isNull();
        assertThat(MergeWord.decode(new byte[17])).isNull();
    }
}
