package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.ConsistencyOptions;
import io.rutile.node.raftstore.ReplicaReport;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replicas on several nodes, one of which is tampered with. */
class ConsistencyNodesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path dir;

    private final List<TestNode> nodes = new ArrayList<>();
    private @Nullable FakePd pd;

    @AfterEach
    void stop() throws Exception {
        nodes.forEach(TestNode::close);
        if (pd != null) {
            pd.close();
        }
    }

    private long regionWithReplicas(FakePd pd, int replicas) {
        await().atMost(PATIENCE).until(() -> {
            List<RegionHeartbeatRequest> beats = pd.regions();
            return beats.size() == 1
                    && beats.get(0).getRegion().getPeersCount() == replicas
                    && beats.get(0).getPendingPeersCount() == 0;
        });
        return pd.regions().get(0).getRegion().getId();
    }

    private TestNode leader(long regionId) {
        return await().atMost(PATIENCE)
                .until(
                        () -> nodes.stream()
                                .filter(node -> node.node
                                        .replica(regionId)
                                        .filter(ReplicaReport::leader)
                                        .isPresent())
                                .findFirst(),
                        java.util.Optional::isPresent)
                .orElseThrow();
    }

    /** Asked again while the leader moves, or a replica is just being built. */
    private List<ReplicaReport.State> check(long regionId) {
        List<ReplicaReport.State> states = new ArrayList<>();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(200)).until(() -> {
            long index;
            try {
                index = leader(regionId).node.checkConsistency(regionId).join();
            } catch (CompletionException moved) {
                return false;
            }
            try {
                await().atMost(Duration.ofSeconds(3))
                        .until(() -> verdicts(regionId, index).size() == nodes.size());
            } catch (org.awaitility.core.ConditionTimeoutException again) {
                return false;
            }
            states.clear();
            states.addAll(verdicts(regionId, index));
            return true;
        });
        return states;
    }

    private List<ReplicaReport.State> verdicts(long regionId, long index) {
        List<ReplicaReport.State> states = new ArrayList<>();
        for (TestNode node : nodes) {
            ReplicaReport.Hash hash =
                    node.node.replica(regionId).map(ReplicaReport::hash).orElse(null);
            if (hash != null
                    && hash.index() == index
                    && (hash.state() == ReplicaReport.State.EQUAL || hash.state() == ReplicaReport.State.DIFFERENT)) {
                states.add(hash.state());
            }
        }
        return states;
    }

    @Test
    void byItselfANodeChecksWhatItLeadsAsOftenAsItIsTold() throws Exception {
        FakePd placement = new FakePd();
        pd = placement;
        TestNode node = new TestNode(TestNode.comparing(
                        TestNode.options(List.of(placement.endpoint()), dir.resolve("alone")),
                        new ConsistencyOptions(Duration.ofMillis(100), 1 << 20)))
                .start();
        nodes.add(node);

        await().atMost(PATIENCE)
                .until(() ->
                        node.metrics.counter("kv.raftstore.consistency.matches").count() >= 3);
        assertThat(node.node.mismatchedRegions()).isEmpty();
    }

    @Test
    void whatOneStoreHoldsMoreThanTheOthersIsFoundOnIt() throws Exception {
        FakePd placement = new FakePd();
        pd = placement;
        placement.wantReplicas(3);
        for (int i = 0; i < 3; i++) {
            nodes.add(new TestNode(placement, dir.resolve("n" + i)).start());
        }
        long regionId = regionWithReplicas(placement, 3);
        Region region = placement.regions().get(0).getRegion();
        TestNode leader = leader(regionId);
        for (int i = 0; i < 100; i++) {
            assertThat(leader.put(TestNode.context(region, peerOn(region, leader)), "k" + i, "v" + i)
                            .hasRegionError())
                    .isFalse();
        }

        assertThat(check(regionId)).containsOnly(ReplicaReport.State.EQUAL);

        TestNode tampered =
                nodes.stream().filter(node -> node != leader).findFirst().orElseThrow();
        nodes.remove(tampered);
        tampered.close();
        try (RocksEngine engine =
                RocksEngine.open(tampered.options.dataDir().resolve("db"), RocksOptions.withMemory(16 << 20))) {
            ByteKey key = ByteKey.wrap("k50".getBytes(StandardCharsets.UTF_8));
            assertThat(engine.get(Cf.RAW, key.bytes())).isNotNull();
            engine.write(new WriteBatch().put(Cf.RAW, key, new byte[] {1}), true);
        }
        TestNode again = new TestNode(tampered.options).start();
        nodes.add(again);

        assertThat(check(regionId))
                .containsExactlyInAnyOrder(
                        ReplicaReport.State.EQUAL, ReplicaReport.State.EQUAL, ReplicaReport.State.DIFFERENT);
        assertThat(again.node.mismatchedRegions()).containsExactly(regionId);
        assertThat(again.metrics.counter("kv.raftstore.consistency.mismatches").count())
                .isPositive();
        assertThat(again.node.isReady()).isTrue();
    }

    private static io.rutile.protocol.metapb.Peer peerOn(Region region, TestNode node) {
        return region.getPeersList().stream()
                .filter(peer -> peer.getStoreId() == node.node.storeId())
                .findFirst()
                .orElseThrow();
    }
}
