package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The order of the Region checks and each of their answers. */
class RequestCheckTest {

    private static final Peer SELF = Peer.newBuilder().setId(11).setStoreId(1).build();
    private static final Peer OTHER = Peer.newBuilder().setId(12).setStoreId(2).build();
    private static final Region REGION = Region.newBuilder()
            .setId(5)
            .setStartKey(ByteString.copyFromUtf8("b"))
            .setEndKey(ByteString.copyFromUtf8("d"))
            .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(3).setVersion(7))
            .addPeers(SELF)
            .addPeers(OTHER)
            .build();

    /** A replica as a test wants it. */
    private record View(
            Region region,
            long peerId,
            boolean isLeader,
            @Nullable Peer leader,
            long term) implements ReplicaView {

        @Override
        public List<Region> regionsSince(long version) {
            return List.of(region);
        }
    }

    private static final View LEADER = new View(REGION, 11, true, SELF, 7);

    private static Context context(UnaryOperator<Context.Builder> change) {
        return change.apply(Context.newBuilder()
                        .setRegionId(5)
                        .setRegionEpoch(REGION.getRegionEpoch())
                        .setPeer(SELF))
                .build();
    }

    private static Error refusal(Context request, @Nullable View replica) {
        RegionException refused = catchThrowableOfType(
                RegionException.class, () -> RequestCheck.leader(request, RequestCheck.route(request, 1, replica)));
        assertThat(refused).isNotNull();
        return refused.error();
    }

    private static void accepted(Context request, View replica) {
        assertThatCode(() -> RequestCheck.leader(request, RequestCheck.route(request, 1, replica)))
                .doesNotThrowAnyException();
    }

    @Test
    void aRequestForThisLeaderIsAccepted() {
        accepted(context(c -> c), LEADER);
    }

    @Test
    void e01_theStoreIsAskedFirst() {
        Context wrongInEverything = context(c -> c.setRegionId(9)
                .setPeer(OTHER)
                .setRegionEpoch(RegionEpoch.newBuilder().setVersion(99))
                .setTerm(1));

        Error error = refusal(wrongInEverything, null);

        assertThat(error.getStoreNotMatch().getRequestStoreId()).isEqualTo(2);
        assertThat(error.getStoreNotMatch().getActualStoreId()).isEqualTo(1);
    }

    @Test
    void e06_thenTheRegion() {
        Error error = refusal(context(c -> c.setRegionId(9)), null);

        assertThat(error.getRegionNotFound().getRegionId()).isEqualTo(9);
    }

    @Test
    void thenThePeerEvenOnAFollower() {
        View follower = new View(REGION, 11, false, OTHER, 7);

        Error error = refusal(context(c -> c.setPeer(SELF.toBuilder().setId(99))), follower);

        assertThat(error.getMismatchPeerId().getRequestPeerId()).isEqualTo(99);
        assertThat(error.getMismatchPeerId().getStorePeerId()).isEqualTo(11);
    }

    @Test
    void e02_thenTheLeaderSoThatAFollowerNeverComparesEpochs() {
        View follower = new View(REGION, 11, false, OTHER, 7);
        Context staleInEverything = context(c -> c.setTerm(1)
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1)));

        Error error = refusal(staleInEverything, follower);

        assertThat(error.getNotLeader().getRegionId()).isEqualTo(5);
        assertThat(error.getNotLeader().getLeader()).isEqualTo(OTHER);
    }

    @Test
    void anUnknownLeaderIsLeftOutAndNeverStoreZero() {
        Error nobody = refusal(context(c -> c), new View(REGION, 11, false, null, 7));
        Error zero = refusal(context(c -> c), new View(REGION, 11, false, Peer.getDefaultInstance(), 7));

        assertThat(nobody.getNotLeader().hasLeader()).isFalse();
        assertThat(zero.getNotLeader().hasLeader()).isFalse();
    }

    @Test
    void aLeaderThatIsNotReadyYetAsksForPatience() {
        View taking = new View(REGION, 11, false, SELF, 7);

        assertThatThrownBy(() -> RequestCheck.leader(context(c -> c), taking)).isInstanceOf(NotReadyException.class);
    }

    @Test
    void e10_oneTermBehindIsTolerated() {
        accepted(context(c -> c.setTerm(0)), LEADER);
        accepted(context(c -> c.setTerm(6)), LEADER);
        accepted(context(c -> c.setTerm(7)), LEADER);
        accepted(context(c -> c.setTerm(8)), LEADER);
        assertThat(refusal(context(c -> c.setTerm(5)), LEADER).hasStaleCommand())
                .isTrue();
    }

    @Test
    void termComesBeforeEpoch() {
        Error error = refusal(
                context(c ->
                        c.setTerm(5).setRegionEpoch(RegionEpoch.newBuilder().setVersion(1))),
                LEADER);

        assertThat(error.hasStaleCommand()).isTrue();
    }

    @Test
    void e04_anyOtherVersionIsRefusedAndConfVerIsNotCompared() {
        for (long version : new long[] {0, 6, 8, -1}) {
            Error error = refusal(
                    context(c -> c.setRegionEpoch(
                            RegionEpoch.newBuilder().setConfVer(3).setVersion(version))),
                    LEADER);
            assertThat(error.getEpochNotMatch().getCurrentRegionsList()).containsExactly(REGION);
        }
        accepted(
                context(c ->
                        c.setRegionEpoch(RegionEpoch.newBuilder().setConfVer(99).setVersion(7))),
                LEADER);
    }

    @Test
    void aMissingEpochIsAMessageOnly() {
        Error error = refusal(context(Context.Builder::clearRegionEpoch), LEADER);

        assertThat(error.getMessage()).contains("missing epoch");
        assertThat(error.toBuilder().clearMessage().build()).isEqualTo(Error.getDefaultInstance());
    }

    @Test
    void e05_aKeyOutsideIsNamedWithTheRegionsRange() {
        for (String key : new String[] {"a", "d", "e", ""}) {
            RegionException refused = catchThrowableOfType(
                    RegionException.class,
                    () -> RequestCheck.range(
                            new WriteBatch().put(Cf.RAW, key("c"), new byte[0]).delete(Cf.RAW, key(key)), REGION));

            assertThat(refused.error().getKeyNotInRegion().getKey()).isEqualTo(ByteString.copyFromUtf8(key));
            assertThat(refused.error().getKeyNotInRegion().getStartKey()).isEqualTo(REGION.getStartKey());
            assertThat(refused.error().getKeyNotInRegion().getEndKey()).isEqualTo(REGION.getEndKey());
        }
    }

    @Test
    void w13_aDeleteRangeIsNeverClipped() {
        assertThatCode(() -> RequestCheck.range(deleted("b", "d"), REGION)).doesNotThrowAnyException();
        assertThat(rangeRefusal("b", "e").hasKeyNotInRegion()).isTrue();
        assertThat(rangeRefusal("a", "c").hasKeyNotInRegion()).isTrue();
        assertThat(rangeRefusal("b", "").hasKeyNotInRegion()).isTrue();
        assertThat(rangeRefusal("c", "c").getMessage()).contains("empty or turned round");
        assertThatCode(() -> RequestCheck.range(
                        deleted("b", ""), REGION.toBuilder().clearEndKey().build()))
                .doesNotThrowAnyException();
    }

    private static WriteBatch deleted(String start, String end) {
        return new WriteBatch().deleteRange(Cf.RAW, key(start), key(end));
    }

    private static Error rangeRefusal(String start, String end) {
        return catchThrowableOfType(RegionException.class, () -> RequestCheck.range(deleted(start, end), REGION))
                .error();
    }

    @Test
    void e1_aKeyThatNoEngineTakesNeverGetsIntoALog() {
        ByteKey monstrous = ByteKey.wrap(new byte[RequestCheck.KEY_BYTES_MAX + 1]);

        assertThatThrownBy(() -> RequestCheck.keys(new WriteBatch().put(Cf.RAW, monstrous, new byte[0])))
                .isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> RequestCheck.keys(new WriteBatch().delete(Cf.RAW, monstrous)))
                .isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> RequestCheck.keys(new WriteBatch().deleteRange(Cf.RAW, key("b"), monstrous)))
                .isInstanceOf(RegionException.class);
    }

    @Test
    void anEntryThatIsTooLargeSaysHowLargeItIs() {
        RegionException refused = catchThrowableOfType(
                RegionException.class, () -> RequestCheck.size(RaftCommand.BYTES_MAX + 1L, 4711, 5));

        assertThat(refused.error().getRaftEntryTooLarge().getEntrySize()).isEqualTo(4711);
        assertThatCode(() -> RequestCheck.size(RaftCommand.BYTES_MAX, 1, 5)).doesNotThrowAnyException();
    }

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }

    @Test
    void n03_splitKeysMustAscendBehindTheStartAndLieInside() {
        assertThat(splitRefusal("b").getMessage()).contains("must ascend");
        assertThat(splitRefusal("c", "c").getMessage()).contains("must ascend");
        assertThat(splitRefusal().getMessage()).contains("no split keys");
        assertThat(splitRefusal("c", "d").getKeyNotInRegion().getKey().toStringUtf8())
                .isEqualTo("d");
        assertThat(splitRefusal("a", "c").getKeyNotInRegion().getRegionId()).isEqualTo(5);
        RequestCheck.split(keys("ba", "c", "cz"), REGION);
    }

    private static List<ByteKey> keys(String... keys) {
        return java.util.Arrays.stream(keys)
                .map(key -> ByteKey.of(ByteString.copyFromUtf8(key)))
                .toList();
    }

    private static Error splitRefusal(String... keys) {
        return catchThrowableOfType(RegionException.class, () -> RequestCheck.split(keys(keys), REGION))
                .error();
    }
}
