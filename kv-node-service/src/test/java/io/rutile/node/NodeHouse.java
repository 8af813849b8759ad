package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.txn.TxnKv;
import io.rutile.node.raftstore.StoreFaults;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.io.IOException;
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
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Several nodes and a PD in one JVM, with a client that follows leaders and Regions. */
final class NodeHouse implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    final FakePd pd;
    final List<TestNode> nodes = new ArrayList<>();
    private final Path dir;
    private final RutileClient client;
    private final RawKv raw;
    private int added;

    private NodeHouse(Path dir) throws IOException {
        this.dir = dir;
        pd = new FakePd();
        add();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
        client = RutileClient.connect(RutileClientOptions.of(List.of(pd.endpoint())));
        raw = client.raw().withTimeout(PATIENCE);
    }

    /** One node, with a replica of everything. */
    static NodeHouse ofOne(Path dir) throws IOException {
        return new NodeHouse(dir);
    }

    /** Three of them, on return. */
    static NodeHouse ofThree(Path dir) throws IOException {
        NodeHouse house = new NodeHouse(dir);
        house.joinTwoMore();
        house.awaitWhole();
        return house;
    }

    /** One more node; PD gives it what is wanted. */
    TestNode add() {
        return add(StoreFaults.NONE);
    }

    TestNode add(StoreFaults faults) {
        TestNode node =
                new TestNode(TestNode.options(List.of(pd.endpoint()), dir.resolve("n" + added++)), faults).start();
        nodes.add(node);
        return node;
    }

    /** Two more nodes, which are to have replicas of everything. */
    void joinTwoMore() {
        pd.wantReplicas(3);
        add();
        add();
    }

    /** Stops a node in order and starts it again with its data, at another address. */
    void restart(TestNode node) {
        nodes.remove(node);
        node.close();
        nodes.add(new TestNode(node.options).start());
    }

    TxnKv txn() {
        return client.txn();
    }

    TestNode node(long storeId) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == storeId)
                .findFirst()
                .orElseThrow();
    }

    static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    static String key(int number) {
        return String.format(Locale.ROOT, "k%03d", number);
    }

    void put(String key, String value) {
        raw.put(key(key), value.getBytes(StandardCharsets.UTF_8), Duration.ZERO).join();
    }

    Optional<String> get(String key) {
        return raw.get(key(key)).join().map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    }

    /** Asks whoever leads the Region of the first key, as PD knows it. @return true if it was split */
    boolean split(String... keys) {
        Optional<RegionHeartbeatRequest> known = pd.region(key(keys[0]));
        if (known.isEmpty()) {
            // A piece of the last split has yet to report.
            return false;
        }
        RegionHeartbeatRequest beat = known.get();
        SplitRegionRequest.Builder request = SplitRegionRequest.newBuilder()
                .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                .setIsRawKv(true);
        for (String key : keys) {
            request.addSplitKeys(ByteString.copyFromUtf8(key));
        }
        return nodes.stream()
                .filter(node -> node.node.storeId() == beat.getLeader().getStoreId())
                .findFirst()
                .map(node -> !node.stub().splitRegion(request.build()).hasRegionError())
                .orElse(false);
    }

    /** As PD knows them, in key order. */
    List<Region> regions() {
        return pd.regions().stream().map(RegionHeartbeatRequest::getRegion).toList();
    }

    /** R6: every Region has three members, none of which is behind, and together they are every key. */
    void awaitWhole() {
        await().atMost(PATIENCE).untilAsserted(() -> {
            for (RegionHeartbeatRequest beat : pd.regions()) {
                assertThat(beat.getRegion().getPeersCount()).isEqualTo(3);
                assertThat(beat.getPendingPeersList()).isEmpty();
            }
            assertNoHole();
        });
    }

    /** R6: from the first key to the last without a hole and without an overlap. */
    void assertNoHole() {
        ByteString border = ByteString.EMPTY;
        for (Region region : regions()) {
            assertThat(region.getStartKey()).isEqualTo(border);
            border = region.getEndKey();
        }
        assertThat(border).isEqualTo(ByteString.EMPTY);
    }

    /** On every node. */
    void awaitRegions(int count) {
        for (TestNode node : nodes) {
            await().atMost(PATIENCE).until(() -> node.node.regionCount() == count);
        }
    }

    /** A client that writes without a pause, and what it was told has been written. */
    final class Writer {

        final Map<String, String> acknowledged = new ConcurrentHashMap<>();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final Thread thread;
        private volatile boolean over;

        Writer(long seed) {
            thread = new Thread(() -> write(new Random(seed)), "writer");
            thread.start();
        }

        private void write(Random random) {
            for (int i = 0; !over; i++) {
                String key = key(random.nextInt(1_000));
                try {
                    put(key, "v" + i);
                    acknowledged.put(key, "v" + i);
                } catch (RuntimeException e) {
                    failure.set(e);
                    return;
                }
            }
        }

        boolean hasFailed() {
            return failure.get() != null;
        }

        /** Ends it; no call has failed. */
        void stop() throws InterruptedException {
            over = true;
            thread.join(PATIENCE.toMillis());
            assertThat(failure.get()).isNull();
        }

        /** R8: what was acknowledged is there. */
        void assertNothingLost() {
            acknowledged.forEach((key, value) -> assertThat(get(key)).as(key).contains(value));
        }
    }

    @Override
    public void close() throws InterruptedException {
        client.close();
        nodes.forEach(TestNode::close);
        pd.close();
    }
}
