package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Splits of replicated Regions: several nodes and a PD in one JVM, with a client that follows. */
class SplitThreeNodesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path dir;

    private final List<TestNode> nodes = new ArrayList<>();
    private FakePd pd;
    private RutileClient client;
    private RawKv raw;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        nodes.add(new TestNode(pd, dir.resolve("n0")).start());
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
        client = RutileClient.connect(RutileClientOptions.of(List.of(pd.endpoint())));
        raw = client.raw().withTimeout(PATIENCE);
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        nodes.forEach(TestNode::close);
        pd.close();
    }

    private void joinTwoMore() {
        pd.wantReplicas(3);
        nodes.add(new TestNode(pd, dir.resolve("n1")).start());
        nodes.add(new TestNode(pd, dir.resolve("n2")).start());
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private void put(String key, String value) {
        raw.put(key(key), value.getBytes(StandardCharsets.UTF_8), Duration.ZERO).join();
    }

    private Optional<String> get(String key) {
        return raw.get(key(key)).join().map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    /** Asks whoever leads the Region of the first key, as PD knows it. @return true if it was split */
    private boolean split(String... keys) {
        Optional<RegionHeartbeatRequest> known = pd.region(key(keys[0]));
        if (known.isEmpty()) {
            // A piece of the last split has yet to report.
            return false;
        }
        RegionHeartbeatRequest beat = known.get();
        long leader = beat.getLeader().getStoreId();
        SplitRegionRequest.Builder request = SplitRegionRequest.newBuilder()
                .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                .setIsRawKv(true);
        for (String key : keys) {
            request.addSplitKeys(ByteString.copyFromUtf8(key));
        }
        return nodes.stream()
                .filter(node -> node.node.storeId() == leader)
                .findFirst()
                .map(node -> !node.stub().splitRegion(request.build()).hasRegionError())
                .orElse(false);
    }

    private void awaitReplicas(int regions, int replicas) {
        await().atMost(PATIENCE).until(() -> {
            List<RegionHeartbeatRequest> beats = pd.regions();
            return beats.size() == regions
                    && beats.stream()
                            .allMatch(beat ->
                                    beat.getRegion().getPeersCount() == replicas && beat.getPendingPeersCount() == 0);
        });
    }

    /** R6: from the first key to the last without a hole and without an overlap. */
    private static void assertNoHole(List<Region> regions) {
        ByteString border = ByteString.EMPTY;
        for (Region region : regions) {
            assertThat(region.getStartKey()).isEqualTo(border);
            border = region.getEndKey();
        }
        assertThat(border).isEqualTo(ByteString.EMPTY);
    }

    @Test
    void r2_replicasThatJoinAfterSplitsHoldEverything() {
        for (int i = 0; i < 60; i++) {
            put(String.format(Locale.ROOT, "k%02d", i), "v" + i);
        }
        assertThat(split("k20", "k40")).isTrue();
        await().atMost(PATIENCE).until(() -> pd.regions().size() == 3);
        for (int i = 0; i < 60; i += 2) {
            put(String.format(Locale.ROOT, "k%02d", i), "w" + i);
        }

        joinTwoMore();
        awaitReplicas(3, 3);
        nodes.remove(0).close();

        for (int i = 0; i < 60; i++) {
            assertThat(get(String.format(Locale.ROOT, "k%02d", i))).contains((i % 2 == 0 ? "w" : "v") + i);
        }
        assertNoHole(
                pd.regions().stream().map(RegionHeartbeatRequest::getRegion).toList());
    }

    /** R1, R2, R4, R6, R8: nothing that was acknowledged is lost, whatever is split and whoever restarts meanwhile. */
    @Test
    void writesGoOnWhileRegionsSplitAndNodesRestart() throws Exception {
        joinTwoMore();
        awaitReplicas(1, 3);
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        Map<String, String> acknowledged = new ConcurrentHashMap<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread writer = new Thread(() -> {
            Random keys = new Random(seed);
            for (int i = 0; !over.get(); i++) {
                String key = String.format(Locale.ROOT, "k%03d", keys.nextInt(1_000));
                try {
                    put(key, "v" + i);
                    acknowledged.put(key, "v" + i);
                } catch (RuntimeException e) {
                    failure.set(e);
                    return;
                }
            }
        });
        writer.start();

        int splits = 0;
        for (int i = 0; i < 12; i++) {
            String at = String.format(Locale.ROOT, "k%03d", 1 + random.nextInt(998));
            int before = acknowledged.size();
            if (split(at)) {
                splits++;
            }
            if (i % 4 == 3) {
                TestNode restarted = nodes.remove(random.nextInt(nodes.size()));
                restarted.close();
                nodes.add(new TestNode(restarted.options).start());
            }
            await().atMost(PATIENCE).until(() -> failure.get() != null || acknowledged.size() >= before);
        }
        over.set(true);
        writer.join(PATIENCE.toMillis());

        assertThat(failure.get()).isNull();
        assertThat(splits).isPositive();
        awaitReplicas(splits + 1, 3);
        acknowledged.forEach((key, value) -> assertThat(get(key)).as(key).contains(value));
        assertNoHole(
                pd.regions().stream().map(RegionHeartbeatRequest::getRegion).toList());
        for (TestNode node : nodes) {
            int regions = splits + 1;
            await().atMost(PATIENCE).until(() -> node.node.regionCount() == regions);
        }
    }
}
