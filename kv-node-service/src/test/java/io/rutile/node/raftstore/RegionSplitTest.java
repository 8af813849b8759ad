package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RegionSplitTest {

    private static final Region REGION = Region.newBuilder()
            .setId(5)
            .setStartKey(ByteString.copyFromUtf8("b"))
            .setEndKey(ByteString.copyFromUtf8("z"))
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(4).setVersion(7))
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .addPeers(Peer.newBuilder().setId(12).setStoreId(2).setRole(PeerRole.Learner))
            .build();

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }

    private static final RegionSplit SPLIT = new RegionSplit(List.of(
            new RegionSplit.Piece(key("g"), 20, List.of(21L, 22L)),
            new RegionSplit.Piece(key("m"), 30, List.of(31L, 32L))));

    /** N02, R6: no hole, no overlap, the Region itself keeps the right end. */
    @Test
    void piecesAndRemainderCoverTheRegionWithoutAHole() {
        List<Region> children = SPLIT.children(REGION);
        Region rest = SPLIT.remainder(REGION);

        assertThat(children)
                .extracting(child -> child.getStartKey().toStringUtf8())
                .containsExactly("b", "g");
        assertThat(children)
                .extracting(child -> child.getEndKey().toStringUtf8())
                .containsExactly("g", "m");
        assertThat(rest.getStartKey().toStringUtf8()).isEqualTo("m");
        assertThat(rest.getEndKey().toStringUtf8()).isEqualTo("z");
        assertThat(rest.getPeersList()).isEqualTo(REGION.getPeersList());
        assertThat(List.of(children.get(0), children.get(1), rest)).allSatisfy(region -> {
            assertThat(region.getRegionEpoch().getVersion()).isEqualTo(9);
            assertThat(region.getRegionEpoch().getConfVer()).isEqualTo(4);
        });
        assertThat(children.get(1).getPeers(1))
                .isEqualTo(Peer.newBuilder()
                        .setId(32)
                        .setStoreId(2)
                        .setRole(PeerRole.Learner)
                        .build());
    }

    @Test
    void itIsReadBackAsItWasWritten() {
        RaftCommand command = new RaftCommand.Split(REGION.getRegionEpoch(), SPLIT);

        assertThat(RaftCommand.decode(ByteBuffer.wrap(command.encode()))).isEqualTo(command);
    }

    @Test
    void e1_anyDamageIsSaidToBeOne() {
        byte[] entry = new RaftCommand.Split(REGION.getRegionEpoch(), SPLIT).encode();

        for (int length = 1; length < entry.length; length++) {
            byte[] cut = Arrays.copyOf(entry, length);
            assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(cut)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> RaftCommand.decode(ByteBuffer.wrap(Arrays.copyOf(entry, entry.length + 1))))
                .hasMessageContaining("behind a split");
    }

    @Test
    void whatCanNotBeDoneIsRefused() {
        assertThat(SPLIT.refusal(REGION)).isEmpty();
        assertThat(SPLIT.refusal(REGION.toBuilder().removePeers(1).build()))
                .hasValueSatisfying(why -> assertThat(why).contains("1 peers"));
        assertThat(SPLIT.refusal(REGION.toBuilder().setId(30).build()))
                .hasValueSatisfying(why -> assertThat(why).contains("used twice"));
        assertThat(SPLIT.refusal(REGION.toBuilder()
                        .setEndKey(ByteString.copyFromUtf8("m"))
                        .build()))
                .isPresent();
        assertThat(SPLIT.refusal(REGION.toBuilder()
                        .setStartKey(ByteString.copyFromUtf8("g"))
                        .build()))
                .isPresent();
        assertThatThrownBy(() -> new RegionSplit(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RegionSplit.Piece(key("g"), 20, List.of(1L << 31)))
                .hasMessageContaining("peer id");
    }
}
