package io.rutile.node.raftstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.raft.Replica;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import io.rutile.storage.engine.WriteBatch;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replicas of one Region on engines of their own, applying the same log. */
class ReplicaHashesTest {

    private static final RegionEpoch EPOCH =
            RegionEpoch.newBuilder().setConfVer(1).setVersion(1).build();
    private static final Region REGION = Region.newBuilder()
            .setId(5)
            .setStartKey(ByteString.copyFromUtf8("b"))
            .setEndKey(ByteString.copyFromUtf8("y"))
            .setRegionEpoch(EPOCH)
            .addPeers(Peer.newBuilder().setId(11).setStoreId(1))
            .addPeers(Peer.newBuilder().setId(12).setStoreId(2))
            .build();

    @TempDir
    Path dir;

    private final List<Store> stores = new ArrayList<>();

    @AfterEach
    void close() {
        stores.forEach(Store::close);
    }

    /** One store with the one replica. */
    private final class Store implements ApplyStateMachine.Listener, AutoCloseable {

        final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
        final RocksEngine engine;
        final ReplicaHashes hashes;
        final ApplyStateMachine replica;
        final List<CompletableFuture<RegionHash>> own = new ArrayList<>();

        Store(long id, ConsistencyOptions options) {
            engine = RocksEngine.open(dir.resolve("db-" + id), RocksOptions.withMemory(16 << 20));
            RegionStateStore states = new RegionStateStore(engine);
            RegionState state = RegionState.normal(10 + id, REGION);
            states.put(state, 5);
            hashes = new ReplicaHashes(options, metrics);
            FreeRanges ranges = new FreeRanges();
            replica = new ApplyStateMachine(
                    5,
                    new Replica(id, 10 + id),
                    engine,
                    states,
                    new RegionImages(engine, states, dir.resolve("images-" + id), ranges),
                    ranges,
                    NoLocks.applied(),
                    state);
            replica.listen(this);
            stores.add(this);
        }

        @Override
        public void onHashDue(long index, Region region) {
            own.add(hashes.compute(index, region, engine.snapshot()));
        }

        @Override
        public void onHashOfLeader(long index, ByteString hash) {
            hashes.verify(5, index, hash);
        }

        void apply(long firstIndex, byte[]... entries) {
            replica.apply(ListedEntries.of(firstIndex, entries));
        }

        RegionHash hash() throws Exception {
            return own.get(own.size() - 1).get(20, TimeUnit.SECONDS);
        }

        ReplicaReport.Hash report() {
            return hashes.last(5).orElseThrow();
        }

        ReplicaReport.State awaitVerdict() {
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> report().state() == ReplicaReport.State.EQUAL
                            || report().state() == ReplicaReport.State.DIFFERENT);
            return report().state();
        }

        double counted(String name) {
            return Objects.requireNonNull(
                            metrics.find("kv.raftstore.consistency." + name).counter())
                    .count();
        }

        @Override
        public void onLeaderStart(long term) {}

        @Override
        public void onLeaderStop() {}

        @Override
        public void onRegionChanged() {}

        @Override
        public void onSplit() {}

        @Override
        public void onExpelled() {}

        @Override
        public void onFailure(Throwable cause) {}

        @Override
        public byte @Nullable [] onReadIndex(byte[] question) {
            return null;
        }

        @Override
        public void close() {
            hashes.close();
            replica.close();
            engine.close();
        }
    }

    private Store store(long id) {
        return new Store(id, ConsistencyOptions.DEFAULT);
    }

    private static byte[] put(Cf cf, String key, String value) {
        return RaftCommand.Write.encode(EPOCH, new WriteBatch().put(cf, key(key), bytes(value)));
    }

    private static byte[] compute() {
        return new RaftCommand.ComputeHash(EPOCH).encode();
    }

    private static byte[] verify(long index, RegionHash hash) {
        return new RaftCommand.VerifyHash(EPOCH, index, hash.value()).encode();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** R1: each store cuts the log into batches as it comes. */
    @Test
    void theHashIsOfExactlyItsIndexHoweverTheLogIsCutIntoBatches() throws Exception {
        Store whole = store(1);
        Store piecewise = store(2);
        Store short_ = store(3);

        whole.apply(6, put(Cf.RAW, "k", "1"), compute(), put(Cf.RAW, "k", "2"), put(Cf.LOCK, "l", "3"));
        piecewise.apply(6, put(Cf.RAW, "k", "1"));
        piecewise.apply(7, compute());
        piecewise.apply(8, put(Cf.RAW, "k", "2"), put(Cf.LOCK, "l", "3"));
        short_.apply(6, put(Cf.RAW, "k", "1"), compute());

        assertThat(whole.hash()).isEqualTo(short_.hash()).isEqualTo(piecewise.hash());
        assertThat(whole.hash().records()).isEqualTo(1);
        assertThat(whole.report().index()).isEqualTo(7);
        assertThat(whole.replica.appliedIndex()).isEqualTo(9);
        assertThat(whole.engine.get(Cf.RAW, bytes("k"))).isEqualTo(bytes("2"));
    }

    @Test
    void everyBytePlaysAPartButOnlyInsideTheRegion() throws Exception {
        Store store = store(1);
        List<RegionHash> hashes = new ArrayList<>();
        long index = 6;
        for (byte[] change : List.of(
                put(Cf.RAW, "k", "1"),
                put(Cf.RAW, "k", "2"),
                put(Cf.RAW_LOCK, "k", "2"),
                put(Cf.RAW, "k2", ""),
                put(Cf.DEFAULT, "c", "x"),
                put(Cf.WRITE, "c", "x"),
                put(Cf.RAW_WRITE, "c", "x"),
                put(Cf.LOCK, "c", "x"))) {
            store.apply(index, change, compute());
            hashes.add(store.hash());
            index += 2;
        }
        assertThat(hashes.stream().map(RegionHash::value)).doesNotHaveDuplicates();

        store.engine.write(new WriteBatch().put(Cf.RAW, key("a"), bytes("x")).put(Cf.RAW, key("y"), bytes("x")), false);
        store.apply(index, compute());

        assertThat(store.hash()).isEqualTo(hashes.get(hashes.size() - 1));
    }

    @Test
    void equalReplicasAreNotReported() throws Exception {
        Store leader = store(1);
        Store follower = store(2);
        leader.apply(6, put(Cf.RAW, "k", "1"), compute());
        follower.apply(6, put(Cf.RAW, "k", "1"), compute());

        leader.apply(8, verify(7, leader.hash()));
        follower.apply(8, verify(7, leader.hash()));

        for (Store store : List.of(leader, follower)) {
            assertThat(store.awaitVerdict()).isEqualTo(ReplicaReport.State.EQUAL);
            assertThat(store.hashes.mismatched()).isEmpty();
            assertThat(store.counted("matches")).isEqualTo(1);
            assertThat(store.counted("mismatches")).isZero();
        }
    }

    /** Behind Raft's back, as a broken disk or a bug would. */
    @Test
    void aPlantedDifferenceIsFoundAndGoneWhenItIsMended() throws Exception {
        Store leader = store(1);
        Store follower = store(2);
        follower.engine.write(new WriteBatch().put(Cf.WRITE, key("planted"), bytes("x")), false);
        leader.apply(6, put(Cf.RAW, "k", "1"), compute());
        follower.apply(6, put(Cf.RAW, "k", "1"), compute());

        leader.apply(8, verify(7, leader.hash()));
        follower.apply(8, verify(7, leader.hash()));

        assertThat(leader.awaitVerdict()).isEqualTo(ReplicaReport.State.EQUAL);
        assertThat(follower.awaitVerdict()).isEqualTo(ReplicaReport.State.DIFFERENT);
        assertThat(follower.hashes.mismatched()).containsExactly(5L);
        assertThat(follower.hashes.mismatch(5))
                .isEqualTo(new ReplicaReport.Mismatch(
                        7, follower.hash().hex(), leader.hash().hex()));
        assertThat(follower.counted("mismatches")).isEqualTo(1);

        follower.engine.write(new WriteBatch().delete(Cf.WRITE, key("planted")), false);
        follower.apply(9, compute());
        leader.apply(9, compute());
        follower.apply(10, verify(9, leader.hash()));

        assertThat(follower.awaitVerdict()).isEqualTo(ReplicaReport.State.EQUAL);
        assertThat(follower.hashes.mismatched()).isEmpty();
    }

    @Test
    void aReplicaThatStillReadsComparesWhenItIsDone() throws Exception {
        Store leader = store(1);
        // A record a second.
        Store slow = new Store(2, new ConsistencyOptions(Duration.ZERO, 2));
        leader.apply(6, put(Cf.RAW, "k", "1"), compute());
        slow.engine.write(new WriteBatch().put(Cf.WRITE, key("p"), new byte[0]), false);
        slow.apply(6, put(Cf.RAW, "k", "1"), compute());
        slow.apply(8, verify(7, leader.hash()));

        assertThat(slow.report().state()).isEqualTo(ReplicaReport.State.COMPUTING);
        assertThat(slow.awaitVerdict()).isEqualTo(ReplicaReport.State.DIFFERENT);
    }

    /** R10: each that waits pins a snapshot. */
    @Test
    void r10_moreThanAFewAreRefusedAndCanBeAskedForAgain() {
        Store store = new Store(1, new ConsistencyOptions(Duration.ZERO, 1));
        store.apply(6, put(Cf.RAW, "k", "0123456789"));
        for (int i = 0; i < ReplicaHashes.WAITING_MAX + 3; i++) {
            store.apply(7 + i, compute());
        }

        assertThat(store.report().state()).isEqualTo(ReplicaReport.State.FAILED);
        assertThat(store.counted("refusals")).isBetween(1.0, 3.0);

        // Closing an engine that has open snapshots would wait for them.
        store.hashes.close();
        assertThat(store.own).allMatch(CompletableFuture::isCompletedExceptionally);
    }

    @Test
    void aHashOfAnotherIndexIsNoFinding() throws Exception {
        Store store = store(1);
        store.apply(6, put(Cf.RAW, "k", "1"), compute());
        RegionHash first = store.hash();
        store.apply(8, put(Cf.RAW, "k", "2"), compute());
        store.hash();

        store.apply(10, verify(7, first), verify(5, first));

        assertThat(store.report().state()).isEqualTo(ReplicaReport.State.COMPUTED);
        assertThat(store.counted("mismatches")).isZero();
    }
}
