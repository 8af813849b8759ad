package io.rutile.gateway.kv;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnFailures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.client.txn.WriteConflictException;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.gateway.kv.TxnSessionException.Reason;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TxnSessionsTest {

    private static final Object OWNER = "the one who began it";
    private static final Duration IDLE = Duration.ofSeconds(30);
    private static final Duration LIFE = Duration.ofMinutes(5);

    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final InMemoryTransactions cluster = new InMemoryTransactions();
    private final AtomicLong nanos = new AtomicLong();
    private final IdempotencyRecords records = new IdempotencyRecords(cluster, LIFE, metrics);
    private final TxnSessions sessions = sessions(3, 10_000);

    @AfterEach
    void nothingStaysOpen() {
        cluster.open();
        sessions.close();
        await().untilAsserted(() -> {
            assertThat(cluster.openCount()).isZero();
            assertThat(gauge("kv.gateway.txn.open")).isZero();
            assertThat(gauge("kv.gateway.txn.held")).isZero();
        });
    }

    @Test
    void commitsWhatWasWrittenUnderItsId() {
        String id = begin();
        put(id, "a", "1").join();

        TimeStamp commitTs = sessions.commit(OWNER, id).join();

        assertThat(cluster.newest()).containsOnlyKeys(key("a"));
        assertThat(commitTs.value()).isPositive();
        assertThat(reason(get(id, "a"))).isEqualTo(Reason.NOT_OPEN);
        assertThat(ended("committed")).isEqualTo(1);
    }

    @Test
    void idsCannotBeGuessed() {
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            TxnSessions.Opened opened = sessions.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic())
                    .join();
            assertThat(opened.id()).matches("[0-9a-f]{32}");
            ids.add(opened.id());
            sessions.rollback(OWNER, opened.id()).join();
        }

        assertThat(ids).hasSize(100);
    }

    @Test
    void nobodyElseFindsATransactionWhateverTheyKnow() { // E2
        String id = begin();
        put(id, "a", "1").join();

        assertThat(reason(sessions.call("another", id, txn -> txn.get(key("a")))))
                .isEqualTo(Reason.NOT_OPEN);
        assertThat(reason(sessions.commit("another", id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(reason(sessions.rollback("another", id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(cluster.newest()).isEmpty();

        TimeStamp commitTs = sessions.commit(OWNER, id).join();
        assertThat(reason(sessions.commit("another", id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(reason(sessions.rollback("another", id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(sessions.commit(OWNER, id).join()).isEqualTo(commitTs);
    }

    @Test
    void noMoreAreOpenThanAllowed() { // R10
        List<String> open = List.of(begin(), begin(), begin());

        assertThat(refusal(sessions.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic())))
                .isEqualTo(Failure.Kind.BUSY);
        assertThat(metrics.get("kv.gateway.refused")
                        .tag("bound", "transactions")
                        .counter()
                        .count())
                .isEqualTo(1);

        sessions.rollback(OWNER, open.get(0)).join();
        assertThat(begin()).isNotBlank();
    }

    @Test
    void ofAHundredThousandBeginsAThousandAreOpen() { // R10
        try (TxnSessions many = sessions(1_000, 10_000)) {
            int begun = 0;
            for (int i = 0; i < 100_000; i++) {
                begun += many.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic())
                                .isCompletedExceptionally()
                        ? 0
                        : 1;
            }

            assertThat(begun).isEqualTo(1_000);
            assertThat(cluster.openCount()).isEqualTo(1_000);
            assertThat(metrics.get("kv.gateway.refused")
                            .tag("bound", "transactions")
                            .counter()
                            .count())
                    .isEqualTo(99_000);
        }
    }

    @Test
    void anOwnerHasNoMoreOpenThanOneMay() { // R10
        CallerQuota two = new CallerQuota(Map.of(Bound.TRANSACTIONS, 2L));
        String first = begin(OWNER, two);
        begin(OWNER, two);

        assertThat(refusal(sessions.begin(OWNER, two, TxnOptions.optimistic())))
                .isEqualTo(Failure.Kind.TOO_MANY_REQUESTS);
        assertThat(gauge("kv.gateway.txn.open")).isEqualTo(2);
        assertThat(metrics.get("kv.gateway.refused")
                        .tag("bound", "caller")
                        .counter()
                        .count())
                .isEqualTo(1);
        begin("another", two);
        assertThat(refusal(sessions.begin("another", two, TxnOptions.optimistic())))
                .as("three are all that may be open")
                .isEqualTo(Failure.Kind.BUSY);

        sessions.commit(OWNER, first).join();
        begin(OWNER, two);
    }

    @Test
    void anOwnersTransactionsHoldNoMoreThanOneMay() { // R10
        CallerQuota quota = new CallerQuota(Map.of(Bound.TRANSACTION_BYTES, 3_000L));
        String one = begin(OWNER, quota);
        String two = begin(OWNER, quota);
        String other = begin("another", quota);
        put(one, "a", "x".repeat(2_000)).join();

        assertThat(refusal(put(two, "b", "x".repeat(1_000)))).isEqualTo(Failure.Kind.TOO_MANY_REQUESTS);
        assertThat(gauge("kv.gateway.txn.held")).isLessThan(2_500);
        sessions.call("another", other, txn -> {
                    txn.put(key("c"), bytes("x".repeat(2_000)));
                    return CompletableFuture.completedFuture(null);
                })
                .join();

        sessions.rollback(OWNER, one).join();
        put(two, "b", "x".repeat(2_000)).join();
    }

    private String begin(Object owner, CallerQuota quota) {
        return sessions.begin(owner, quota, TxnOptions.optimistic()).join().id();
    }

    @Test
    void aBeginThatFailsTakesNoPlace() {
        for (int i = 0; i < 5; i++) {
            cluster.failNext(new KvClientException(KvClientException.Kind.UNAVAILABLE, "words", null, null));
            assertThat(kind(sessions.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic())))
                    .isEqualTo(KvClientException.Kind.UNAVAILABLE);
        }

        assertThat(gauge("kv.gateway.txn.open")).isZero();
    }

    @Test
    void allOfThemTogetherHoldNoMoreThanAllowed() { // R10
        String one = begin();
        String other = begin();
        put(one, "a", "x".repeat(2_000)).join();
        put(one, "b", "x".repeat(2_400)).join();
        put(one, "c", "x".repeat(2_400)).join();

        assertThat(refusal(put(other, "d", "x".repeat(2_400)).thenCompose(done -> put(other, "e", "x".repeat(2_400)))))
                .isEqualTo(Failure.Kind.BUSY);
        sessions.commit(OWNER, one).join();
        put(other, "e", "x".repeat(2_400)).join();
    }

    @Test
    void oneOfThemHoldsAQuarterAtMost() {
        begin();

        assertThat(cluster.begun().get(0).bytesMax()).isEqualTo(2_500);
        assertThat(cluster.begun().get(0).maxLifetime()).isGreaterThan(LIFE);
    }

    @Test
    void aWriteThatIsRefusedIsNotCounted() {
        String id = begin();

        assertThat(kind(put(id, "a", "x".repeat(3_000)))).isEqualTo(KvClientException.Kind.TOO_LARGE);
        assertThat(kind(put(id, "", "x"))).isEqualTo(KvClientException.Kind.INVALID);

        assertThat(gauge("kv.gateway.txn.held")).isZero();
        put(id, "a", "x").join();
        sessions.commit(OWNER, id).join();
    }

    @Test
    void whoIsIdleForTooLongIsRolledBack() {
        String id = begin();
        put(id, "a", "1").join();
        nanos.addAndGet(IDLE.toNanos());
        get(id, "a").join();
        nanos.addAndGet(IDLE.toNanos());
        sessions.expire();
        get(id, "a").join();

        nanos.addAndGet(IDLE.toNanos() + 1);
        sessions.expire();

        assertThat(cluster.openCount()).isZero();
        assertThat(gauge("kv.gateway.txn.open")).isZero();
        assertThat(metrics.get("kv.gateway.txn.expired").counter().count()).isEqualTo(1);
        assertThat(reason(sessions.commit(OWNER, id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(reason(sessions.rollback(OWNER, id))).isEqualTo(Reason.NOT_OPEN);
    }

    @Test
    void whoIsTooLateFindsNothingBeforeTheSweep() {
        String id = begin();
        nanos.addAndGet(IDLE.toNanos() + 1);

        assertThat(reason(put(id, "a", "1"))).isEqualTo(Reason.NOT_OPEN);
        assertThat(cluster.openCount()).isZero();
    }

    @Test
    void nobodyIsOpenForLongerThanALife() {
        String id = begin();
        for (long spent = 0; spent <= LIFE.toNanos(); spent += IDLE.toNanos()) {
            get(id, "a").join();
            nanos.addAndGet(IDLE.toNanos());
        }

        assertThat(reason(get(id, "a"))).isEqualTo(Reason.NOT_OPEN);
        assertThat(cluster.openCount()).isZero();
    }

    @Test
    void theSweeperNeedsNoCaller() {
        try (TxnSessions live = new TxnSessions(
                cluster,
                records,
                new TxnSessions.Limits(1, Duration.ofMillis(20), LIFE, 1_000),
                new SimpleMeterRegistry())) {
            live.start();
            live.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic()).join();

            await().untilAsserted(() -> assertThat(cluster.openCount()).isZero());
        }
    }

    @Test
    void aSlowScanEndsWithItsTransactionsLife() {
        for (int i = 0; i < 2 * InMemoryTransactions.PAGE_PAIRS; i++) {
            cluster.write(key("k" + i), bytes("v"));
        }
        String id = begin();

        CompletableFuture<Void> scan = sessions.call(
                OWNER,
                id,
                txn -> txn.scan(
                        new io.rutile.client.raw.RawKv.ScanRequest(
                                new io.rutile.protocol.KeyRange(key(""), key("")), 1_000, false, false),
                        page -> {
                            nanos.addAndGet(LIFE.toNanos() + 1);
                            return CompletableFuture.completedFuture(null);
                        }));

        assertThat(reason(scan)).isEqualTo(Reason.NOT_OPEN);
    }

    @Test
    void requestsComeOneAtATime() {
        String id = begin();
        cluster.close();
        CompletableFuture<Optional<byte[]>> first = get(id, "a");

        assertThat(reason(get(id, "a"))).isEqualTo(Reason.IN_USE);
        assertThat(reason(sessions.commit(OWNER, id))).isEqualTo(Reason.IN_USE);
        assertThat(reason(sessions.rollback(OWNER, id))).isEqualTo(Reason.IN_USE);
        nanos.addAndGet(2 * LIFE.toNanos());
        sessions.expire();
        assertThat(cluster.openCount()).as("a call under way is not cut off").isEqualTo(1);

        cluster.open();
        assertThat(first.join()).isEmpty();
        sessions.expire();
        assertThat(cluster.openCount()).isZero();
    }

    @Test
    void aCallThatFailsLeavesTheTransactionOpen() {
        String id = begin();
        cluster.failNext(new KvClientException(KvClientException.Kind.UNAVAILABLE, "words", null, null));

        assertThat(kind(get(id, "a"))).isEqualTo(KvClientException.Kind.UNAVAILABLE);
        assertThat(get(id, "a").join()).isEmpty();
    }

    @Test
    void aCommitIsAnsweredAgainButNotRepeated() { // P5
        String id = begin();
        put(id, "a", "1").join();

        TimeStamp first = sessions.commit(OWNER, id).join();

        assertThat(sessions.commit(OWNER, id).join()).isEqualTo(first);
        assertThat(cluster.commits()).isEqualTo(1);
        assertThat(reason(sessions.rollback(OWNER, id))).isEqualTo(Reason.COMMITTING);
    }

    @Test
    void aConflictEndsTheTransactionForGood() { // P5
        String id = begin();
        put(id, "a", "mine").join();
        cluster.write(key("a"), bytes("theirs"));

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> join(sessions.commit(OWNER, id))).isInstanceOf(WriteConflictException.class);
        }

        assertThat(cluster.commits()).isEqualTo(1);
        assertThat(cluster.newest().get(key("a"))).isEqualTo(bytes("theirs"));
        assertThat(ended("failed")).isEqualTo(1);
    }

    @Test
    void anOutcomeThatIsNotKnownStaysSo() {
        String id = begin();
        put(id, "a", "1").join();
        cluster.failNext(TxnFailures.undetermined(new TimeStamp(1)));

        assertThat(kind(sessions.commit(OWNER, id))).isEqualTo(KvClientException.Kind.UNDETERMINED);
        assertThat(kind(sessions.commit(OWNER, id))).isEqualTo(KvClientException.Kind.UNDETERMINED);
        assertThat(cluster.commits()).isZero();
        // The fake's transaction never heard of its commit.
        cluster.reset();
    }

    @Test
    void aRollbackIsHarmlessWhenRepeated() {
        String id = begin();
        put(id, "a", "1").join();

        sessions.rollback(OWNER, id).join();
        sessions.rollback(OWNER, id).join();

        assertThat(cluster.newest()).isEmpty();
        assertThat(reason(sessions.commit(OWNER, id))).isEqualTo(Reason.NOT_OPEN);
        assertThat(reason(sessions.rollback(OWNER, "0".repeat(32)))).isEqualTo(Reason.NOT_OPEN);
    }

    @Test
    void onlyTheLastOnesThatEndedAreRemembered() {
        String first = begin();
        sessions.commit(OWNER, first).join();
        for (int i = 0; i < 3; i++) {
            sessions.commit(OWNER, begin()).join();
        }

        assertThat(reason(sessions.commit(OWNER, first))).isEqualTo(Reason.NOT_OPEN);
    }

    @Test
    void closingRollsEverythingBack() {
        begin();
        begin();

        sessions.close();

        assertThat(cluster.openCount()).isZero();
    }

    private TxnSessions sessions(int openMax, long bytesMax) {
        return new TxnSessions(
                cluster, records, new TxnSessions.Limits(openMax, IDLE, LIFE, bytesMax), nanos::get, metrics);
    }

    private String begin() {
        return sessions.begin(OWNER, CallerQuota.NONE, TxnOptions.optimistic())
                .join()
                .id();
    }

    private CompletableFuture<Void> put(String id, String key, String value) {
        return sessions.call(OWNER, id, txn -> {
            txn.put(key(key), bytes(value));
            return CompletableFuture.completedFuture(null);
        });
    }

    private CompletableFuture<Optional<byte[]>> get(String id, String key) {
        return sessions.call(OWNER, id, txn -> txn.get(key(key)));
    }

    private double gauge(String name) {
        return metrics.get(name).gauge().value();
    }

    private double ended(String outcome) {
        return metrics.get("kv.gateway.txn.ended")
                .tag("outcome", outcome)
                .counter()
                .count();
    }

    private static Reason reason(CompletableFuture<?> call) {
        return ((TxnSessionException) failure(call)).reason();
    }

    private static Failure.Kind refusal(CompletableFuture<?> call) {
        return ((FailureException) failure(call)).failure().kind();
    }

    private static KvClientException.Kind kind(CompletableFuture<?> call) {
        return ((KvClientException) failure(call)).kind();
    }

    private static Throwable failure(CompletableFuture<?> call) {
        return call.handle((done, failure) -> Futures.causeOf(failure)).join();
    }

    private static void join(CompletableFuture<?> call) throws Throwable {
        Throwable failure = call.handle((done, failed) -> failed).join();
        if (failure != null) {
            throw Futures.causeOf(failure);
        }
    }
}
