package io.rutile.client.pd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.pd.PdClient.RegionHeartbeats;
import io.rutile.client.pd.PdException.Kind;
import io.rutile.client.testing.FakePd;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PdClientTest {

    private final FakePd pd = new FakePd(3);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final List<PdClient> clients = new ArrayList<>();

    @AfterEach
    void close() {
        clients.forEach(PdClient::close);
        pd.close();
    }

    private PdClient connect() {
        return connect(Duration.ofSeconds(10));
    }

    private PdClient connect(Duration callTimeout) {
        return connect(pd.endpoints(), callTimeout);
    }

    private PdClient connect(List<String> endpoints, Duration callTimeout) {
        PdClient client = PdClient.connect(new PdClientOptions(endpoints, callTimeout, Duration.ofSeconds(5)), meters);
        clients.add(client);
        return client;
    }

    private static Kind kindOf(CompletableFuture<?> failing) {
        try {
            failing.join();
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(PdException.class);
            return ((PdException) e.getCause()).kind();
        }
        throw new AssertionError("the call succeeded");
    }

    @Test
    void findsTheLeaderFromAnyOneMember() {
        pd.lead(2);

        PdClient client = connect(List.of("http://" + pd.members.get(0).address()), Duration.ofSeconds(5));

        assertThat(client.clusterId()).isEqualTo(FakePd.CLUSTER_ID);
        assertThat(client.isBootstrapped().join()).isTrue();
    }

    @Test
    void findsTheLeaderWhileAnotherSeedIsDead() {
        pd.members.get(0).kill();
        pd.lead(1);

        assertThat(connect().isBootstrapped().join()).isTrue();
    }

    @Test
    void connectSaysThatNobodyAnswers() {
        pd.members.forEach(FakePd.FakeMember::kill);

        assertThatThrownBy(() -> PdClient.connect(
                        new PdClientOptions(pd.endpoints(), Duration.ofSeconds(1), Duration.ofMillis(300))))
                .isInstanceOfSatisfying(
                        PdException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE))
                .hasMessageContaining("named a leader");
    }

    @Test
    void connectRefusesSeedsOfTwoClusters() {
        pd.members.get(1).pretendCluster(99);

        assertThatThrownBy(this::connect)
                .isInstanceOfSatisfying(
                        PdException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CLUSTER_MISMATCH));
    }

    @Test
    void connectRefusesWhatIsNoEndpoint() {
        assertThatThrownBy(() -> connect(List.of("nowhere"), Duration.ofSeconds(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("host:port");
    }

    @Test
    void aLeaderOfAnotherClusterIsAMismatchAndNotRetried() {
        PdClient client = connect();
        pd.members.forEach(m -> m.pretendCluster(99));

        assertThat(kindOf(client.isBootstrapped())).isEqualTo(Kind.CLUSTER_MISMATCH);
        assertThat(kindOf(client.timestamp())).isEqualTo(Kind.CLUSTER_MISMATCH);
    }

    @Test
    void followsTheLeaderThatMoved() {
        PdClient client = connect();
        assertThat(client.isBootstrapped().join()).isTrue();

        pd.lead(1);

        assertThat(client.isBootstrapped().join()).isTrue();
        assertThat(meters.get("kv.client.pd.leader.changes").counter().count()).isGreaterThanOrEqualTo(2);
    }

    @Test
    void followsTheNewLeaderSoonAfterTheOldOneWasKilled() {
        PdClient client = connect();
        client.timestamp().join();
        // For a while the survivors still name the dead one.
        pd.members.get(1).believeIn(pd.members.get(0));
        pd.members.get(2).believeIn(pd.members.get(0));
        pd.members.get(0).kill();
        CompletableFuture<Boolean> call = client.isBootstrapped();
        CompletableFuture<TimeStamp> timestamp = client.timestamp();
        await().atMost(Duration.ofSeconds(5))
                .until(() -> meters.find("kv.client.pd.retries").counters().stream()
                                .mapToDouble(c -> c.count())
                                .sum()
                        >= 3);

        pd.lead(1);
        pd.members.get(1).believeIn(pd.members.get(1));
        pd.members.get(2).believeIn(pd.members.get(1));
        long ledNanos = System.nanoTime();

        assertThat(call.join()).isTrue();
        timestamp.join();
        assertThat(Duration.ofNanos(System.nanoTime() - ledNanos)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void leavesALeaderThatSaysNothing() {
        PdClient client = connect();
        client.timestamp().join();
        pd.members.get(0).silence(true);
        pd.lead(2);
        long beganNanos = System.nanoTime();

        assertThat(client.isBootstrapped().join()).isTrue();
        client.timestamp().join();

        assertThat(Duration.ofNanos(System.nanoTime() - beganNanos)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void aCallEndsAtItsDeadlineWhileNobodyLeads() {
        PdClient client = connect(Duration.ofMillis(1_500));
        pd.lead(-1);
        long beganNanos = System.nanoTime();

        assertThat(kindOf(client.isBootstrapped())).isEqualTo(Kind.UNAVAILABLE);

        assertThat(Duration.ofNanos(System.nanoTime() - beganNanos))
                .isBetween(Duration.ofMillis(1_425), Duration.ofMillis(1_800));
    }

    @Test
    void callsAndTimestampsEndAtTheirDeadlineWhileEveryMemberIsSilent() {
        PdClient client = connect(Duration.ofMillis(1_500));
        pd.members.forEach(m -> m.silence(true));
        long beganNanos = System.nanoTime();
        CompletableFuture<Boolean> call = client.isBootstrapped();
        CompletableFuture<TimeStamp> timestamp = client.timestamp();

        assertThat(kindOf(call)).isEqualTo(Kind.UNAVAILABLE);
        assertThat(kindOf(timestamp)).isEqualTo(Kind.UNAVAILABLE);

        assertThat(Duration.ofNanos(System.nanoTime() - beganNanos))
                .isBetween(Duration.ofMillis(1_425), Duration.ofMillis(1_800));
    }

    @Test
    void whatPdRefusesComesBackTypedAndAtOnce() {
        PdClient client = connect();
        Store gone = Store.newBuilder().setId(4).setState(StoreState.Tombstone).build();
        pd.stores.put(4L, gone);
        pd.nextStatuses.add(Status.INVALID_ARGUMENT.withDescription("no such thing"));

        assertThat(kindOf(client.isBootstrapped())).isEqualTo(Kind.REFUSED);
        assertThat(kindOf(client.store(77))).isEqualTo(Kind.NOT_FOUND);
        assertThat(kindOf(client.putStore(gone))).isEqualTo(Kind.STORE_TOMBSTONE);
        assertThat(client.store(4).join()).isEqualTo(gone);
        pd.setBootstrapped(false);
        assertThat(kindOf(client.storeHeartbeat(StoreStats.getDefaultInstance())))
                .isEqualTo(Kind.NOT_BOOTSTRAPPED);
    }

    @Test
    void aBusyMemberIsAskedAgain() {
        PdClient client = connect();
        pd.nextStatuses.add(Status.RESOURCE_EXHAUSTED.withDescription("rate limit exceeded"));

        assertThat(client.isBootstrapped().join()).isTrue();
    }

    @Test
    void aPdThatKeepsNoGcSafePointHasNone() {
        PdClient client = connect();
        assertThat(client.gcSafePoint().join()).isEqualTo(TimeStamp.ZERO);
        pd.gcSafePoint = -2L;
        assertThat(client.gcSafePoint().join()).isEqualTo(new TimeStamp(-2L));

        pd.nextStatuses.add(Status.UNIMPLEMENTED);
        assertThat(client.gcSafePoint().join()).isEqualTo(TimeStamp.ZERO);
        pd.nextStatuses.add(Status.INVALID_ARGUMENT);
        assertThat(kindOf(client.gcSafePoint())).isEqualTo(Kind.REFUSED);
        pd.nextStatuses.add(Status.UNIMPLEMENTED);
        assertThat(kindOf(client.isBootstrapped())).isEqualTo(Kind.UNSUPPORTED);
    }

    @Test
    void bootstrapIsOnceForAll() {
        PdClient client = connect();
        pd.setBootstrapped(false);
        Store store = Store.newBuilder().setId(1).setAddress("127.0.0.1:20160").build();
        Region region = Region.newBuilder().setId(2).build();

        client.bootstrap(store, region).join();

        assertThat(kindOf(client.bootstrap(store.toBuilder().setId(5).build(), region)))
                .isEqualTo(Kind.ALREADY_BOOTSTRAPPED);
    }

    @Test
    void bootstrapWhoseAnswerWasLostStillCountsAsOurs() {
        PdClient client = connect();
        pd.setBootstrapped(false);
        pd.loseBootstrapAnswer = true;
        Store store = Store.newBuilder().setId(1).setAddress("127.0.0.1:20160").build();

        client.bootstrap(store, Region.newBuilder().setId(2).build()).join();

        assertThat(pd.stores).containsKey(1L);
    }

    @Test
    void allocatesConsecutiveIdsThatNeverRepeat() {
        PdClient client = connect();

        long first = client.allocateIds(3).join();
        long second = client.allocateIds(2).join();

        assertThat(second - 2).isGreaterThanOrEqualTo(first);
        assertThatThrownBy(() -> client.allocateIds(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void findsRegionsByKeyByNeighbourAndById() {
        addRegion(10, "", "g", 1);
        addRegion(11, "g", "", 0);
        PdClient client = connect();

        RegionLocation left = client.regionByKey(key("a")).join().orElseThrow();
        assertThat(left.region().getId()).isEqualTo(10);
        assertThat(left.leader()).isNotNull();
        assertThat(client.previousRegion(key("z")).join().orElseThrow().region().getId())
                .isEqualTo(10);
        assertThat(client.previousRegion(key("a")).join()).isEmpty();
        assertThat(client.regionById(11).join().orElseThrow().leader()).isNull();
        assertThat(client.regionById(12).join()).isEmpty();
    }

    @Test
    void scansMoreRegionsThanOnePageHolds() {
        int count = 2_500;
        for (int i = 0; i < count; i++) {
            addRegion(
                    10 + i, i == 0 ? ByteString.EMPTY : bytes(i), i == count - 1 ? ByteString.EMPTY : bytes(i + 1), 1);
        }
        PdClient client = connect();

        assertThat(client.scanRegions(KeyRange.ALL, 0).join())
                .extracting(r -> r.region().getId())
                .hasSize(count)
                .isSorted();
        assertThat(client.scanRegions(KeyRange.ALL, 1_025).join()).hasSize(1_025);
        KeyRange middle = new KeyRange(ByteKey.of(bytes(100)), ByteKey.of(bytes(103)));
        assertThat(client.scanRegions(middle, 0).join()).hasSize(3);
        assertThat(client.scanRegions(new KeyRange(key("b"), key("a")), 0).join())
                .isEmpty();
    }

    @Test
    void t1TimestampsOfEightThreadsIncreaseAndShareRequests() {
        PdClient client = connect();
        int threads = 8;
        int each = 2_000;
        Queue<TimeStamp> all = new ConcurrentLinkedQueue<>();
        AtomicInteger violations = new AtomicInteger();

        List<CompletableFuture<Void>> running = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            running.add(CompletableFuture.runAsync(
                    () -> {
                        TimeStamp last = TimeStamp.ZERO;
                        for (int i = 0; i < each / 10; i++) {
                            List<CompletableFuture<TimeStamp>> ten = new ArrayList<>();
                            for (int j = 0; j < 10; j++) {
                                ten.add(client.timestamp());
                            }
                            for (CompletableFuture<TimeStamp> future : ten) {
                                TimeStamp next = future.join();
                                if (next.compareTo(last) <= 0) {
                                    violations.incrementAndGet();
                                }
                                last = next;
                                all.add(next);
                            }
                        }
                    },
                    task -> new Thread(task).start()));
        }
        running.forEach(CompletableFuture::join);

        assertThat(violations).hasValue(0);
        Set<TimeStamp> distinct = new HashSet<>(all);
        assertThat(distinct).hasSize(threads * each);
        assertThat(pd.timestampBatches.size()).isLessThan(threads * each / 2);
        assertThat(pd.timestampBatches).allMatch(count -> count <= TsoBatcher.BATCH_MAX);
    }

    @Test
    void t1AnAnswerFromThePastIsNotHandedOut() {
        PdClient client = connect();
        TimeStamp before = client.timestamp().join();
        pd.nextTsoChanges.add(answer -> answer.toBuilder()
                .setTimestamp(answer.getTimestamp().toBuilder().setPhysical(before.physicalMs() - 1_000))
                .build());

        assertThat(client.timestamp().join()).isGreaterThan(before);
    }

    @Test
    void t1AnAnswerForAnotherCountIsNotHandedOut() {
        PdClient client = connect();
        TimeStamp before = client.timestamp().join();
        pd.nextTsoChanges.add(
                answer -> answer.toBuilder().setCount(answer.getCount() + 1).build());
        pd.nextTsoChanges.add(answer -> answer.toBuilder()
                .setTimestamp(answer.getTimestamp().toBuilder().setLogical(-1))
                .build());

        assertThat(client.timestamp().join()).isGreaterThan(before);
        assertThat(pd.nextTsoChanges).isEmpty();
    }

    @Test
    void timestampsGoOnWhenTheLeaderMoves() {
        PdClient client = connect();
        TimeStamp before = client.timestamp().join();

        pd.lead(1);
        pd.endStreams(pd.members.get(0));
        TimeStamp after = client.timestamp().join();
        pd.members.get(1).kill();
        pd.lead(2);

        assertThat(after).isGreaterThan(before);
        assertThat(client.timestamp().join()).isGreaterThan(after);
    }

    @Test
    void heartbeatsReconnectToTheNewLeaderAndAskForEverythingOnceMore() {
        PdClient client = connect();
        AtomicInteger connects = new AtomicInteger();
        Queue<Long> orders = new ConcurrentLinkedQueue<>();
        try (RegionHeartbeats stream =
                client.regionHeartbeats(order -> orders.add(order.getRegionId()), connects::incrementAndGet)) {
            await().untilAtomic(connects, org.hamcrest.Matchers.greaterThanOrEqualTo(1));
            stream.send(heartbeat(1));
            await().until(() -> orders.contains(1L));

            pd.members.get(0).kill();
            pd.lead(1);
            await().untilAtomic(connects, org.hamcrest.Matchers.greaterThanOrEqualTo(2));
            stream.send(heartbeat(2));
            await().until(() -> orders.contains(2L));

            // A leader that steps down without a word: the stream must not stay behind.
            int connectsBefore = connects.get();
            pd.lead(2);
            await().untilAtomic(connects, org.hamcrest.Matchers.greaterThan(connectsBefore));
            stream.send(heartbeat(3));
            await().until(() -> orders.contains(3L));
        }
        assertThat(pd.heartbeats)
                .allMatch(h -> h.getHeader().getClusterId() == FakePd.CLUSTER_ID)
                .extracting(h -> h.getRegion().getId())
                .contains(1L, 2L, 3L);
    }

    @Test
    void heartbeatsWithoutALeaderAreDroppedAndCounted() {
        PdClient client = connect();
        try (RegionHeartbeats stream = client.regionHeartbeats(order -> {}, () -> {})) {
            await().until(() ->
                    meters.get("kv.client.pd.heartbeats.connects").counter().count() == 1);
            pd.members.forEach(FakePd.FakeMember::kill);

            await().until(() -> {
                stream.send(heartbeat(1));
                return meters.get("kv.client.pd.heartbeats.dropped").counter().count() > 0;
            });
        }
    }

    @Test
    void closingEndsCallsUnderWay() {
        PdClient client = connect();
        pd.members.forEach(m -> m.silence(true));
        CompletableFuture<Boolean> call = client.isBootstrapped();
        CompletableFuture<TimeStamp> timestamp = client.timestamp();

        client.close();

        assertThat(kindOf(call)).isEqualTo(Kind.UNAVAILABLE);
        assertThat(kindOf(timestamp)).isEqualTo(Kind.UNAVAILABLE);
        assertThat(kindOf(client.isBootstrapped())).isEqualTo(Kind.UNAVAILABLE);
        assertThat(kindOf(client.timestamp())).isEqualTo(Kind.UNAVAILABLE);
    }

    private static RegionHeartbeatRequest heartbeat(long regionId) {
        return RegionHeartbeatRequest.newBuilder()
                .setRegion(Region.newBuilder().setId(regionId))
                .build();
    }

    private void addRegion(long id, String start, String end, long leaderStore) {
        addRegion(id, ByteString.copyFromUtf8(start), ByteString.copyFromUtf8(end), leaderStore);
    }

    private void addRegion(long id, ByteString start, ByteString end, long leaderStore) {
        Peer peer = Peer.newBuilder().setId(id * 10).setStoreId(leaderStore).build();
        pd.regions.put(
                id,
                io.rutile.protocol.pdpb.Region.newBuilder()
                        .setRegion(Region.newBuilder()
                                .setId(id)
                                .setStartKey(start)
                                .setEndKey(end)
                                .addPeers(peer))
                        .setLeader(leaderStore == 0 ? Peer.getDefaultInstance() : peer)
                        .build());
    }

    private static ByteString bytes(int i) {
        return ByteString.copyFrom(ByteBuffer.allocate(4).putInt(i).array());
    }

    private static ByteKey key(String text) {
        return ByteKey.of(ByteString.copyFromUtf8(text));
    }
}
