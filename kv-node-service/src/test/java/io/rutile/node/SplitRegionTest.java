package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionResponse;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The SplitRegion RPC on one node with real ports. */
class SplitRegionTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long START_TS = 100L << 18;

    @TempDir
    Path dir;

    private FakePd pd;
    private TestNode node;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        node = new TestNode(pd, dir).start();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
    }

    @AfterEach
    void stop() throws Exception {
        node.close();
        pd.close();
    }

    private static ByteString text(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static ByteString encoded(String key) {
        return ByteString.copyFrom(MemComparable.encode(text(key).toByteArray()));
    }

    /** The Region that holds a transactional key, once it is led. */
    private RegionHeartbeatRequest holding(ByteString border) {
        return await().atMost(PATIENCE)
                .until(() -> pd.region(ByteKey.of(border)), java.util.Optional::isPresent)
                .orElseThrow();
    }

    private Context context(ByteString border) {
        RegionHeartbeatRequest beat = holding(border);
        return TestNode.context(beat.getRegion(), beat.getLeader());
    }

    private SplitRegionResponse split(Context context, String... keys) {
        return node.stub()
                .splitRegion(SplitRegionRequest.newBuilder()
                        .setContext(context)
                        .addAllSplitKeys(
                                Arrays.stream(keys).map(SplitRegionTest::text).toList())
                        .build());
    }

    private void awaitRegions(int count) {
        await().atMost(PATIENCE).until(() -> pd.regions().size() == count);
    }

    @Test
    void n01_aSplitMakesTwoNeighboursAndTheRegionKeepsTheRight() {
        Context whole = context(encoded("a"));

        SplitRegionResponse two = node.stub()
                .splitRegion(SplitRegionRequest.newBuilder()
                        .setContext(whole)
                        .setSplitKey(text("b"))
                        .addSplitKeys(text("ignored"))
                        .build());

        assertThat(two.hasRegionError()).isFalse();
        assertThat(two.getRegionsList()).containsExactly(two.getLeft(), two.getRight());
        assertThat(two.getLeft().getEndKey())
                .isEqualTo(encoded("b"))
                .isEqualTo(two.getRight().getStartKey());
        assertThat(two.getRight().getId()).isEqualTo(whole.getRegionId());
        assertThat(two.getRegionsList())
                .allSatisfy(region -> assertThat(region.getRegionEpoch().getVersion())
                        .isEqualTo(whole.getRegionEpoch().getVersion() + 1));
    }

    @Test
    void n02_severalKeysInAnyOrderMakeAsManyPieces() {
        Context whole = context(encoded("a"));
        split(whole, "b");
        awaitRegions(2);

        SplitRegionResponse four = split(context(encoded("z")), "e", "c", "d");

        assertThat(four.hasLeft()).isFalse();
        assertThat(four.hasRight()).isFalse();
        assertThat(four.getRegionsList())
                .extracting(Region::getStartKey)
                .containsExactly(encoded("b"), encoded("c"), encoded("d"), encoded("e"));
        assertThat(four.getRegions(3).getEndKey().isEmpty()).isTrue();
        assertThat(four.getRegions(3).getId()).isEqualTo(whole.getRegionId());
        awaitRegions(5);
    }

    @Test
    void n03_whatCanNotBeSplitStaysAsItIs() {
        split(context(encoded("a")), "b", "d");
        awaitRegions(3);
        Context middle = context(encoded("c"));

        assertThat(split(middle, "b").getRegionError().getMessage()).contains("ascend");
        assertThat(split(middle, "e").getRegionError().getKeyNotInRegion().getKey())
                .isEqualTo(encoded("e"));
        assertThat(split(middle, "d").getRegionError().hasKeyNotInRegion()).isTrue();
        assertThat(split(middle, "c", "c").getRegionError().getMessage()).contains("ascend");
        assertThat(split(middle).getRegionError().getMessage()).contains("no split keys");
        Context stale = middle.toBuilder()
                .setRegionEpoch(middle.getRegionEpoch().toBuilder().setVersion(1))
                .build();
        assertThat(split(stale, "c").getRegionError().hasEpochNotMatch()).isTrue();
        Context unknown = middle.toBuilder().setRegionId(999).build();
        assertThat(split(unknown, "c").getRegionError().hasRegionNotFound()).isTrue();

        assertThat(pd.regions()).hasSize(3);
        assertThat(holding(encoded("c")).getRegion().getRegionEpoch()).isEqualTo(middle.getRegionEpoch());
        // Of the context only Region and version count.
        Context fromAfar = middle.toBuilder().setTerm(1).clearPeer().build();
        assertThat(split(fromAfar, "c").hasRegionError()).isFalse();
    }

    @Test
    void n04_locksAreFoundInTheRegionThatHoldsTheirKeyAfterwards() {
        Context whole = context(encoded("a"));
        var prewritten = node.stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(whole)
                        .addMutations(put("k1"))
                        .addMutations(put("k8"))
                        .setPrimaryLock(text("k1"))
                        .setStartVersion(START_TS)
                        .setLockTtl(20_000)
                        .build());
        assertThat(prewritten.getErrorsList()).isEmpty();
        var locked = node.stub()
                .kvPessimisticLock(PessimisticLockRequest.newBuilder()
                        .setContext(whole)
                        .addMutations(
                                Mutation.newBuilder().setOp(Op.PessimisticLock).setKey(text("k9")))
                        .setPrimaryLock(text("k9"))
                        .setStartVersion(START_TS + 1)
                        .setForUpdateTs(START_TS + 1)
                        .setLockTtl(20_000)
                        .build());
        assertThat(locked.getErrorsList()).isEmpty();

        assertThat(split(whole, "k5").hasRegionError()).isFalse();
        awaitRegions(2);

        assertThat(locks("k1")).extracting(lock -> lock.getKey().toStringUtf8()).containsExactly("k1");
        assertThat(locks("k8")).extracting(lock -> lock.getKey().toStringUtf8()).containsExactly("k8", "k9");
    }

    private static Mutation put(String key) {
        return Mutation.newBuilder()
                .setOp(Op.Put)
                .setKey(text(key))
                .setValue(text("v"))
                .build();
    }

    private List<LockInfo> locks(String key) {
        return await().atMost(PATIENCE)
                .until(
                        () -> node.stub()
                                .kvScanLock(ScanLockRequest.newBuilder()
                                        .setContext(context(encoded(key)))
                                        .setMaxVersion(START_TS + 10)
                                        .setLimit(100)
                                        .build()),
                        answer -> !answer.hasRegionError())
                .getLocksList();
    }

    @Test
    void e03_anOldEpochIsAnsweredWithAllThatTheRegionHasBecome() {
        Context old = context(encoded("a"));
        split(old, "c", "f");
        awaitRegions(3);

        var read = node.stub()
                .kvGet(GetRequest.newBuilder()
                        .setContext(old)
                        .setKey(text("d"))
                        .setVersion(START_TS)
                        .build());
        var write = node.stub()
                .kvPrewrite(PrewriteRequest.newBuilder()
                        .setContext(old)
                        .addMutations(put("a"))
                        .setPrimaryLock(text("a"))
                        .setStartVersion(START_TS)
                        .setLockTtl(3_000)
                        .build());

        for (var error : List.of(read.getRegionError(), write.getRegionError())) {
            List<Region> current = error.getEpochNotMatch().getCurrentRegionsList();
            assertThat(current)
                    .extracting(Region::getStartKey)
                    .containsExactlyInAnyOrder(ByteString.EMPTY, encoded("c"), encoded("f"));
        }
    }

    @Test
    void rawDataIsSplitAtTheKeyAsItIs() {
        Context whole = context(text("a"));
        node.put(whole, "k1", "left");
        node.put(whole, "k5", "right");

        SplitRegionResponse answer = node.stub()
                .splitRegion(SplitRegionRequest.newBuilder()
                        .setContext(whole)
                        .addSplitKeys(text("k5"))
                        .setIsRawKv(true)
                        .build());

        assertThat(answer.getLeft().getEndKey()).isEqualTo(text("k5"));
        awaitRegions(2);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                node.get(context(text("k1")), "k1").getValue())
                        .isEqualTo(text("left")));
        assertThat(node.get(context(text("k5")), "k5").getValue()).isEqualTo(text("right"));
        assertThat(node.get(context(text("k5")), "k1").getRegionError().hasKeyNotInRegion())
                .isTrue();
    }

    @Test
    void r1_piecesAreThereAfterARestart() {
        Context whole = context(text("a"));
        node.put(whole, "k1", "left");
        split(whole, "k5", "k7");
        awaitRegions(3);
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                node.put(context(text("k1")), "k1", "newer").hasRegionError())
                        .isFalse());

        node.close();
        node = new TestNode(node.options).start();

        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(
                                node.get(context(text("k1")), "k1").getValue())
                        .isEqualTo(text("newer")));
        assertThat(node.node.regionCount()).isEqualTo(3);
    }
}
