package io.rutile.node;

import static io.rutile.node.NodeHouse.PATIENCE;
import static io.rutile.node.NodeHouse.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.UndeterminedException;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.storage.mvcc.MvccKey;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * P9: whatever is committed is told once and in one order, while Regions are split, merged and handed over and watchers go away and come
 * back.
 */
class ChangeFeedTest {

    private static final int KEYS = 60;
    private static final KeyRange WATCHED = new KeyRange(key("k"), key("l"));

    @TempDir
    Path dir;

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private NodeHouse house;
    private TxnKv txn;
    /** Another one than the writers': it hears of splits and moves by its feeds. */
    private RutileClient watching;

    @BeforeEach
    void start() throws Exception {
        house = NodeHouse.ofThree(dir);
        txn = house.txn();
        watching = RutileClient.connect(RutileClientOptions.of(List.of(house.pd.endpoint())), metrics);
    }

    @AfterEach
    void stop() throws Exception {
        watching.close();
        house.close();
    }

    /** What was told of one version. */
    private record Told(
            long commitTs, ByteKey key, @Nullable String value) {

        static Told of(Change change) {
            byte[] value = change.value();
            return new Told(
                    change.commitTs().value(),
                    change.key(),
                    value == null ? null : new String(value, StandardCharsets.UTF_8));
        }
    }

    // ---- the model

    @Test
    void whatIsCommittedIsToldOnceAndInOrder() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("rounds", 6);
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        TimeStamp began = txn.currentTimestamp().join();
        Writers writers = new Writers(seed, 3);
        List<Watcher> watchers = new ArrayList<>();
        // One whose buffer holds a few changes: whatever else comes is read from the stores once more.
        for (int i = 0; i < 3; i++) {
            watchers.add(new Watcher(new Random(seed + i), began, i == 0 ? 4_096 : 1 << 20));
        }

        for (int i = 0; i < rounds && writers.failure == null; i++) {
            disturb(random);
            int before = writers.committed.get();
            await().atMost(PATIENCE).until(() -> writers.failure != null || writers.committed.get() > before + 10);
        }
        writers.stop();
        TimeStamp end = txn.currentTimestamp().join();

        List<Told> expected = writers.history();
        assertThat(expected).hasSizeGreaterThan(KEYS);
        for (Watcher watcher : watchers) {
            watcher.stopAfter(end);
            assertThat(writers.withoutDoubtful(watcher.told, expected)).isEqualTo(expected);
            assertThat(watcher.restarts).isPositive();
        }
        assertThat(metrics.get("kv.client.feed.rescans").counter().count()).isPositive();
        assertThat(metrics.get("kv.client.feed.open").gauge().value()).isZero();
        assertThat(metrics.get("kv.client.feed.buffer").gauge().value()).isZero();
        for (TestNode node : house.nodes) {
            await().atMost(PATIENCE)
                    .until(() -> node.metrics.get("kv.cdc.streams").gauge().value() == 0);
            assertThat(node.metrics.get("kv.cdc.memory").gauge().value()).isZero();
        }
    }

    /** Splits, merges or moves a Region. */
    private void disturb(Random random) {
        List<Region> regions = house.regions();
        switch (random.nextInt(3)) {
            case 0 -> split(key(random.nextInt(KEYS)));
            case 1 -> {
                Region moved = regions.get(random.nextInt(regions.size()));
                Peer to = moved.getPeers(random.nextInt(moved.getPeersCount()));
                house.pd.transferLeader(moved.getId(), to);
            }
            default -> {
                if (regions.size() > 1) {
                    int source = random.nextInt(regions.size() - 1);
                    house.pd.merge(
                            regions.get(source).getId(), regions.get(source + 1).getId());
                } else {
                    split(key(random.nextInt(KEYS)));
                }
            }
        }
    }

    private boolean split(String key) {
        ByteString bytes = ByteString.copyFromUtf8(key);
        Optional<RegionHeartbeatRequest> known =
                house.pd.region(MvccKey.of(bytes).encoded());
        if (known.isEmpty()) {
            return false;
        }
        RegionHeartbeatRequest beat = known.get();
        return !house.node(beat.getLeader().getStoreId())
                .stub()
                .splitRegion(SplitRegionRequest.newBuilder()
                        .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                        .addSplitKeys(bytes)
                        .build())
                .hasRegionError();
    }

    /** Transactions of every kind, and what became of them. */
    private final class Writers {

        final AtomicInteger committed = new AtomicInteger();
        private final Map<Long, Map<ByteKey, Optional<String>>> byCommitTs = new ConcurrentHashMap<>();
        /** Values of transactions of which nobody knows. */
        private final Set<String> doubtful = ConcurrentHashMap.newKeySet();

        private final Set<ByteKey> doubtfulDeletes = ConcurrentHashMap.newKeySet();

        private final List<Thread> threads = new ArrayList<>();
        private final AtomicBoolean over = new AtomicBoolean();
        volatile @Nullable Throwable failure;

        Writers(long seed, int count) {
            for (int i = 0; i < count; i++) {
                int self = i;
                Thread thread = new Thread(() -> run(self, new Random(seed * 31 + self)), "writer-" + i);
                threads.add(thread);
                thread.start();
            }
        }

        private void run(int self, Random random) {
            try {
                for (int i = 0; !over.get(); i++) {
                    one(random, "w" + self + "-" + i);
                }
            } catch (Throwable e) {
                failure = e;
            }
        }

        private void one(Random random, String name) {
            boolean pessimistic = random.nextInt(3) == 0;
            TxnOptions options = (pessimistic ? TxnOptions.pessimistic() : TxnOptions.optimistic())
                    .withCommit(random.nextBoolean(), random.nextBoolean(), random.nextBoolean());
            Map<ByteKey, Optional<String>> writes = new TreeMap<>();
            for (int left = 1 + random.nextInt(4); left > 0; left--) {
                // Short enough to be in the record, or not.
                String value = name + "-" + left + (random.nextBoolean() ? "" : "x".repeat(300));
                ByteKey key = key(NodeHouse.key(random.nextInt(KEYS)));
                writes.put(key, random.nextInt(5) == 0 ? Optional.empty() : Optional.of(value));
            }
            try (Transaction one = txn.begin(options).join()) {
                if (pessimistic) {
                    one.lockKeys(List.copyOf(writes.keySet())).join();
                }
                writes.forEach((key, value) -> value.ifPresentOrElse(
                        bytes -> one.put(key, bytes.getBytes(StandardCharsets.UTF_8)), () -> one.delete(key)));
                if (random.nextInt(6) == 0) {
                    one.rollback().join();
                    return;
                }
                byCommitTs.merge(one.commit().join().value(), writes, (a, b) -> {
                    // Two may be committed at one timestamp if they have no key in common.
                    Map<ByteKey, Optional<String>> both = new TreeMap<>(a);
                    both.putAll(b);
                    return both;
                });
                committed.incrementAndGet();
            } catch (java.util.concurrent.CompletionException e) {
                if (e.getCause() instanceof UndeterminedException) {
                    writes.forEach(
                            (key, value) -> value.ifPresentOrElse(doubtful::add, () -> doubtfulDeletes.add(key)));
                } else if (!(e.getCause() instanceof KvClientException)) {
                    throw e;
                }
            }
        }

        void stop() throws InterruptedException {
            over.set(true);
            for (Thread thread : threads) {
                thread.join(PATIENCE.toMillis());
            }
            assertThat(failure).isNull();
        }

        List<Told> history() {
            List<Told> all = new ArrayList<>();
            byCommitTs.entrySet().stream()
                    .sorted(Map.Entry.comparingByKey(Long::compareUnsigned))
                    .forEach(at -> new TreeMap<>(at.getValue())
                            .forEach((key, value) -> all.add(new Told(at.getKey(), key, value.orElse(null)))));
            return all;
        }

        List<Told> withoutDoubtful(List<Told> told, List<Told> expected) {
            Set<Told> known = Set.copyOf(expected);
            return told.stream()
                    .filter(one -> known.contains(one)
                            || !(one.value() == null
                                    ? doubtfulDeletes.contains(one.key())
                                    : doubtful.contains(one.value())))
                    .toList();
        }
    }

    /** Watches, goes away at any moment, and comes back with its token. */
    private final class Watcher {

        final List<Told> told = new ArrayList<>();
        int restarts;
        private final Random random;
        private final long bufferBytes;
        private final Thread thread;
        private volatile String token;
        private volatile long endTs = -1L;
        private volatile @Nullable Throwable failure;

        Watcher(Random random, TimeStamp from, long bufferBytes) {
            this.random = random;
            this.bufferBytes = bufferBytes;
            this.token = FeedPosition.after(from).token(WATCHED);
            thread = new Thread(this::run, "watcher");
            thread.start();
        }

        private void run() {
            try {
                boolean more = true;
                while (more) {
                    more = watch(1 + random.nextInt(20));
                }
            } catch (Throwable e) {
                failure = e;
            }
        }

        /** @return false at the end */
        private boolean watch(int batches) throws Exception {
            try (ChangeFeed feed = watching.txn()
                    .changes(WATCHED, FeedPosition.parse(token, WATCHED), new ChangeFeedOptions(bufferBytes))) {
                for (int i = 0; i < batches || endTs != -1L; i++) {
                    ChangeBatch batch = feed.next().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                    if (!batch.changes().isEmpty() && endTs == -1L && random.nextInt(4) == 0) {
                        // In the middle of a batch, with the token of a change.
                        for (Change change : batch.changes()
                                .subList(0, 1 + random.nextInt(batch.changes().size()))) {
                            take(change);
                        }
                        restarts++;
                        return true;
                    }
                    batch.changes().forEach(this::take);
                    token = batch.position().token(WATCHED);
                    if (endTs != -1L
                            && Long.compareUnsigned(batch.position().ts().value(), endTs) > 0) {
                        return false;
                    }
                }
                restarts++;
                return true;
            }
        }

        private void take(Change change) {
            told.add(Told.of(change));
            token = change.position().token(WATCHED);
        }

        void stopAfter(TimeStamp end) throws InterruptedException {
            endTs = end.value();
            thread.join(PATIENCE.toMillis());
            assertThat(thread.isAlive()).as("the watcher has come to the end").isFalse();
            assertThat(failure).isNull();
        }
    }
}
