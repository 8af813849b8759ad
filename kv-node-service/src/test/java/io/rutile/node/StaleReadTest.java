package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.txn.Transaction;
import io.rutile.client.txn.TxnKv;
import io.rutile.client.txn.TxnOptions;
import io.rutile.node.raftstore.StaleReadOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.DataIsNotReady;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyRequest;
import io.rutile.protocol.kvrpcpb.MvccGetByKeyResponse;
import io.rutile.protocol.kvrpcpb.MvccInfo;
import io.rutile.protocol.kvrpcpb.MvccWrite;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.ScanRequest;
import io.rutile.protocol.kvrpcpb.SplitRegionRequest;
import io.rutile.protocol.kvrpcpb.StoreSafeTSRequest;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P8: reads at a timestamp of the past, at every replica of three nodes, without a word to a leader. */
class StaleReadTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration INTERVAL = Duration.ofMillis(10);
    private static final int KEYS = 40;

    @TempDir
    Path dir;

    private final List<TestNode> nodes = new ArrayList<>();
    private FakePd pd;
    private RutileClient client;
    private TxnKv txn;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
        open();
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
        pd.wantReplicas(3);
        open();
        open();
        client = RutileClient.connect(RutileClientOptions.of(List.of(pd.endpoint())));
        txn = client.txn();
        awaitWhole();
    }

    private void open() {
        nodes.add(new TestNode(TestNode.resolving(
                        TestNode.options(List.of(pd.endpoint()), dir.resolve("n" + nodes.size())),
                        new StaleReadOptions(INTERVAL, 1 << 20)))
                .start());
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        nodes.forEach(TestNode::close);
        pd.close();
    }

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

    private static String key(int number) {
        return String.format(Locale.ROOT, "k%02d", number);
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static ByteKey byteKey(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ByteKey encoded(String key) {
        return MvccKey.of(bytes(key)).encoded();
    }

    private TestNode node(long storeId) {
        return nodes.stream()
                .filter(node -> node.node.storeId() == storeId)
                .findFirst()
                .orElseThrow();
    }

    private long now() {
        return txn.currentTimestamp().join().value();
    }

    private TimeStamp put(String key, String value) {
        try (Transaction one = txn.begin(TxnOptions.optimistic()).join()) {
            one.put(byteKey(key), value.getBytes(StandardCharsets.UTF_8));
            return one.commit().join();
        }
    }

    private RegionHeartbeatRequest beat() {
        return pd.firstRegion().orElseThrow();
    }

    private Context leaderContext() {
        return TestNode.context(beat().getRegion(), beat().getLeader());
    }

    private TestNode leaderNode() {
        return node(beat().getLeader().getStoreId());
    }

    private static Context stale(Region region, Peer peer) {
        return TestNode.context(region, peer).toBuilder().setStaleRead(true).build();
    }

    private GetResponse staleGet(Peer peer, String key, long version) {
        return node(peer.getStoreId())
                .stub()
                .kvGet(GetRequest.newBuilder()
                        .setContext(stale(beat().getRegion(), peer))
                        .setKey(bytes(key))
                        .setVersion(version)
                        .build());
    }

    private static long safeTs(TestNode node) {
        return node.stub()
                .getStoreSafeTS(StoreSafeTSRequest.getDefaultInstance())
                .getSafeTs();
    }

    private void awaitSafe(long ts) {
        for (TestNode node : nodes) {
            await().atMost(PATIENCE).pollInterval(INTERVAL).until(() -> !Ts.isBefore(safeTs(node), ts));
        }
    }

    private static double rounds(TestNode node) {
        return node.metrics.get("kv.resolved.round.duration").timer().count();
    }

    /** Two rounds that have begun after this call, and what they say has had its time. */
    private void awaitRounds() {
        TestNode leader = leaderNode();
        double enough = rounds(leader) + 5;
        await().atMost(PATIENCE).pollInterval(INTERVAL).until(() -> rounds(leader) > enough);
    }

    @Test
    void p8_everyReplicaServesWhatIsSettledAndAsksNobody() {
        put("k", "v1");
        long before = now();
        long after = put("k", "v2").value();
        awaitSafe(after);

        for (Peer peer : beat().getRegion().getPeersList()) {
            TestNode node = node(peer.getStoreId());
            double asked = node.metrics.get("kv.raft.follower.reads").timer().count();
            assertThat(staleGet(peer, "k", after).getValue().toStringUtf8()).isEqualTo("v2");
            assertThat(staleGet(peer, "k", before).getValue().toStringUtf8()).isEqualTo("v1");
            assertThat(staleGet(peer, "absent", after).getNotFound()).isTrue();
            var scan = node.stub()
                    .kvScan(ScanRequest.newBuilder()
                            .setContext(stale(beat().getRegion(), peer))
                            .setStartKey(bytes("a"))
                            .setEndKey(bytes("z"))
                            .setLimit(10)
                            .setVersion(before)
                            .build());
            assertThat(scan.getPairsList()).extracting(KvPair::getValue).containsExactly(bytes("v1"));
            assertThat(node.metrics.get("kv.raft.follower.reads").timer().count())
                    .isEqualTo((long) asked);
            assertThat(node.metrics.get("kv.resolved.reads").counter().count()).isEqualTo(4);
        }
    }

    /** The protocol's words, at the leader too; and whoever asks for the future moves no commit timestamp there. */
    @Test
    void aReadOfWhatIsNotSettledIsRefused() {
        awaitSafe(put("k", "v").value());
        long future = TimeStamp.of(System.currentTimeMillis() + 30_000, 0).value();

        for (Peer peer : beat().getRegion().getPeersList()) {
            DataIsNotReady refusal =
                    staleGet(peer, "k", future).getRegionError().getDataIsNotReady();
            assertThat(refusal.getRegionId()).isEqualTo(beat().getRegion().getId());
            assertThat(refusal.getPeerId()).isEqualTo(peer.getId());
            assertThat(refusal.getSafeTs()).isNotZero().isLessThan(future);
            assertThat(staleGet(peer, "k", Ts.MAX).getRegionError().hasDataIsNotReady())
                    .isTrue();
        }
        assertThat(put("k", "w").value()).isLessThan(future);
        var prewritten = leaderNode()
                .stub()
                .kvPrewrite(prewrite("async", now()).toBuilder()
                        .setUseAsyncCommit(true)
                        .build());
        assertThat(prewritten.getMinCommitTs()).isNotZero().isLessThan(future);
    }

    private PrewriteRequest prewrite(String key, long startTs) {
        return PrewriteRequest.newBuilder()
                .setContext(leaderContext())
                .addMutations(
                        Mutation.newBuilder().setOp(Op.Put).setKey(bytes(key)).setValue(bytes("v" + startTs)))
                .setPrimaryLock(bytes(key))
                .setStartVersion(startTs)
                .setMinCommitTs(startTs + 1)
                .setLockTtl(20_000)
                .build();
    }

    private void commit(String key, long startTs, long commitTs) {
        var answer = leaderNode()
                .stub()
                .kvCommit(CommitRequest.newBuilder()
                        .setContext(leaderContext())
                        .addKeys(bytes(key))
                        .setStartVersion(startTs)
                        .setCommitVersion(commitTs)
                        .build());
        assertThat(answer.hasError() || answer.hasRegionError()).isFalse();
    }

    @Test
    void p8_aLockHoldsItBackUntilItIsGone() {
        // A little ahead of time, so that nothing is settled as far as that before the lock is there.
        long startTs = now() + (2_000L << TimeStamp.LOGICAL_BITS);
        assertThat(leaderNode().stub().kvPrewrite(prewrite("held", startTs)).getErrorsCount())
                .isZero();
        awaitSafe(startTs - 1);
        awaitRounds();

        for (TestNode node : nodes) {
            assertThat(safeTs(node)).isEqualTo(startTs - 1);
        }
        long commitTs = now();
        commit("held", startTs, commitTs);
        awaitSafe(commitTs);
        for (Peer peer : beat().getRegion().getPeersList()) {
            assertThat(staleGet(peer, "held", commitTs).getValue().toStringUtf8())
                    .isEqualTo("v" + startTs);
        }
    }

    /** What a pessimistic lock becomes is prewritten first, and gets its commit timestamp after that. */
    @Test
    void p8_aPessimisticLockHoldsNothingBack() {
        long startTs = now();
        var locked = leaderNode()
                .stub()
                .kvPessimisticLock(PessimisticLockRequest.newBuilder()
                        .setContext(leaderContext())
                        .addMutations(
                                Mutation.newBuilder().setOp(Op.PessimisticLock).setKey(bytes("pessimistic")))
                        .setPrimaryLock(bytes("pessimistic"))
                        .setStartVersion(startTs)
                        .setForUpdateTs(startTs)
                        .setLockTtl(20_000)
                        .build());
        assertThat(locked.getErrorsCount()).isZero();

        awaitSafe(now());
    }

    /** Its lock is in the way of nobody who reads below: its commit timestamp comes from the oracle later than what was settled. */
    @Test
    void p8_aTransactionThatIsPrewrittenLateIsNotWaitedFor() {
        long startTs = now();
        long settled = put("other", "v").value();
        awaitSafe(settled);
        assertThat(leaderNode().stub().kvPrewrite(prewrite("late", startTs)).getErrorsCount())
                .isZero();

        for (Peer peer : beat().getRegion().getPeersList()) {
            assertThat(staleGet(peer, "late", settled).getNotFound()).isTrue();
        }
        long commitTs = now();
        commit("late", startTs, commitTs);
        awaitSafe(commitTs);
        for (Peer peer : beat().getRegion().getPeersList()) {
            assertThat(staleGet(peer, "late", settled).getNotFound()).isTrue();
            assertThat(staleGet(peer, "late", commitTs).getValue().toStringUtf8())
                    .isEqualTo("v" + startTs);
        }
    }

    // ---- random transactions

    /** What one replica has answered. @param found what isn't there was not found */
    private record Answer(long storeId, long version, Set<String> asked, Map<String, String> found) {}

    /**
     * Transactions of every kind, some of them begun long before they are committed, while leaders move and Regions split and merge. Readers
     * at every replica read at the very timestamp that it says is settled. When all is over, what each key held at each timestamp is known
     * for certain, and every answer must be exactly that: nothing may have been committed at or below a timestamp that was read at, later.
     */
    @Test
    void p8_aStaleReadMissesNothingUnderTransfersSplitsAndMerges() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("rounds", 6);
        System.out.println("StaleReadTest seed=" + seed);
        Random random = new Random(seed);
        AtomicBoolean over = new AtomicBoolean();
        Queue<String> anomalies = new ConcurrentLinkedQueue<>();
        Queue<Answer> answers = new ConcurrentLinkedQueue<>();
        AtomicInteger committed = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Random own = new Random(random.nextLong());
            String name = "w" + i;
            threads.add(new Thread(() -> write(own, name, committed, over), name));
        }
        for (TestNode node : nodes) {
            Random own = new Random(random.nextLong());
            threads.add(new Thread(() -> read(own, node, answers, anomalies, over), "r" + node.node.storeId()));
        }
        threads.forEach(thread -> {
            thread.setUncaughtExceptionHandler((dead, e) -> anomalies.add(dead.getName() + " died of " + e));
            thread.start();
        });

        for (int i = 0; i < rounds; i++) {
            int before = answers.size();
            transfer(random);
            if (pd.regions().size() == 1) {
                split(key(1 + random.nextInt(KEYS - 1)));
            } else {
                merge(random);
            }
            await().atMost(PATIENCE).until(() -> answers.size() > before + 300);
        }
        over.set(true);
        for (Thread thread : threads) {
            thread.join(PATIENCE.toMillis());
        }

        Map<String, TreeMap<Long, Optional<String>>> truth = truth();
        for (Answer answer : answers) {
            for (String key : answer.asked()) {
                Map.Entry<Long, Optional<String>> version =
                        Objects.requireNonNull(truth.get(key)).floorEntry(answer.version());
                String expected = version == null ? null : version.getValue().orElse(null);
                String found = answer.found().get(key);
                if (expected == null ? found != null : !expected.equals(found)) {
                    anomalies.add("store " + answer.storeId() + " at " + answer.version() + " showed " + found + " for "
                            + key + ", which is " + expected + " since " + (version == null ? 0 : version.getKey()));
                }
            }
        }
        System.out.println("answers=" + answers.size() + " transactions=" + committed.get());
        assertThat(anomalies.stream().limit(10)).as("seed=" + seed).isEmpty();
        assertThat(committed.get()).isGreaterThan(100);
        assertThat(answers.stream().map(Answer::storeId).distinct()).hasSize(3);
        assertThat(answers.stream().filter(answer -> !answer.found().isEmpty())).isNotEmpty();
    }

    private void write(Random random, String name, AtomicInteger committed, AtomicBoolean over) {
        Deque<Transaction> open = new ArrayDeque<>();
        for (int i = 0; !over.get(); i++) {
            TxnOptions options = switch (random.nextInt(4)) {
                case 0 -> TxnOptions.optimistic().withTwoPhaseCommitOnly();
                case 1 -> TxnOptions.pessimistic();
                case 2 -> TxnOptions.optimistic().withCommit(true, false, true);
                default -> TxnOptions.optimistic().withCommit(true, true, true);
            };
            try {
                Transaction begun = txn.begin(options).get(20, TimeUnit.SECONDS);
                List<ByteKey> keys = new ArrayList<>();
                for (int k = random.nextInt(3); k >= 0; k--) {
                    keys.add(byteKey(key(random.nextInt(KEYS))));
                }
                if (options.pessimisticLocks()) {
                    lock(begun, keys);
                }
                for (ByteKey key : keys) {
                    if (random.nextInt(8) == 0) {
                        begun.delete(key);
                    } else {
                        begun.put(key, (name + "-" + i).getBytes(StandardCharsets.UTF_8));
                    }
                }
                Transaction due = begun;
                if (!options.pessimisticLocks()) {
                    // Begun before a few others, so that what is settled has passed its start timestamp by then.
                    open.addLast(begun);
                    due = open.size() > random.nextInt(6) ? open.removeFirst() : null;
                }
                if (due != null) {
                    due.commit().get(20, TimeUnit.SECONDS);
                    committed.incrementAndGet();
                }
            } catch (ExecutionException e) {
                // A conflict, or nobody knows: what has become of it is found out in the end.
                continue;
            } catch (Exception e) {
                throw new IllegalStateException(name, e);
            }
        }
        open.forEach(Transaction::close);
    }

    /** Lets go of what it has got if it doesn't get all. */
    private static void lock(Transaction begun, List<ByteKey> keys) throws Exception {
        try {
            begun.lockKeys(keys).get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            begun.close();
            throw e;
        }
    }

    private void read(
            Random random, TestNode node, Queue<Answer> answers, Queue<String> anomalies, AtomicBoolean over) {
        long storeId = node.node.storeId();
        long newest = 0;
        while (!over.get()) {
            RegionHeartbeatRequest beat =
                    pd.region(encoded(key(random.nextInt(KEYS)))).orElse(null);
            Peer peer = beat == null
                    ? null
                    : beat.getRegion().getPeersList().stream()
                            .filter(one -> one.getStoreId() == storeId)
                            .findFirst()
                            .orElse(null);
            if (beat == null || peer == null) {
                continue;
            }
            Set<String> asked = new TreeSet<>();
            for (int i = 0; i < KEYS; i++) {
                KeyRange range = new KeyRange(
                        ByteKey.of(beat.getRegion().getStartKey()),
                        ByteKey.of(beat.getRegion().getEndKey()));
                if (range.contains(encoded(key(i)))) {
                    asked.add(key(i));
                }
            }
            long version = newest == 0 || random.nextInt(4) == 0
                    ? settled(node, beat.getRegion(), peer)
                    : newest - (random.nextInt(4) == 0 ? random.nextInt(1 << 24) : 0);
            if (version == 0) {
                continue;
            }
            BatchGetResponse answer = batchGet(node, beat.getRegion(), peer, asked, version);
            if (answer.hasRegionError()) {
                newest = answer.getRegionError().getDataIsNotReady().getSafeTs();
                continue;
            }
            newest = Ts.max(newest, version);
            Map<String, String> found = new HashMap<>();
            for (KvPair pair : answer.getPairsList()) {
                if (pair.hasError()) {
                    anomalies.add("store " + storeId + " at " + version + ": " + pair.getError());
                }
                found.put(pair.getKey().toStringUtf8(), pair.getValue().toStringUtf8());
            }
            answers.add(new Answer(storeId, version, asked, found));
        }
    }

    /** How far a replica says that it is settled. */
    private static long settled(TestNode node, Region region, Peer peer) {
        return batchGet(node, region, peer, Set.of(), Ts.MAX)
                .getRegionError()
                .getDataIsNotReady()
                .getSafeTs();
    }

    private static BatchGetResponse batchGet(TestNode node, Region region, Peer peer, Set<String> keys, long version) {
        BatchGetRequest.Builder request =
                BatchGetRequest.newBuilder().setContext(stale(region, peer)).setVersion(version);
        keys.forEach(key -> request.addKeys(bytes(key)));
        return node.stub().kvBatchGet(request.build());
    }

    private void transfer(Random random) {
        List<RegionHeartbeatRequest> beats = pd.regions();
        RegionHeartbeatRequest beat = beats.get(random.nextInt(beats.size()));
        List<Peer> others = beat.getRegion().getPeersList().stream()
                .filter(peer -> peer.getId() != beat.getLeader().getId())
                .toList();
        Peer to = others.get(random.nextInt(others.size()));
        pd.transferLeader(beat.getRegion().getId(), to);
        await().atMost(PATIENCE)
                .until(() ->
                        pd.regions().stream().anyMatch(one -> one.getLeader().getId() == to.getId()));
    }

    private void split(String at) {
        await().atMost(PATIENCE).until(() -> {
            // While a Region changes, PD may know nothing of a key for a moment.
            pd.region(encoded(at))
                    .ifPresent(beat -> node(beat.getLeader().getStoreId())
                            .stub()
                            .splitRegion(SplitRegionRequest.newBuilder()
                                    .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                                    .addSplitKeys(bytes(at))
                                    .build()));
            return pd.regions().size() == 2;
        });
        awaitWhole();
    }

    private void merge(Random random) {
        awaitWhole();
        List<RegionHeartbeatRequest> two = pd.regions();
        int source = random.nextInt(2);
        long id = two.get(source).getRegion().getId();
        pd.merge(id, two.get(1 - source).getRegion().getId());
        await().atMost(PATIENCE)
                .until(() ->
                        pd.regions().stream().noneMatch(beat -> beat.getRegion().getId() == id));
    }

    /** What each key held from each commit timestamp on. */
    private Map<String, TreeMap<Long, Optional<String>>> truth() {
        List<ByteKey> all = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
            all.add(byteKey(key(i)));
        }
        // Brings to an end what writers have left open.
        txn.snapshot(txn.currentTimestamp().join()).batchGet(all).join();
        Map<String, TreeMap<Long, Optional<String>>> truth = new HashMap<>();
        for (int i = 0; i < KEYS; i++) {
            String key = key(i);
            MvccGetByKeyResponse known = await().atMost(PATIENCE)
                    .pollDelay(Duration.ZERO)
                    .until(() -> history(key), answer -> !answer.hasRegionError() && !isUndecided(answer.getInfo()));
            TreeMap<Long, Optional<String>> versions = new TreeMap<>();
            for (MvccWrite write : known.getInfo().getWritesList()) {
                if (write.getType() == Op.Put) {
                    versions.put(
                            write.getCommitTs(),
                            Optional.of(write.getShortValue().toStringUtf8()));
                } else if (write.getType() == Op.Del) {
                    versions.put(write.getCommitTs(), Optional.empty());
                }
            }
            truth.put(key, versions);
        }
        return truth;
    }

    /** A pessimistic lock that somebody has left makes no version. */
    private static boolean isUndecided(MvccInfo info) {
        return info.hasLock() && info.getLock().getType() != Op.PessimisticLock;
    }

    private MvccGetByKeyResponse history(String key) {
        RegionHeartbeatRequest beat = pd.region(encoded(key)).orElseThrow();
        return node(beat.getLeader().getStoreId())
                .stub()
                .mvccGetByKey(MvccGetByKeyRequest.newBuilder()
                        .setContext(TestNode.context(beat.getRegion(), beat.getLeader()))
                        .setKey(bytes(key))
                        .build());
    }
}
