package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.testing.FakeCluster;
import io.rutile.client.testing.FakeMvcc;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.errorpb.UndeterminedResult;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a commit comes to while answers are lost, Regions move and stores say no. */
class CommitFaultsTest {

    /** The three ways to commit. */
    enum Way {
        TWO_PHASE(false, false),
        ASYNC(true, false),
        ONE_PHASE(false, true),
        BOTH(true, true);

        final boolean async;
        final boolean onePhase;

        Way(boolean async, boolean onePhase) {
            this.async = async;
            this.onePhase = onePhase;
        }

        TxnOptions options() {
            return TxnOptions.optimistic()
                    .withCommit(async, onePhase, true)
                    .withTimeouts(Duration.ofSeconds(5), Duration.ofSeconds(5));
        }
    }

    private static final Error UNDETERMINED = Error.newBuilder()
            .setMessage("injected")
            .setUndeterminedResult(UndeterminedResult.getDefaultInstance())
            .build();

    private final TxnTesting t = new TxnTesting("", "m");

    @AfterEach
    void close() {
        t.close();
    }

    private Transaction writing(TxnOptions options, String... keys) {
        Transaction transaction = t.begin(options);
        for (String k : keys) {
            transaction.put(key(k), value("new"));
        }
        t.forgetRequests();
        return transaction;
    }

    private void assertCommitted(Transaction transaction, TimeStamp at, String... keys) {
        t.awaitNoLocks();
        for (String k : keys) {
            assertThat(t.read(k)).contains("new");
            assertThat(t.commitTsOf(k)).as(k).isEqualTo(at.value());
        }
        assertThat(transaction.commitTs()).isEqualTo(at);
    }

    // ---- the faster ways

    @Test
    void onePhaseIsOneRequest() {
        Transaction transaction = writing(Way.BOTH.options(), "a", "b");
        TimeStamp before = t.now();
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
        assertThat(at).isGreaterThan(before);
        assertThat(t.requests(PrewriteRequest.class)).singleElement().satisfies(p -> {
            assertThat(p.getTryOnePc()).isTrue();
            assertThat(p.getMaxCommitTs()).isGreaterThan(p.getStartVersion());
            assertThat(p.getMinCommitTs()).isGreaterThan(before.value());
        });
        assertThat(t.asked("KvCommit")).isZero();
    }

    @Test
    void asyncCommitNeedsNoPrimaryCommit() {
        Transaction transaction = writing(Way.BOTH.options(), "a", "b", "z");
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b", "z");
        List<PrewriteRequest> prewrites = t.requests(PrewriteRequest.class);
        assertThat(prewrites)
                .hasSize(2)
                .allMatch(PrewriteRequest::getUseAsyncCommit)
                .noneMatch(PrewriteRequest::getTryOnePc);
        assertThat(prewrites.stream().flatMap(p -> p.getSecondariesList().stream()))
                .containsExactly(TxnTesting.bytes("b"), TxnTesting.bytes("z"));
        assertThat(t.meters
                        .get("kv.client.txn.commits")
                        .tag("kind", "async")
                        .timer()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void largeTransactionsTakeTwoPhases() {
        Transaction transaction = t.begin();
        for (int i = 0; i < 257; i++) {
            transaction.put(key("a%03d".formatted(i)), value("new"));
            transaction.put(key("z%03d".formatted(i)), value("new"));
        }
        t.forgetRequests();
        transaction.commit().join();
        t.awaitNoLocks();
        assertThat(t.requests(PrewriteRequest.class))
                .noneMatch(PrewriteRequest::getUseAsyncCommit)
                .noneMatch(PrewriteRequest::getTryOnePc);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aStoreThatCannotFallsBack(Way way) {
        t.cluster.mvcc.refusesAsyncCommit = true;
        t.cluster.mvcc.refusesOnePhase = true;
        Transaction transaction = writing(way.options(), "a", "b");
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
        assertThat(t.asked("KvCommit")).isGreaterThan(0);
        assertThat(t.counter("kv.client.txn.fallbacks")).isEqualTo(way == Way.TWO_PHASE ? 0 : 1);
    }

    @Test
    void aRefusedOnePhaseCanStillBeAsync() {
        t.cluster.mvcc.refusesOnePhase = true;
        Transaction transaction = writing(Way.BOTH.options(), "a", "b");
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
        assertThat(t.meters
                        .get("kv.client.txn.commits")
                        .tag("kind", "async")
                        .timer()
                        .count())
                .isEqualTo(1);
    }

    /** A read at a later moment raised what the store knows: the commit must come after it. */
    @ParameterizedTest
    @EnumSource(Way.class)
    void commitsComeAfterWhatWasRead_P4(Way way) {
        Transaction transaction = writing(way.options(), "a", "z");
        TimeStamp readAt = t.now();
        assertThat(t.txn.snapshot(readAt).get(key("a")).join()).isEmpty();
        TimeStamp at = transaction.commit().join();
        assertThat(at).isGreaterThan(readAt);
        assertThat(t.txn.snapshot(readAt).get(key("a")).join()).isEmpty();
    }

    // ---- answers that are lost

    @ParameterizedTest
    @EnumSource(Way.class)
    void lostAnswersOfPrewritesAreAskedForAgain_P5(Way way) {
        Transaction transaction = writing(way.options(), "a", "b");
        t.loseAnswers("KvPrewrite", 2);
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
    }

    @Test
    void aLostAnswerOfThePrimaryIsAskedForAgain_P5() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "z");
        t.loseAnswers("KvCommit", 2);
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "z");
        assertThat(t.requests(CommitRequest.class).stream()
                        .map(CommitRequest::getCommitVersion)
                        .distinct())
                .containsExactly(at.value());
    }

    @Test
    void anOutcomeThatStaysUnknownIsSaidToBeUnknown() {
        Transaction transaction =
                writing(Way.TWO_PHASE.options().withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(500)), "a", "z");
        t.loseAnswers("KvCommit", Integer.MAX_VALUE);
        assertThatThrownBy(() -> transaction.commit().join())
                .cause()
                .isInstanceOfSatisfying(UndeterminedException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.UNDETERMINED);
                    assertThat(e.startTs()).isEqualTo(transaction.startTs());
                });
        assertThat(t.counter("kv.client.txn.undetermined")).isEqualTo(1);
        // It was committed; nothing may be rolled back behind its back.
        assertThat(t.asked("KvBatchRollback")).isZero();
        t.loseAnswers("KvCommit", 0);
        t.cluster.pd.letPass(Duration.ofMinutes(1));
        assertThat(t.read("a")).contains("new");
        assertThat(t.read("z")).contains("new");
    }

    @ParameterizedTest
    @EnumSource(
            value = Way.class,
            names = {"ASYNC", "ONE_PHASE"})
    void aLostPrewriteThatDecidesIsFoundOutOrUnknown(Way way) {
        Transaction transaction =
                writing(way.options().withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(500)), "a", "b");
        t.loseAnswers("KvPrewrite", Integer.MAX_VALUE);
        if (way == Way.ONE_PHASE) {
            TimeStamp at = transaction.commit().join();
            assertCommitted(transaction, at, "a", "b");
        } else {
            assertThatThrownBy(() -> transaction.commit().join()).cause().isInstanceOf(UndeterminedException.class);
            assertThat(t.asked("KvBatchRollback")).isZero();
            // All keys are prewritten, so it is committed: whoever comes by finds that out.
            t.cluster.pd.letPass(Duration.ofMinutes(1));
            assertThat(t.read("b")).contains("new");
            assertThat(t.read("a")).contains("new");
        }
    }

    @Test
    void aLostTwoPhasePrewriteIsACleanFailure() {
        Transaction transaction =
                writing(Way.TWO_PHASE.options().withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(500)), "a", "z");
        t.loseAnswers("KvPrewrite", Integer.MAX_VALUE);
        assertThatThrownBy(() -> transaction.commit().join())
                .cause()
                .isInstanceOfSatisfying(
                        TxnException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
        t.awaitNoLocks();
        assertThat(t.read("a")).isEmpty();
        assertThat(t.read("z")).isEmpty();
    }

    @Test
    void aStoreThatDoesNotKnowIsAskedAgain() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "z");
        t.refuse("KvCommit", 1, UNDETERMINED);
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "z");
    }

    // ---- Regions that move

    @ParameterizedTest
    @EnumSource(Way.class)
    void aSplitBeforeThePrewriteEndsOnePhaseOnly(Way way) {
        Transaction transaction = writing(way.options(), "a", "b", "c");
        // The client knows the Region as it was.
        t.read("a");
        t.cluster.split(1, FakeCluster.border("b"), 9);
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b", "c");
        assertThat(t.requests(PrewriteRequest.class).stream()
                        .filter(p -> p.getMutationsCount() < 3)
                        .toList())
                .isNotEmpty()
                .noneMatch(PrewriteRequest::getTryOnePc);
    }

    @Test
    void aSplitBetweenPrewriteAndCommitIsFollowed() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "b", "c");
        t.before("KvCommit", () -> t.cluster.split(1, FakeCluster.border("b"), 9));
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b", "c");
    }

    /** The answer of a one-phase commit was lost, and before it was asked for again the Region split. */
    @ParameterizedTest
    @EnumSource(Way.class)
    void aSplitAfterALostAnswerTellsTheRealCommitTimestamp(Way way) {
        Transaction transaction = writing(way.options(), "a", "b");
        t.cluster.stores.forEach(store -> store.losesAnswer = (method, request) -> {
            if (method.equals("KvPrewrite")
                    && t.cluster.region(1).getRegion().getRegionEpoch().getVersion() == 1) {
                t.cluster.split(1, FakeCluster.border("b"), 9);
                return io.grpc.Status.UNAVAILABLE;
            }
            return null;
        });
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
    }

    /** The one-phase commit took place; then the Region split, and nobody answers for its heirs. */
    @Test
    void aLostOnePhaseCommitIsNotDeniedAfterASplit() {
        Transaction transaction =
                writing(Way.ONE_PHASE.options().withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(500)), "a", "b");
        t.cluster.stores.forEach(store -> {
            store.losesAnswer = (method, request) -> {
                if (method.equals("KvPrewrite")) {
                    t.cluster.split(1, FakeCluster.border("b"), 9);
                    return io.grpc.Status.UNAVAILABLE;
                }
                return null;
            };
            store.refuses =
                    (method, request) -> request instanceof PrewriteRequest prewrite && prewrite.getMutationsCount() < 2
                            ? RegionErrors.serverIsBusy("injected", 1).error()
                            : null;
        });
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "b");
        assertThat(t.asked("KvBatchRollback")).isZero();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void leadersMayMove(Way way) {
        Transaction transaction = writing(way.options(), "a", "z");
        t.refuse("KvPrewrite", 2, RegionErrors.notLeader(1, null).error());
        TimeStamp at = transaction.commit().join();
        assertCommitted(transaction, at, "a", "z");
    }

    // ---- stores that say no

    @Test
    void aCommitTimestampThatIsTooSmallIsReplaced() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "z");
        // A reader pushes the primary between our timestamp and our commit.
        t.before("KvCommit", () -> {
            LockInfo lock = t.cluster.mvcc.lockOn(key("a"));
            if (lock == null) {
                throw new IllegalStateException("not prewritten");
            }
            t.leave(lock.toBuilder().setMinCommitTs(t.now().value() + 1).build());
        });
        TimeStamp at = transaction.commit().join();
        t.awaitNoLocks();
        assertThat(t.commitTsOf("a")).isEqualTo(at.value());
        assertThat(t.requests(CommitRequest.class).stream()
                        .map(CommitRequest::getCommitVersion)
                        .distinct())
                .hasSize(2);
    }

    @Test
    void aPrimaryThatOthersRolledBackIsAFailure() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "z");
        t.before("KvCommit", () -> {
            t.cluster.pd.letPass(Duration.ofMinutes(1));
            assertThat(t.read("a")).isEmpty();
        });
        assertThatThrownBy(() -> transaction.commit().join())
                .cause()
                .isInstanceOfSatisfying(
                        TxnLockNotFoundException.class,
                        e -> assertThat(e.kind()).isEqualTo(Kind.CONFLICT));
        t.awaitNoLocks();
        assertThat(t.read("a")).isEmpty();
        assertThat(t.read("z")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aConflictOfOneKeyLeavesNothing(Way way) {
        Transaction transaction = writing(way.options(), "a", "z");
        t.cluster.mvcc.write(
                key("z"), transaction.startTs().value() + 1, t.now().value(), FakeMvcc.Kind.PUT, TxnTesting.bytes("x"));
        assertThatThrownBy(() -> transaction.commit().join()).cause().isInstanceOf(WriteConflictException.class);
        t.awaitNoLocks();
        assertThat(t.read("a")).isEmpty();
        assertThat(t.read("z")).contains("x");
    }

    @Test
    void withoutTimestampsNothingIsWritten_D3() {
        Transaction transaction =
                writing(Way.TWO_PHASE.options().withTimeouts(Duration.ofSeconds(1), Duration.ofSeconds(1)), "a", "z");
        t.before("KvPrewrite", () -> t.cluster.pd.leader().silence(true));
        assertThatThrownBy(() -> transaction.commit().join())
                .cause()
                .isInstanceOfSatisfying(
                        KvClientException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNAVAILABLE));
        t.awaitNoLocks();
        t.cluster.pd.leader().silence(false);
        await().ignoreExceptions().untilAsserted(() -> assertThat(t.read("a")).isEmpty());
    }

    @Test
    void secondariesFollowInTheBackgroundAndCloseWaitsForThem() {
        Transaction transaction = writing(Way.TWO_PHASE.options(), "a", "z");
        t.refuseIf(
                (method, request) -> request instanceof CommitRequest commit
                        && commit.getKeysList().contains(TxnTesting.bytes("z"))
                        && t.asked("KvGet") == 0,
                RegionErrors.serverIsBusy("injected", 1).error());
        transaction.commit().join();
        assertThat(t.cluster.mvcc.lockOn(key("z"))).isNotNull();
        t.cluster.stores.forEach(store -> store.refuses = (method, request) -> null);
        t.txn.close();
        assertThat(t.cluster.mvcc.locks()).isEmpty();
    }
}
