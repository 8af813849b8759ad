package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes and a PD that hands out replicas, in one JVM. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ThreeNodesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path dir;

    private FakePd pd;
    private final List<TestNode> nodes = new ArrayList<>();

    @BeforeAll
    void start() throws Exception {
        pd = new FakePd();
        nodes.add(new TestNode(pd, dir.resolve("n0")).start());
        awaitReplicas(1);
        for (int i = 0; i < 50; i++) {
            assertThat(put("before-" + i, "v" + i)).isNull();
        }
        pd.wantReplicas(3);
        nodes.add(new TestNode(pd, dir.resolve("n1")).start());
        nodes.add(new TestNode(pd, dir.resolve("n2")).start());
        awaitReplicas(3);
    }

    @AfterAll
    void stop() throws Exception {
        nodes.forEach(TestNode::close);
        pd.close();
    }

    private RegionHeartbeatRequest beat() {
        return pd.firstRegion().orElseThrow();
    }

    private void awaitReplicas(int count) {
        await().atMost(PATIENCE)
                .until(() -> pd.firstRegion()
                        .filter(beat -> beat.getRegion().getPeersCount() == count)
                        .filter(beat -> beat.getPendingPeersCount() == 0)
                        .isPresent());
    }

    private TestNode nodeOf(long storeId) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == storeId)
                .findFirst()
                .orElseThrow();
    }

    /** Puts by the leader that PD knows. @return the region error, or null */
    private @Nullable Error put(String key, String value) {
        RegionHeartbeatRequest beat = beat();
        Context context = TestNode.context(beat.getRegion(), beat.getLeader());
        var answer = nodeOf(beat.getLeader().getStoreId()).put(context, key, value);
        return answer.hasRegionError() ? answer.getRegionError() : null;
    }

    private RawGetResponse get(String key) {
        RegionHeartbeatRequest beat = beat();
        Context context = TestNode.context(beat.getRegion(), beat.getLeader());
        return nodeOf(beat.getLeader().getStoreId()).get(context, key);
    }

    private void awaitLeaderOtherThan(long storeId) {
        await().atMost(PATIENCE).until(() -> beat().getLeader().getStoreId() != storeId);
    }

    private Peer follower() {
        RegionHeartbeatRequest beat = beat();
        return beat.getRegion().getPeersList().stream()
                .filter(peer -> peer.getId() != beat.getLeader().getId())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void r2_newReplicasHoldWhatWasWrittenBeforeThem() {
        long first = beat().getLeader().getStoreId();
        assertThat(put("after", "x")).isNull();

        TestNode leader = nodeOf(first);
        nodes.remove(leader);
        leader.close();
        awaitLeaderOtherThan(first);

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(get("after").getValue().toStringUtf8()).isEqualTo("x"));
        for (int i = 0; i < 50; i++) {
            assertThat(get("before-" + i).getValue().toStringUtf8()).isEqualTo("v" + i);
        }
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(put("later", "y")).isNull());

        nodes.add(new TestNode(leader.options).start());
        awaitReplicas(3);
    }

    /** Every answer of a node that stops is a success or the name of who leads now, until its door closes. */
    @Test
    void aNodeThatStopsSaysWhoLeadsNow() throws Exception {
        RegionHeartbeatRequest before = beat();
        TestNode stopping = nodeOf(before.getLeader().getStoreId());
        Context context = TestNode.context(before.getRegion(), before.getLeader());
        nodes.remove(stopping);
        CompletableFuture<Void> stopped = CompletableFuture.runAsync(stopping.node::close);

        Error told = await().atMost(PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(
                        () -> {
                            RawPutResponse answer = stopping.put(context, "stopping", "v");
                            assertThat(!answer.hasRegionError()
                                            || answer.getRegionError().hasNotLeader())
                                    .isTrue();
                            return answer.getRegionError();
                        },
                        error -> error.getNotLeader().hasLeader());

        assertThat(told.getNotLeader().getLeader().getStoreId())
                .isNotZero()
                .isNotEqualTo(before.getLeader().getStoreId());
        stopped.get(30, TimeUnit.SECONDS);
        stopping.close();
        nodes.add(new TestNode(stopping.options).start());
        awaitReplicas(3);
    }

    @Test
    void e02_aFollowerNamesTheLeaderOrTheStore() {
        Region region = beat().getRegion();
        Peer leader = beat().getLeader();
        Peer follower = follower();
        TestNode asked = nodeOf(follower.getStoreId());

        Error asFollower = asked.get(TestNode.context(region, follower), "k").getRegionError();
        Error asLeader = asked.get(TestNode.context(region, leader), "k").getRegionError();

        assertThat(asFollower.getNotLeader().getLeader().getId()).isEqualTo(leader.getId());
        assertThat(asLeader.getStoreNotMatch().getActualStoreId()).isEqualTo(follower.getStoreId());
    }

    @Test
    void aFollowerPromisesNoStaleRead() {
        Peer follower = follower();
        Context context = TestNode.context(beat().getRegion(), follower).toBuilder()
                .setStaleRead(true)
                .build();

        Error error = nodeOf(follower.getStoreId()).get(context, "k").getRegionError();

        assertThat(error.getDataIsNotReady().getPeerId()).isEqualTo(follower.getId());
    }

    private TikvGrpc.TikvBlockingStub passedOnBy(TestNode by, String host) {
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("tikv-forwarded-host", Metadata.ASCII_STRING_MARSHALLER), host);
        return by.stub().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    @Test
    void aCallIsPassedOnToTheStoreThatItsMetadataNames() {
        assertThat(put("passed", "on")).isNull();
        Region region = beat().getRegion();
        Peer leader = beat().getLeader();
        TestNode asked = nodeOf(follower().getStoreId());
        String host = nodeOf(leader.getStoreId()).node.address().toString();

        RawGetResponse got = passedOnBy(asked, host)
                .rawGet(RawGetRequest.newBuilder()
                        .setContext(TestNode.context(region, leader))
                        .setKey(ByteString.copyFromUtf8("passed"))
                        .build());

        assertThat(got.getValue().toStringUtf8()).isEqualTo("on");
        assertThat(asked.metrics.get("kv.rpc.forwarded").counter().count()).isPositive();
    }

    @Test
    void aStreamIsPassedOnAsWell() throws Exception {
        assertThat(put("streamed", "on")).isNull();
        Peer leader = beat().getLeader();
        TestNode asked = nodeOf(follower().getStoreId());
        Metadata headers = new Metadata();
        headers.put(
                Metadata.Key.of("tikv-forwarded-host", Metadata.ASCII_STRING_MARSHALLER),
                nodeOf(leader.getStoreId()).node.address().toString());
        List<BatchCommandsResponse> frames = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> end = new CompletableFuture<>();
        StreamObserver<BatchCommandsRequest> out = asked.async()
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .batchCommands(new StreamObserver<>() {
                    @Override
                    public void onNext(BatchCommandsResponse frame) {
                        frames.add(frame);
                    }

                    @Override
                    public void onError(Throwable cause) {
                        end.completeExceptionally(cause);
                    }

                    @Override
                    public void onCompleted() {
                        end.complete(null);
                    }
                });

        for (int i = 0; i < 20; i++) {
            out.onNext(BatchCommandsRequest.newBuilder()
                    .addRequestIds(i)
                    .addRequests(BatchCommandsRequest.Request.newBuilder()
                            .setRawGet(RawGetRequest.newBuilder()
                                    .setContext(TestNode.context(beat().getRegion(), leader))
                                    .setKey(ByteString.copyFromUtf8("streamed"))))
                    .build());
        }
        out.onCompleted();
        end.get(30, TimeUnit.SECONDS);

        assertThat(frames.stream().flatMap(frame -> frame.getResponsesList().stream()))
                .hasSize(20)
                .allMatch(answer -> answer.getRawGet().getValue().toStringUtf8().equals("on"));
    }

    @Test
    void nobodyIsPassedOnToAStranger() {
        assertThatThrownBy(() -> passedOnBy(nodes.get(0), "127.0.0.1:1").rawGet(RawGetRequest.getDefaultInstance()))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT));
    }

    @Test
    void leadershipGoesWherePdOrders() {
        Peer to = follower();

        pd.transferLeader(beat().getRegion().getId(), to);

        await().atMost(PATIENCE).until(() -> beat().getLeader().getId() == to.getId());
        assertThat(put("k", "v")).isNull();
        assertThat(get("k").getValue().toStringUtf8()).isEqualTo("v");
    }

    @Test
    void e08_aCommitThatReachesTheOldLeaderIsRefused() {
        RegionHeartbeatRequest before = beat();
        Peer old = before.getLeader();
        Context toOld = TestNode.context(before.getRegion(), old);
        ByteString key = ByteString.copyFromUtf8("e08");
        long startTs = 100L << 18;
        TestNode oldNode = nodeOf(old.getStoreId());
        assertThat(oldNode.stub()
                        .kvPrewrite(PrewriteRequest.newBuilder()
                                .setContext(toOld)
                                .addMutations(Mutation.newBuilder()
                                        .setOp(Op.Put)
                                        .setKey(key)
                                        .setValue(key))
                                .setPrimaryLock(key)
                                .setStartVersion(startTs)
                                .setLockTtl(20_000)
                                .build())
                        .getErrorsList())
                .isEmpty();
        pd.transferLeader(before.getRegion().getId(), follower());
        awaitLeaderOtherThan(old.getStoreId());
        CommitRequest commit = CommitRequest.newBuilder()
                .addKeys(key)
                .setStartVersion(startTs)
                .setCommitVersion(startTs + 1)
                .setContext(toOld)
                .build();

        Error refused = oldNode.stub().kvCommit(commit).getRegionError();

        assertThat(refused.hasNotLeader() || refused.hasStaleCommand()).isTrue();
        RegionHeartbeatRequest after = beat();
        TestNode leader = nodeOf(after.getLeader().getStoreId());
        GetRequest read = GetRequest.newBuilder()
                .setContext(TestNode.context(after.getRegion(), after.getLeader()))
                .setKey(key)
                .setVersion(startTs + 10)
                .build();
        assertThat(leader.stub().kvGet(read).getError().hasLocked()).isTrue();
        assertThat(leader.stub()
                        .kvCommit(
                                commit.toBuilder().setContext(read.getContext()).build())
                        .hasRegionError())
                .isFalse();
        assertThat(leader.stub().kvGet(read).getValue()).isEqualTo(key);
    }

    @Test
    void r5_aRemovedReplicaGoesWithItsDataAndANewOneMayComeBack() {
        Region region = beat().getRegion();
        Peer gone = follower();
        pd.wantReplicas(2);

        pd.order(region.getId(), ConfChangeType.RemoveNode, gone);

        awaitReplicas(2);
        TestNode store = nodeOf(gone.getStoreId());
        await().atMost(PATIENCE).until(() -> store.node.regionCount() == 0);
        assertThat(store.get(TestNode.context(region, gone), "before-1")
                        .getRegionError()
                        .hasRegionNotFound())
                .isTrue();

        pd.wantReplicas(3);
        awaitReplicas(3);
        await().atMost(PATIENCE).until(() -> store.node.regionCount() == 1);
        assertThat(beat().getRegion().getPeersList().stream().map(Peer::getId)).doesNotContain(gone.getId());
    }

    @Test
    void theLeaderItselfCanBeRemoved() {
        Peer leader = beat().getLeader();
        pd.wantReplicas(2);

        pd.order(beat().getRegion().getId(), ConfChangeType.RemoveNode, leader);

        awaitReplicas(2);
        await().atMost(PATIENCE).until(() -> nodeOf(leader.getStoreId()).node.regionCount() == 0);
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(put("k", "v")).isNull());

        pd.wantReplicas(3);
        awaitReplicas(3);
    }
}
