package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.text;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.region.Backoff;
import io.rutile.client.rpc.CallDeadline;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.txn.TxnReader.ScanRequest;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** P7 as a reader sees it: below the safe point there is no answer, above it there is no question. */
class SafePointsTest {

    private static final TimeStamp TS = TimeStamp.of(1_000, 0);
    private static final TimeStamp LATER = TimeStamp.of(2_000, 0);

    private final TxnTesting house = new TxnTesting("", "m");

    private final AtomicLong nanos = new AtomicLong(-5);
    private final Deque<CompletableFuture<TimeStamp>> questions = new ArrayDeque<>();
    private final ClientTimer timer = new ClientTimer("safe-points-test");
    private final SafePoints safePoints = new SafePoints(this::ask, timer, nanos::get, new SimpleMeterRegistry());

    @AfterEach
    void close() {
        timer.close();
        house.close();
    }

    private CompletableFuture<TimeStamp> ask() {
        CompletableFuture<TimeStamp> question = new CompletableFuture<>();
        questions.add(question);
        return question;
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private static Backoff patience() {
        return new Backoff(CallDeadline.after(Duration.ofSeconds(30)));
    }

    // ---- against a cluster

    @Test
    void p7_readsBeforeTheSafePointAreRefusedInsteadOfAnsweredWithHoles() {
        house.put("a", "1");
        house.put("z", "1");
        TimeStamp old = house.now();
        house.put("a", "2");
        TimeStamp safePoint = house.now();
        house.cluster.pd.txnSafePoint = safePoint.value();
        TxnSnapshot snapshot = house.txn.snapshot(old);

        List<CompletableFuture<?>> reads = List.of(
                snapshot.get(key("a")),
                snapshot.batchGet(List.of(key("a"), key("z"))),
                snapshot.scan(new ScanRequest(KeyRange.ALL, 10, false, false)),
                snapshot.scan(new ScanRequest(KeyRange.ALL, 10, true, true)));

        for (CompletableFuture<?> read : reads) {
            assertThatThrownBy(read::join).cause().isInstanceOfSatisfying(SnapshotTooOldException.class, refused -> {
                assertThat(refused.kind()).isEqualTo(Kind.INVALID);
                assertThat(refused.startTs()).isEqualTo(old);
                assertThat(refused.safePoint()).isEqualTo(safePoint);
            });
        }
        house.forgetRequests();
        assertThatThrownBy(() -> snapshot.get(key("a")).join()).hasCauseInstanceOf(SnapshotTooOldException.class);
        assertThat(house.asked("KvGet"))
                .as("what is known to be too old is not sent")
                .isZero();
        assertThat(house.meters
                        .get("kv.client.txn.snapshots.refused")
                        .tag("reason", "too_old")
                        .counter()
                        .count())
                .isEqualTo(5);
        assertThat(text(house.txn.snapshot(safePoint).get(key("a")).join())).hasValue("2");
    }

    @Test
    void oneQuestionServesAnyNumberOfReads() {
        house.put("a", "1");
        for (int i = 0; i < 50; i++) {
            assertThat(house.read("a")).hasValue("1");
        }

        assertThat(house.cluster.pd.gcStateLookups).hasValue(1);
    }

    @Test
    void aTransactionThatBeganJustNowAsksNothing() {
        house.put("a", "1");
        Transaction transaction = house.begin();
        transaction.put(key("b"), value("2"));

        assertThat(text(transaction.get(key("a")).join())).hasValue("1");
        transaction.commit().join();

        assertThat(house.cluster.pd.gcStateLookups).hasValue(0);
    }

    @Test
    void aTransactionFromBeforeAKnownSafePointNeitherReadsNorCommits() {
        Transaction transaction = house.begin(TxnOptions.pessimistic());
        transaction.lockKeys(List.of(key("a"))).join();
        transaction.put(key("a"), value("1"));
        house.cluster.pd.txnSafePoint = house.now().value();
        house.read("other");

        assertThatThrownBy(() -> transaction.get(key("b")).join()).hasCauseInstanceOf(SnapshotTooOldException.class);
        assertThatThrownBy(() -> transaction.commit().join()).hasCauseInstanceOf(SnapshotTooOldException.class);

        house.awaitNoLocks();
        assertThat(house.read("a")).isEmpty();
    }

    @Test
    void anOlderPdIsAskedForItsGcSafePoint() {
        house.put("a", "1");
        TimeStamp old = house.now();
        house.cluster.pd.knowsGcStates = false;
        house.cluster.pd.gcSafePoint = house.now().value();

        assertThatThrownBy(() -> house.txn.snapshot(old).get(key("a")).join())
                .hasCauseInstanceOf(SnapshotTooOldException.class);
    }

    @Test
    void d3_withPdAwayWhatIsKnownIsReadAndWhatIsNotIsRefusedInTime() {
        house.put("a", "1");
        TimeStamp known = house.now();
        Transaction young = house.begin();
        try (RutileClient hasty = RutileClient.connect(
                new RutileClientOptions(house.cluster.pd.endpoints(), Duration.ofMillis(300), Duration.ofSeconds(5), 1),
                house.meters)) {
            TxnSnapshot snapshot = hasty.txn().snapshot(known);
            assertThat(text(hasty.txn().snapshot(TimeStamp.MAX).get(key("a")).join()))
                    .hasValue("1");

            house.cluster.pd.leader().silence(true);

            assertThat(text(young.get(key("a")).join())).hasValue("1");
            assertThat(text(hasty.txn().snapshot(TimeStamp.MAX).get(key("a")).join()))
                    .hasValue("1");
            assertThatThrownBy(() -> snapshot.get(key("a")).join())
                    .cause()
                    .isInstanceOfSatisfying(
                            KvClientException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
            house.cluster.pd.leader().silence(false);
            await().untilAsserted(() ->
                    assertThat(text(snapshot.get(key("a")).join())).hasValue("1"));
        }
    }

    // ---- by the clock

    @Test
    void newsIsTrustedForNinetySecondsFromWhenItWasAskedFor() {
        SafePoints.Guard guard = safePoints.guard(TS);
        CompletableFuture<Void> first = guard.confirm(patience());
        assertThat(first).isNotDone();
        pass(Duration.ofSeconds(5));
        questions.remove().complete(TS);
        assertThat(first).isCompleted();

        pass(Duration.ofSeconds(4));
        assertThat(guard.confirm(patience())).isCompleted();
        assertThat(questions).as("fresh news is not asked for again").isEmpty();
        pass(Duration.ofSeconds(2));
        assertThat(guard.confirm(patience())).isCompleted();
        assertThat(questions).as("asked behind the reader's back").hasSize(1);
        assertThat(guard.confirm(patience())).isCompleted();
        assertThat(questions).as("one question at a time").hasSize(1);
        pass(Duration.ofSeconds(78));
        assertThat(guard.confirm(patience())).as("89 s").isCompleted();
        pass(Duration.ofSeconds(1));
        CompletableFuture<Void> late = guard.confirm(patience());
        assertThat(late).as("90 s").isNotDone();
        questions.remove().complete(LATER);
        assertThatThrownBy(late::join).hasCauseInstanceOf(SnapshotTooOldException.class);
    }

    @Test
    void aFreshTimestampVouchesForItselfAndForNothingElse() {
        SafePoints.Guard own = safePoints.guardFresh(TS, nanos.get());

        pass(Duration.ofSeconds(9));
        assertThat(own.confirm(patience())).isCompleted();
        assertThat(questions).isEmpty();
        pass(Duration.ofSeconds(80));
        assertThat(own.confirm(patience())).isCompleted();
        assertThat(questions).hasSize(1);
        assertThat(safePoints.guard(TS).confirm(patience())).isNotDone();
        pass(Duration.ofSeconds(1));
        assertThat(own.confirm(patience())).isNotDone();
    }

    @Test
    void aSafePointNeverGoesBack() {
        SafePoints.Guard guard = safePoints.guard(TS);
        CompletableFuture<Void> first = guard.confirm(patience());
        questions.remove().complete(LATER);
        assertThatThrownBy(first::join).hasCauseInstanceOf(SnapshotTooOldException.class);
        pass(Duration.ofSeconds(60));
        assertThat(safePoints.guard(LATER).confirm(patience())).isCompleted();
        questions.remove().complete(TimeStamp.ZERO);

        assertThat(guard.refusal()).isInstanceOf(SnapshotTooOldException.class);
    }

    @Test
    void aPdThatRefusesIsNotAskedByEveryReader() {
        SafePoints.Guard guard = safePoints.guardFresh(TS, nanos.get());
        pass(Duration.ofSeconds(20));
        assertThat(guard.confirm(patience())).isCompleted();
        questions.remove().completeExceptionally(new IllegalStateException("refused"));

        for (int i = 0; i < 100; i++) {
            assertThat(guard.confirm(patience())).isCompleted();
        }

        assertThat(questions).isEmpty();
        pass(Duration.ofSeconds(1));
        assertThat(guard.confirm(patience())).isCompleted();
        assertThat(questions).hasSize(1);
    }

    @Test
    void whoMustWaitWaitsNoLongerThanItsDeadline() {
        CompletableFuture<Void> waiting =
                safePoints.guard(TS).confirm(new Backoff(CallDeadline.after(Duration.ofMillis(20))));

        assertThatThrownBy(waiting::join)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        KvClientException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(Kind.UNAVAILABLE));
    }
}
