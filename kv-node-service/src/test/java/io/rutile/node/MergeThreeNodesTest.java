package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Peer;
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

/** Merges of replicated Regions: several nodes and a PD in one JVM, with a client that follows. */
class MergeThreeNodesTest {

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
        pd.wantReplicas(3);
        nodes.add(new TestNode(pd, dir.resolve("n1")).start());
        nodes.add(new TestNode(pd, dir.resolve("n2")).start());
        client = RutileClient.connect(RutileClientOptions.of(List.of(pd.endpoint())));
        raw = client.raw().withTimeout(PATIENCE);
        awaitWhole();
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        nodes.forEach(TestNode::close);
        pd.close();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String key(int number) {
        return String.format(Locale.ROOT, "k%03d", number);
    }

    private void put(String key, String value) {
        raw.put(key(key), value.getBytes(StandardCharsets.UTF_8), Duration.ZERO).join();
    }

    private Optional<String> get(String key) {
        return raw.get(key(key)).join().map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    private TestNode node(long storeId) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == storeId)
                .findFirst()
                .orElseThrow();
    }

    private boolean split(String... keys) {
        Optional<RegionHeartbeatRequest> known = pd.region(key(keys[0]));
        if (known.isEmpty()) {
            return false;
        }
        RegionHeartbeatRequest beat = known.get();
        SplitRegionRequest.Builder request = SplitRegionRequest.newBuilder()
                .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                .setIsRawKv(true);
        for (String key : keys) {
            request.addSplitKeys(ByteString.copyFromUtf8(key));
        }
        return !node(beat.getLeader().getStoreId())
                .stub()
                .splitRegion(request.build())
                .hasRegionError();
    }

    private List<Region> regions() {
        return pd.regions().stream().map(RegionHeartbeatRequest::getRegion).toList();
    }

    /** Every Region has three members, none of which is behind, and together they are every key. */
    private void awaitWhole() {
        await().atMost(PATIENCE).untilAsserted(() -> {
            ByteString border = ByteString.EMPTY;
            for (RegionHeartbeatRequest beat : pd.regions()) {
                assertThat(beat.getRegion().getStartKey()).isEqualTo(border);
                assertThat(beat.getRegion().getPeersCount()).isEqualTo(3);
                assertThat(beat.getPendingPeersList()).isEmpty();
                border = beat.getRegion().getEndKey();
            }
            assertThat(border).isEqualTo(ByteString.EMPTY);
        });
    }

    private boolean isGone(long regionId) {
        return regions().stream().noneMatch(region -> region.getId() == regionId);
    }

    /** R1, R2, P4: whichever side is the smaller, whoever leads, the neighbour has both when it is done, and every store agrees. */
    @Test
    void aRegionMergesIntoEitherNeighbour() {
        for (int i = 0; i < 60; i++) {
            put(key(i), "v" + i);
        }
        assertThat(split(key(20), key(40))).isTrue();
        await().atMost(PATIENCE).until(() -> pd.regions().size() == 3);
        awaitWhole();
        List<Region> three = regions();
        // Leaders on different stores: the source's goes to where the target is led.
        Peer elsewhere = three.get(1).getPeersList().stream()
                .filter(peer -> peer.getStoreId()
                        != pd.region(key(key(0))).orElseThrow().getLeader().getStoreId())
                .findFirst()
                .orElseThrow();
        pd.transferLeader(three.get(1).getId(), elsewhere);
        await().atMost(PATIENCE)
                .until(() -> pd.region(key(key(30))).orElseThrow().getLeader().getId() == elsewhere.getId());

        pd.merge(three.get(0).getId(), three.get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(three.get(0).getId()));
        put(key(10), "w10");
        pd.merge(three.get(2).getId(), three.get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(three.get(2).getId()));
        put(key(50), "w50");

        assertThat(regions()).hasSize(1);
        awaitWhole();
        for (int i = 0; i < 60; i++) {
            assertThat(get(key(i))).contains((i == 10 || i == 50 ? "w" : "v") + i);
        }
        for (TestNode node : nodes) {
            await().atMost(PATIENCE).until(() -> node.node.regionCount() == 1);
        }
    }

    /**
     * R5: a replica that was removed while its store was away, of a Region that has been merged since: nobody knows its Region any more,
     * and in the way of others it would be for ever.
     */
    @Test
    void aReplicaThatMissedItsRemovalAndTheMergeGoes() {
        put(key(1), "v1");
        assertThat(split(key(20))).isTrue();
        await().atMost(PATIENCE).until(() -> pd.regions().size() == 2);
        awaitWhole();
        TestNode fourth = new TestNode(pd, dir.resolve("n3")).start();
        nodes.add(fourth);
        await().atMost(PATIENCE).until(() -> pd.stores().containsKey(fourth.node.storeId()));
        Region source = regions().get(0);
        Peer extra = Peer.newBuilder()
                .setId(pd.nextId())
                .setStoreId(fourth.node.storeId())
                .build();
        pd.order(source.getId(), ConfChangeType.AddNode, extra);
        await().atMost(PATIENCE)
                .until(() -> regions().get(0).getPeersList().contains(extra)
                        && pd.regions().get(0).getPendingPeersList().isEmpty());
        nodes.remove(fourth);
        fourth.close();
        pd.order(source.getId(), ConfChangeType.RemoveNode, extra);
        await().atMost(PATIENCE).until(() -> regions().get(0).getPeersCount() == 3);
        pd.merge(source.getId(), regions().get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(source.getId()));

        TestNode back = new TestNode(fourth.options).start();
        nodes.add(back);

        assertThat(back.node.regionCount()).isEqualTo(1);
        await().atMost(PATIENCE).until(() -> back.node.regionCount() == 0);
        assertThat(get(key(1))).contains("v1");
    }

    /** R1, R2, R4, R6, R8: nothing that was acknowledged is lost, whatever splits and merges and whoever restarts meanwhile. */
    @Test
    void writesGoOnWhileRegionsMergeAndNodesRestart() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("rounds", 10);
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        Map<String, String> acknowledged = new ConcurrentHashMap<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread writer = new Thread(() -> {
            Random keys = new Random(seed);
            for (int i = 0; !over.get(); i++) {
                String key = key(keys.nextInt(1_000));
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

        int merges = 0;
        for (int i = 0; i < rounds && failure.get() == null; i++) {
            split(key(1 + random.nextInt(998)));
            awaitWhole();
            List<Region> now = regions();
            if (now.size() > 1) {
                int source = random.nextInt(now.size());
                int target = source == 0 || (source + 1 < now.size() && random.nextBoolean()) ? source + 1 : source - 1;
                long id = now.get(source).getId();
                pd.merge(id, now.get(target).getId());
                if (random.nextInt(3) == 0) {
                    TestNode restarted = nodes.remove(random.nextInt(nodes.size()));
                    restarted.close();
                    nodes.add(new TestNode(restarted.options).start());
                }
                await().atMost(PATIENCE).until(() -> isGone(id) || failure.get() != null);
                merges++;
            }
        }
        over.set(true);
        writer.join(PATIENCE.toMillis());

        assertThat(failure.get()).isNull();
        assertThat(merges).isPositive();
        awaitWhole();
        acknowledged.forEach((key, value) -> assertThat(get(key)).as(key).contains(value));
        int regions = regions().size();
        for (TestNode node : nodes) {
            await().atMost(PATIENCE).until(() -> node.node.regionCount() == regions);
        }
    }
}
