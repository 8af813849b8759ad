package io.rutile.client.region;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.testing.FakePd;
import io.rutile.client.testing.FakeStore;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.errorpb.DataIsNotReady;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.FlashbackInProgress;
import io.rutile.protocol.errorpb.IsWitness;
import io.rutile.protocol.errorpb.MaxTimestampNotSynced;
import io.rutile.protocol.errorpb.ProposalInMergingMode;
import io.rutile.protocol.errorpb.ReadIndexNotReady;
import io.rutile.protocol.errorpb.RecoveryInProgress;
import io.rutile.protocol.errorpb.RegionNotInitialized;
import io.rutile.protocol.errorpb.UndeterminedResult;
import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a caller of the raw API sees while stores, Regions and PD misbehave. */
class RegionFaultsTest {

    private static final Duration FOR_EVER = Duration.ZERO;
    private static final ByteKey KEY = key("k");

    private final FakeCluster cluster = new FakeCluster(1, 3);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private RutileClient client;
    private RawKv raw;

    @BeforeEach
    void connect() {
        client = RutileClient.connect(
                new RutileClientOptions(cluster.pd.endpoints(), Duration.ofSeconds(10), Duration.ofSeconds(5), 2),
                meters);
        raw = client.raw();
        raw.put(KEY, value("old"), FOR_EVER).join();
        // PD has said where all stores are; nothing else is under way.
        await().until(() -> cluster.pd.storeLookups.get() >= 3);
    }

    @AfterEach
    void close() {
        client.close();
        cluster.close();
    }

    static Stream<Error> errorsThatPass() {
        Error.Builder error = Error.newBuilder().setMessage("injected");
        return Stream.of(
                RegionErrors.notLeader(1, null).error(),
                RegionErrors.notLeader(
                                1, Peer.newBuilder().setId(199).setStoreId(99).build())
                        .error(),
                RegionErrors.epochNotMatch(List.of()).error(),
                RegionErrors.regionNotFound(1).error(),
                RegionErrors.storeNotMatch(1, 2).error(),
                RegionErrors.staleCommand(1).error(),
                RegionErrors.serverIsBusy("scheduler is busy", 20).error(),
                RegionErrors.deadlineExceeded().error(),
                RegionErrors.mismatchPeerId(1, 2).error(),
                RegionErrors.message("something that nobody has heard of").error(),
                error.clone()
                        .setMaxTimestampNotSynced(MaxTimestampNotSynced.getDefaultInstance())
                        .build(),
                error.clone()
                        .setReadIndexNotReady(ReadIndexNotReady.getDefaultInstance())
                        .build(),
                error.clone()
                        .setProposalInMergingMode(ProposalInMergingMode.getDefaultInstance())
                        .build(),
                error.clone()
                        .setDataIsNotReady(DataIsNotReady.getDefaultInstance())
                        .build(),
                error.clone()
                        .setRegionNotInitialized(RegionNotInitialized.getDefaultInstance())
                        .build(),
                error.clone()
                        .setRecoveryInProgress(RecoveryInProgress.getDefaultInstance())
                        .build(),
                error.clone().setIsWitness(IsWitness.getDefaultInstance()).build());
    }

    @ParameterizedTest
    @MethodSource("errorsThatPass")
    void aRegionErrorThatPassesIsNotSeenByTheCaller(Error error) {
        cluster.store(1).nextErrors.add(error);
        cluster.store(1).nextErrors.add(error);

        raw.put(KEY, value("new"), FOR_EVER).join();

        assertThat(cluster.data.get(KEY)).isEqualTo(value("new"));
        assertThat(cluster.store(1).nextErrors).isEmpty();
        assertThat(retries()).isGreaterThanOrEqualTo(2);
    }

    @Test
    void aKeyThatIsNotInTheRegionIsLookedUpAgainAndStaysOutOfTheMessage() {
        Error error = RegionErrors.keyNotInRegion(
                        KEY.toByteString(), cluster.region(1).getRegion())
                .error()
                .toBuilder()
                .setMessage("key " + KEY + " is not in region")
                .build();
        cluster.store(1).nextErrors.add(error);
        int lookups = cluster.pd.regionLookups.get();

        assertThat(raw.get(KEY).join()).hasValue(value("old"));

        assertThat(cluster.pd.regionLookups.get()).isGreaterThan(lookups);
        IntStream.range(0, 1_000).forEach(i -> cluster.store(1).nextErrors.add(error));
        KvClientException failure =
                failureOf(raw.withTimeout(Duration.ofMillis(300)).get(KEY));
        assertThat(failure.getMessage()).doesNotContain(KEY.toString());
        assertThat(failure.regionError()).isEqualTo(error);
    }

    static Stream<Map.Entry<Error, Kind>> errorsThatEndTheCall() {
        Error.Builder error = Error.newBuilder().setMessage("injected");
        return Stream.of(
                Map.entry(RegionErrors.entryTooLarge(1, 9 << 20).error(), Kind.TOO_LARGE),
                Map.entry(RegionErrors.diskFull(1, "full").error(), Kind.DISK_FULL),
                Map.entry(
                        error.clone()
                                .setUndeterminedResult(UndeterminedResult.getDefaultInstance())
                                .build(),
                        Kind.UNDETERMINED),
                Map.entry(
                        error.clone()
                                .setFlashbackInProgress(FlashbackInProgress.getDefaultInstance())
                                .build(),
                        Kind.SERVER));
    }

    @ParameterizedTest
    @MethodSource("errorsThatEndTheCall")
    void aRegionErrorThatNothingCuresEndsTheCallAtOnce(Map.Entry<Error, Kind> expected) {
        cluster.store(1).asked.clear();
        cluster.store(1).nextErrors.add(expected.getKey());

        KvClientException failure = failureOf(raw.put(KEY, value("new"), FOR_EVER));

        assertThat(failure.kind()).isEqualTo(expected.getValue());
        assertThat(failure.regionError()).isEqualTo(expected.getKey());
        assertThat(cluster.store(1).asked).hasSize(1);
    }

    @Test
    void aHintLeadsToTheNewLeaderWithoutPd() {
        cluster.lead(1, 3);
        int lookups = cluster.pd.regionLookups.get();

        raw.put(KEY, value("new"), FOR_EVER).join();
        long asked = cluster.store(1).asked.size();
        raw.get(KEY).join();

        assertThat(cluster.pd.regionLookups).hasValue(lookups);
        assertThat(cluster.store(1).asked).as("the new leader is remembered").hasSize((int) asked);
    }

    @Test
    void anElectionIsWaitedOut() {
        cluster.lead(1, 0);
        CompletableFuture<Void> put = raw.put(KEY, value("new"), FOR_EVER);
        await().until(() -> cluster.stores.stream().allMatch(s -> s.asked.size() >= 2));

        cluster.lead(1, 2);

        put.join();
        assertThat(cluster.store(2).items("RawPut")).isNotEmpty();
    }

    @Test
    void aSplitIsLearntFromTheStoreThatTellsIt() {
        cluster.split(1, key("m"), 2);
        int lookups = cluster.pd.regionLookups.get();

        raw.put(key("z"), value("right"), FOR_EVER).join();
        raw.put(key("a"), value("left"), FOR_EVER).join();

        assertThat(cluster.pd.regionLookups).as("EpochNotMatch says it all").hasValue(lookups);
        assertThat(meters.get("kv.client.region.cache.size").gauge().value()).isEqualTo(2);
    }

    @Test
    void d1LateNewsFromPdDoNotPushOutWhatAStoreTold() {
        cluster.split(1, key("m"), 2);
        raw.put(key("z"), value("right"), FOR_EVER).join();
        // PD still shows one Region; a NotLeader round makes the client ask it.
        cluster.lead(2, 0);
        CompletableFuture<Void> put = raw.put(key("z"), value("new"), FOR_EVER);
        int lookups = cluster.pd.regionLookups.get();
        await().until(() -> cluster.pd.regionLookups.get() > lookups);
        cluster.lead(2, 3);

        put.join();

        assertThat(cluster.data.get(key("z"))).isEqualTo(value("new"));
    }

    @Test
    void d3KnownRegionsAreServedWhilePdIsAway() {
        cluster.pd.members.forEach(FakePd.FakeMember::kill);

        raw.put(KEY, value("new"), FOR_EVER).join();
        cluster.lead(1, 2);
        assertThat(raw.get(KEY).join()).hasValue(value("new"));
        cluster.store(2).kill();
        cluster.lead(1, 3);
        assertThat(raw.get(KEY).join()).hasValue(value("new"));
    }

    @Test
    void withoutPdAnUnknownRegionIsUnavailableInTime() {
        cluster.pd.members.forEach(FakePd.FakeMember::kill);
        cluster.store(1).nextErrors.add(RegionErrors.regionNotFound(1).error());

        assertThat(within(
                        Duration.ofMillis(1_500),
                        () -> raw.withTimeout(Duration.ofMillis(1_500)).get(KEY)))
                .isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void theNextReplicaIsTriedWhenTheLeaderIsKilled() {
        cluster.store(1).kill();
        cluster.lead(1, 2);
        long beganNanos = System.nanoTime();

        raw.put(KEY, value("new"), FOR_EVER).join();

        assertThat(Duration.ofNanos(System.nanoTime() - beganNanos)).isLessThan(Duration.ofSeconds(2));
    }

    @Test
    void aStoreThatHangsGetsAPartOfTheDeadlineAndIsThenPassedOver() {
        cluster.store(1).silent = true;
        cluster.lead(1, 2);
        RawKv hurried = raw.withTimeout(Duration.ofSeconds(4));

        hurried.put(KEY, value("new"), FOR_EVER).join();
        long asked = cluster.store(1).asked.size();
        cluster.lead(1, 3);
        hurried.put(KEY, value("newer"), FOR_EVER).join();

        assertThat(cluster.data.get(KEY)).isEqualTo(value("newer"));
        assertThat(cluster.store(1).asked).as("not waited for twice").hasSize((int) asked);
    }

    @Test
    void theDeadlineHoldsWhenAllStoresHang() {
        cluster.stores.forEach(s -> s.silent = true);
        Duration deadline = Duration.ofSeconds(2);
        RawKv hurried = raw.withTimeout(deadline);
        List<ByteKey> manyKeys = manyKeys(3_000);
        long beganNanos = System.nanoTime();
        List<CompletableFuture<Duration>> calls = Stream.of(
                        hurried.get(KEY),
                        hurried.put(KEY, value("v"), FOR_EVER),
                        hurried.batchGet(manyKeys),
                        hurried.scan(new ScanRequest(KeyRange.ALL, 10, true, false)),
                        hurried.deleteRange(KeyRange.ALL))
                .map(call -> call.handle((done, failure) -> {
                    assertThat(failure)
                            .isInstanceOfSatisfying(
                                    KvClientException.class,
                                    e -> assertThat(e.kind()).isEqualTo(Kind.TIMEOUT));
                    return Duration.ofNanos(System.nanoTime() - beganNanos);
                }))
                .toList();

        assertThat(calls)
                .extracting(CompletableFuture::join)
                .allSatisfy(took -> assertThat(took).isBetween(Duration.ofMillis(1_900), Duration.ofMillis(2_400)));
    }

    @Test
    void theDeadlineHoldsWhenAllStoresAreDead() {
        cluster.stores.forEach(FakeStore::kill);
        Duration deadline = Duration.ofMillis(1_500);
        RawKv hurried = raw.withTimeout(deadline);
        failureOf(raw.withTimeout(Duration.ofMillis(200)).get(KEY));

        assertThat(within(deadline, () -> hurried.put(KEY, value("v"), FOR_EVER)))
                .isEqualTo(Kind.UNAVAILABLE);
        assertThat(within(deadline, () -> hurried.compareAndSwap(KEY, null, value("v"), FOR_EVER)))
                .as("it never left, so its outcome is known")
                .isEqualTo(Kind.UNAVAILABLE);
    }

    @Test
    void aStoreThatStaysBusyIsSaidToBeBusy() {
        Error busy = RegionErrors.serverIsBusy("scheduler is busy", 50).error();
        IntStream.range(0, 1_000).forEach(i -> cluster.store(1).nextErrors.add(busy));

        assertThat(within(
                        Duration.ofMillis(1_500),
                        () -> raw.withTimeout(Duration.ofMillis(1_500)).get(KEY)))
                .isEqualTo(Kind.BUSY);
        assertThat(cluster.store(1).asked.size())
                .as("the store's own back-off is kept")
                .isLessThan(35);
    }

    @Test
    void aPutWhoseAnswerWasLostIsRepeated() {
        cluster.store(1).asked.clear();
        cluster.store(1).nextLostAnswers.add(Status.UNAVAILABLE.withDescription("connection lost"));

        raw.put(KEY, value("new"), FOR_EVER).join();
        raw.delete(KEY).join();

        assertThat(cluster.store(1).count("RawPut")).isEqualTo(2);
        assertThat(cluster.data).isEmpty();
    }

    @Test
    void aSwapWhoseAnswerWasLostIsNotRepeated() {
        cluster.store(1).nextLostAnswers.add(Status.UNAVAILABLE.withDescription("connection lost"));

        KvClientException failure = failureOf(raw.compareAndSwap(KEY, value("old"), value("new"), FOR_EVER));

        assertThat(failure.kind()).isEqualTo(Kind.UNDETERMINED);
        assertThat(cluster.store(1).count("RawCompareAndSwap")).isEqualTo(1);
        assertThat(cluster.data.get(KEY)).isEqualTo(value("new"));
    }

    @Test
    void aSwapThatAStoreSwallowedIsNotRepeated() {
        cluster.store(1).silent = true;

        KvClientException failure =
                failureOf(raw.withTimeout(Duration.ofSeconds(1)).compareAndSwap(KEY, null, value("new"), FOR_EVER));

        assertThat(failure.kind()).isEqualTo(Kind.UNDETERMINED);
        assertThat(cluster.stores.stream()
                        .mapToLong(s -> s.count("RawCompareAndSwap"))
                        .sum())
                .isEqualTo(1);
    }

    static Stream<Error> errorsFromUnderWay() {
        return Stream.of(
                RegionErrors.staleCommand(1).error(),
                RegionErrors.deadlineExceeded().error());
    }

    @ParameterizedTest
    @MethodSource("errorsFromUnderWay")
    void aSwapThatWasOvertakenUnderWayIsNotRepeated(Error error) {
        cluster.store(1).nextErrors.add(error);

        assertThat(failureOf(raw.compareAndSwap(KEY, value("old"), value("new"), FOR_EVER))
                        .kind())
                .isEqualTo(Kind.UNDETERMINED);
    }

    @Test
    void aSwapThatWasRefusedBeforeItBeganIsRepeated() {
        cluster.store(1).nextErrors.add(RegionErrors.notLeader(1, null).error());
        cluster.store(1)
                .nextErrors
                .add(RegionErrors.serverIsBusy("scheduler is busy", 10).error());

        assertThat(raw.compareAndSwap(KEY, value("old"), value("new"), FOR_EVER)
                        .join()
                        .succeeded())
                .isTrue();
    }

    @Test
    void aSwapFindsTheLeaderBehindADeadStore() {
        cluster.store(1).kill();
        cluster.lead(1, 2);
        // The connection must be known to be gone: what was sent into it could have arrived.
        raw.get(KEY).join();

        assertThat(raw.compareAndSwap(KEY, value("old"), value("new"), FOR_EVER)
                        .join()
                        .succeeded())
                .isTrue();
    }

    @Test
    void aStoreIsFoundAtItsNewAddress() {
        FakeStore moved = cluster.store(1);
        moved.kill();
        moved.restartElsewhere();
        cluster.announce(moved);

        raw.put(KEY, value("new"), FOR_EVER).join();

        assertThat(cluster.data.get(KEY)).isEqualTo(value("new"));
    }

    @Test
    void anotherStoreAtTheOldAddressSendsTheClientToPd() {
        FakeStore moved = cluster.store(1);
        int lookups = cluster.pd.storeLookups.get();
        moved.actualId = 7;
        CompletableFuture<Void> put = raw.put(KEY, value("new"), FOR_EVER);
        await().until(() -> cluster.pd.storeLookups.get() > lookups);

        moved.actualId = 1;

        put.join();
    }

    @Test
    void aStoreThatComesBackIsUsedAgain() {
        RawKv hurried = raw.withTimeout(Duration.ofSeconds(5));
        FakeStore only = cluster.store(1);
        only.kill();
        failureOf(raw.withTimeout(Duration.ofMillis(300)).get(KEY));
        only.restartElsewhere();
        cluster.announce(only);

        assertThat(hurried.get(KEY).join()).hasValue(value("old"));
        await().until(() -> meters.get("kv.client.stores.avoided").gauge().value() == 0);
    }

    @Test
    void gaugesStillTellAfterACollection() {
        System.gc();

        for (String gauge :
                List.of("kv.client.stores.avoided", "kv.client.stores.connected", "kv.client.region.cache.size")) {
            assertThat(meters.get(gauge).gauge().value()).as(gauge).isNotNaN();
        }
        assertThat(meters.get("kv.client.stores.connected").gauge().value()).isEqualTo(3);
        assertThat(meters.get("kv.client.region.cache.size").gauge().value()).isEqualTo(1);
    }

    @Test
    void aFollowerThatWasSilentOnceIsNotCountedAsAvoidedForEver() {
        cluster.store(1).nextErrors.add(RegionErrors.notLeader(1, null).error());
        cluster.store(2).silent = true;
        raw.withTimeout(Duration.ofSeconds(4)).get(KEY).join();
        assertThat(meters.get("kv.client.stores.avoided").gauge().value()).isEqualTo(1);

        // Nobody has a reason to try it again: the leader answers.
        cluster.store(2).silent = false;

        await().until(() -> meters.get("kv.client.stores.avoided").gauge().value() == 0);
    }

    /** What was cut short by its caller's deadline tells of the caller, and others must not pass the store over for it. */
    @Test
    void aStoreThatHadNoTimeToAnswerIsNotCountedAsSilent() {
        raw.get(KEY).join();
        cluster.stores.forEach(s -> s.silent = true);

        assertThat(failureOf(raw.withTimeout(Duration.ofMillis(20)).get(KEY)).kind())
                .isEqualTo(Kind.TIMEOUT);

        assertThat(meters.get("kv.client.stores.avoided").gauge().value()).isZero();
    }

    @Test
    void callsForOneUnknownRangeShareOneQuestion() {
        try (RutileClient fresh =
                RutileClient.connect(RutileClientOptions.of(cluster.pd.endpoints()), new SimpleMeterRegistry())) {
            cluster.pd.regionLookupDelayNanos = Duration.ofMillis(200).toNanos();
            int lookups = cluster.pd.regionLookups.get();

            List<CompletableFuture<?>> calls = new ArrayList<>();
            for (ByteKey key : manyKeys(200)) {
                calls.add(fresh.raw().get(key));
            }
            calls.forEach(CompletableFuture::join);

            assertThat(cluster.pd.regionLookups.get() - lookups).isEqualTo(1);
        }
    }

    @Test
    void scansGoOnOverASplitAndALeaderChange() {
        for (ByteKey key : manyKeys(3_000)) {
            cluster.data.put(key, value("v"));
        }
        cluster.data.remove(KEY);
        List<ByteKey> seen = new ArrayList<>();

        raw.scan(new ScanRequest(KeyRange.ALL, Integer.MAX_VALUE, true, false), pairs -> {
                    if (seen.isEmpty()) {
                        cluster.split(1, key("k01500"), 2);
                        cluster.lead(1, 3);
                    }
                    pairs.forEach(p -> seen.add(p.key()));
                    return CompletableFuture.completedFuture(null);
                })
                .join();

        assertThat(seen).containsExactlyElementsOf(cluster.data.descendingKeySet());
    }

    @Test
    void closingTheClientEndsCallsUnderWay() {
        cluster.stores.forEach(s -> s.silent = true);
        CompletableFuture<?> get = raw.get(KEY);
        CompletableFuture<?> swap = raw.compareAndSwap(KEY, null, value("v"), FOR_EVER);
        await().until(() -> cluster.store(1).asked.size() >= 3);

        client.close();

        assertThat(failureOf(get).kind()).isIn(Kind.TIMEOUT, Kind.UNAVAILABLE);
        assertThat(failureOf(swap).kind()).isEqualTo(Kind.UNDETERMINED);
        assertThat(failureOf(raw.get(KEY)).kind()).isEqualTo(Kind.UNAVAILABLE);
    }

    /** The kind of the failure, which must come at the deadline, at most a fifth late. */
    private static Kind within(Duration deadline, Supplier<CompletableFuture<?>> call) {
        long beganNanos = System.nanoTime();
        KvClientException failure = failureOf(call.get());
        assertThat(Duration.ofNanos(System.nanoTime() - beganNanos))
                .isBetween(
                        deadline.multipliedBy(95).dividedBy(100),
                        deadline.multipliedBy(120).dividedBy(100));
        return failure.kind();
    }

    private double retries() {
        return meters.find("kv.client.retries").counters().stream()
                .mapToDouble(Counter::count)
                .sum();
    }

    private static KvClientException failureOf(CompletableFuture<?> failing) {
        try {
            failing.join();
        } catch (CompletionException e) {
            assertThat(e.getCause()).isInstanceOf(KvClientException.class);
            return (KvClientException) e.getCause();
        }
        throw new AssertionError("the call succeeded");
    }

    private static List<ByteKey> manyKeys(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> key(String.format("k%05d", i)))
                .toList();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(UTF_8));
    }

    private static byte[] value(String text) {
        return text.getBytes(UTF_8);
    }
}
