package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Four nodes, three replicas, and a PD that exchanges a replica in one step: the new one is promoted as the old one goes. */
class JointChangeTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path dir;

    private FakePd pd;
    private final List<TestNode> nodes = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        pd.wantReplicas(3);
        for (int i = 0; i < 4; i++) {
            nodes.add(new TestNode(pd, dir.resolve("n" + i)).start());
        }
        await().atMost(PATIENCE).until(() -> isSettled(3));
        put("before", "x");
    }

    @AfterEach
    void stop() throws Exception {
        nodes.forEach(TestNode::close);
        pd.close();
    }

    private RegionHeartbeatRequest beat() {
        return pd.firstRegion().orElseThrow();
    }

    private boolean isSettled(int peers) {
        return pd.firstRegion()
                .filter(beat -> beat.getRegion().getPeersCount() == peers)
                .filter(beat -> beat.getPendingPeersCount() == 0)
                .isPresent();
    }

    private TestNode nodeOf(long storeId) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == storeId)
                .findFirst()
                .orElseThrow();
    }

    /** Stops it; a leader hands over. */
    private TestNode close(long storeId) {
        TestNode node = nodeOf(storeId);
        nodes.remove(node);
        node.close();
        return node;
    }

    private void reopen(TestNode closed) {
        nodes.add(new TestNode(closed.options).start());
    }

    private void put(String key, String value) {
        await().atMost(PATIENCE).until(() -> {
            RegionHeartbeatRequest beat = beat();
            return !nodeOf(beat.getLeader().getStoreId())
                    .put(TestNode.context(beat.getRegion(), beat.getLeader()), key, value)
                    .hasRegionError();
        });
    }

    private String get(String key) {
        RegionHeartbeatRequest beat = beat();
        return nodeOf(beat.getLeader().getStoreId())
                .get(TestNode.context(beat.getRegion(), beat.getLeader()), key)
                .getValue()
                .toStringUtf8();
    }

    /** A learner on the store that has no replica. */
    private Peer addLearner() {
        Region region = beat().getRegion();
        long free = nodes.stream()
                .map(node -> node.node.storeId())
                .filter(id -> region.getPeersList().stream().noneMatch(peer -> peer.getStoreId() == id))
                .findFirst()
                .orElseThrow();
        Peer learner = Peer.newBuilder().setId(pd.nextId()).setStoreId(free).build();
        pd.order(region.getId(), ConfChangeType.AddLearnerNode, learner);
        await().atMost(PATIENCE).until(() -> isSettled(4));
        return learner;
    }

    private void exchange(Peer comes, Peer goes) {
        pd.orderTogether(
                beat().getRegion().getId(),
                FakePd.change(ConfChangeType.AddNode, comes),
                FakePd.change(ConfChangeType.RemoveNode, goes));
    }

    private void awaitExchanged(Peer comes, Peer goes, long confVer) {
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(isSettled(3)).isTrue();
            assertThat(beat().getRegion().getPeersList()).contains(comes).noneMatch(p -> p.getId() == goes.getId());
            assertThat(beat().getRegion().getRegionEpoch().getConfVer()).isEqualTo(confVer);
        });
        put("after", "y");
        assertThat(get("before")).isEqualTo("x");
        assertThat(get("after")).isEqualTo("y");
    }

    @Test
    void theLeaderIsExchangedForALearnerInOneStep() {
        Peer comes = addLearner();
        Peer goes = beat().getLeader();
        long confVer = beat().getRegion().getRegionEpoch().getConfVer();

        exchange(comes, goes);

        awaitExchanged(comes, goes, confVer + 2);
        await().atMost(PATIENCE).until(() -> nodeOf(goes.getStoreId()).node.regionCount() == 0);
    }

    @Test
    void d2_anExchangeThatLostItsLeaderIsFinishedByTheNext() {
        Peer comes = addLearner();
        Peer leader = beat().getLeader();
        Peer goes = beat().getRegion().getPeersList().stream()
                .filter(peer -> peer.getId() != leader.getId() && peer.getId() != comes.getId())
                .findFirst()
                .orElseThrow();
        long confVer = beat().getRegion().getRegionEpoch().getConfVer();
        TestNode newcomer = close(comes.getStoreId());

        exchange(comes, goes);
        // D1: the Region has made the change and Raft can't: PD still sees who is to go, and who comes as pending.
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(beat().getRegion().getRegionEpoch().getConfVer()).isEqualTo(confVer + 1);
            assertThat(beat().getRegion().getPeersList()).contains(comes).anyMatch(p -> p.getId() == goes.getId());
            assertThat(beat().getPendingPeersList()).contains(comes);
        });
        TestNode old = close(leader.getStoreId());
        await().atMost(PATIENCE).until(() -> beat().getLeader().getId() != leader.getId());
        put("meanwhile", "z");
        reopen(newcomer);
        reopen(old);

        awaitExchanged(comes, goes, confVer + 2);
        assertThat(get("meanwhile")).isEqualTo("z");
    }

    /** PD gives up on a newcomer that never comes up: what it takes back is the exchange, not only the newcomer. */
    @Test
    void d2_anExchangeIsTakenBackAsAWhole() {
        Peer comes = addLearner();
        Region before = beat().getRegion();
        Peer goes = before.getPeersList().stream()
                .filter(peer -> peer.getId() != beat().getLeader().getId() && peer.getId() != comes.getId())
                .findFirst()
                .orElseThrow();
        close(comes.getStoreId());
        exchange(comes, goes);
        await().atMost(PATIENCE).until(() -> beat().getPendingPeersList().contains(comes));
        pd.wantReplicas(0);
        pd.orderTogether(before.getId());

        pd.order(before.getId(), ConfChangeType.RemoveNode, comes);

        await().atMost(PATIENCE).until(() -> isSettled(3));
        assertThat(beat().getRegion().getPeersList()).anyMatch(peer -> peer.getId() == goes.getId());
        put("after", "y");
        assertThat(nodeOf(goes.getStoreId()).node.regionCount()).isEqualTo(1);
    }
}
