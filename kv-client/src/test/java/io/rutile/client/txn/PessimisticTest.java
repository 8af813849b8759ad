package io.rutile.client.txn;

import static io.rutile.client.txn.TxnTesting.key;
import static io.rutile.client.txn.TxnTesting.lock;
import static io.rutile.client.txn.TxnTesting.text;
import static io.rutile.client.txn.TxnTesting.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException.Kind;
import io.rutile.client.testing.FakeMvcc;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.protocol.kvrpcpb.Deadlock;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Locks that are taken while a transaction runs, and how they are kept alive. */
class PessimisticTest {

    private static final TxnOptions PESSIMISTIC = TxnOptions.pessimistic();
    private static final Duration ALIVE = Duration.ofMinutes(1);

    private final TxnTesting t = new TxnTesting("", "m");

    @AfterEach
    void close() {
        t.close();
    }

    private static TxnOptions waiting(Duration wait) {
        return PESSIMISTIC.withLocks(Duration.ofSeconds(20), wait, Duration.ofHours(1));
    }

    @Test
    void aLockingReadSeesTheNewestValue() {
        t.put("a", "old");
        Transaction transaction = t.begin(PESSIMISTIC);
        t.put("a", "new");
        assertThat(text(transaction.getForUpdate(key("a")).join())).contains("new");
        assertThat(text(transaction.get(key("a")).join())).contains("old");
        transaction.put(key("a"), value("newer"));
        transaction.commit().join();
        assertThat(t.read("a")).contains("newer");
        assertThat(t.cluster.mvcc.locks()).isEmpty();
    }

    @Test
    void theFirstKeyIsThePrimaryOfAll() {
        Transaction transaction = t.begin(PESSIMISTIC);
        transaction.lockKeys(List.of(key("z"))).join();
        transaction.lockKeys(List.of(key("a"), key("b"))).join();
        List<PessimisticLockRequest> requests = t.requests(PessimisticLockRequest.class);
        assertThat(requests).allMatch(r -> r.getPrimaryLock().equals(TxnTesting.bytes("z")));
        assertThat(requests.stream().filter(PessimisticLockRequest::getIsFirstLock))
                .hasSize(1);
        assertThat(requests).allMatch(r -> r.getLockTtl() >= 20_000 && r.getForUpdateTs() > r.getStartVersion());

        transaction.put(key("a"), value("new"));
        transaction.put(key("c"), value("new"));
        t.forgetRequests();
        transaction.commit().join();
        t.awaitNoLocks();
        for (PrewriteRequest p : t.requests(PrewriteRequest.class)) {
            assertThat(p.getPrimaryLock()).isEqualTo(TxnTesting.bytes("z"));
            assertThat(p.getForUpdateTs()).isGreaterThan(p.getStartVersion());
            for (int i = 0; i < p.getMutationsCount(); i++) {
                boolean locked = !p.getMutations(i).getKey().equals(TxnTesting.bytes("c"));
                assertThat(p.getPessimisticActions(i))
                        .isEqualTo(
                                locked
                                        ? PessimisticAction.DO_PESSIMISTIC_CHECK
                                        : PessimisticAction.DO_CONSTRAINT_CHECK);
            }
        }
        assertThat(t.read("a")).contains("new");
        assertThat(t.read("c")).contains("new");
        FakeMvcc.Version guarded = t.newest("b");
        assertThat(guarded == null ? null : guarded.kind()).isEqualTo(FakeMvcc.Kind.LOCK);
    }

    @Test
    void whatWasNotLockedIsCheckedAtCommit() {
        Transaction transaction = t.begin(PESSIMISTIC);
        transaction.lockKeys(List.of(key("a"))).join();
        transaction.put(key("b"), value("lost"));
        t.put("b", "winner");
        assertThatThrownBy(() -> transaction.commit().join()).cause().isInstanceOf(WriteConflictException.class);
        t.awaitNoLocks();
        assertThat(t.read("b")).contains("winner");
    }

    @Test
    void insertsUnderALockAreCheckedHere() {
        t.put("a", "there");
        Transaction transaction = t.begin(PESSIMISTIC);
        transaction.lockKeys(List.of(key("a"), key("b"))).join();
        transaction.insert(key("a"), value("x"));
        assertThatThrownBy(() -> transaction.commit().join()).cause().isInstanceOf(KeyExistsException.class);
        t.awaitNoLocks();

        Transaction fine = t.begin(PESSIMISTIC);
        fine.lockKeys(List.of(key("b"))).join();
        fine.insert(key("b"), value("new"));
        fine.commit().join();
        assertThat(t.read("b")).contains("new");
    }

    @Test
    void aNewerWriteIsYieldedToAndReadAgain() {
        Transaction transaction = t.begin(PESSIMISTIC);
        t.before("KvPessimisticLock", () -> t.put("a", "newest"));
        assertThat(text(transaction.getForUpdate(key("a")).join())).contains("newest");
        assertThat(t.requests(PessimisticLockRequest.class).stream()
                        .map(PessimisticLockRequest::getForUpdateTs)
                        .distinct())
                .hasSize(2);
    }

    @Test
    void aWaiterGetsTheLockWhenItIsFree() {
        Transaction first = t.begin(PESSIMISTIC);
        first.lockKeys(List.of(key("a"))).join();
        first.put(key("a"), value("first"));
        Transaction second = t.begin(PESSIMISTIC);
        CompletableFuture<String> read = second.getForUpdate(key("a")).thenApply(v -> text(v).orElse("nothing"));
        await().until(() -> t.asked("KvPessimisticLock") >= 3);
        assertThat(read).isNotDone();
        first.commit().join();
        assertThat(read.join()).isEqualTo("first");
        second.rollback().join();
    }

    @Test
    void waitingEnds() {
        Transaction first = t.begin(PESSIMISTIC);
        first.lockKeys(List.of(key("a"))).join();
        for (Duration wait : List.of(Duration.ZERO, Duration.ofMillis(100))) {
            Transaction second = t.begin(waiting(wait));
            assertThatThrownBy(() -> second.lockKeys(List.of(key("a"))).join())
                    .cause()
                    .isInstanceOfSatisfying(KeyLockedException.class, e -> {
                        assertThat(e.kind()).isEqualTo(Kind.BUSY);
                        assertThat(e.holder()).isEqualTo(first.startTs());
                    });
        }
        assertThat(t.requests(PessimisticLockRequest.class)).anyMatch(r -> r.getWaitTimeout() == -1);
        first.rollback().join();
        t.awaitNoLocks();
    }

    @Test
    void aFailedCallLetsGoOfWhatItAddedOnly() {
        Transaction other = t.begin(PESSIMISTIC);
        other.lockKeys(List.of(key("z"))).join();
        Transaction transaction = t.begin(waiting(Duration.ZERO));
        transaction.lockKeys(List.of(key("a"))).join();
        assertThatThrownBy(() -> transaction
                        .lockKeys(List.of(key("a"), key("b"), key("z")))
                        .join())
                .cause()
                .isInstanceOf(KeyLockedException.class);
        await().until(() -> t.cluster.mvcc.lockOn(key("b")) == null);
        assertThat(t.cluster.mvcc.lockOn(key("a"))).isNotNull();
        other.close();
        await().until(() -> t.cluster.mvcc.lockOn(key("z")) == null);
        transaction.lockKeys(List.of(key("z"))).join();
        transaction.commit().join();
        t.awaitNoLocks();
    }

    @Test
    void aDeadlockNamesTheCircle() {
        KvErrorInjection.deadlock(t, 7, "a");
        Transaction transaction = t.begin(PESSIMISTIC);
        assertThatThrownBy(() -> transaction.lockKeys(List.of(key("a"))).join())
                .cause()
                .isInstanceOfSatisfying(DeadlockException.class, e -> {
                    assertThat(e.kind()).isEqualTo(Kind.CONFLICT);
                    assertThat(e.key()).isEqualTo(key("a"));
                    assertThat(e.waitChain())
                            .containsExactly(new DeadlockException.Wait(new TimeStamp(7), new TimeStamp(8), key("a")));
                });
    }

    /** Errors that the fake has no rule for. */
    private static final class KvErrorInjection {
        static void deadlock(TxnTesting t, long txn, String key) {
            t.cluster.mvcc.nextLockErrors.add(KeyError.newBuilder()
                    .setDeadlock(Deadlock.newBuilder()
                            .setLockTs(txn)
                            .setLockKey(TxnTesting.bytes(key))
                            .addWaitChain(WaitForEntry.newBuilder()
                                    .setTxn(txn)
                                    .setWaitForTxn(txn + 1)
                                    .setKey(TxnTesting.bytes(key))))
                    .build());
        }
    }

    @Test
    void lostAnswersOfLocksAreAskedForAgain_P5() {
        t.put("a", "1");
        Transaction transaction = t.begin(PESSIMISTIC);
        t.loseAnswers("KvPessimisticLock", 2);
        assertThat(text(transaction.getForUpdate(key("a")).join())).contains("1");
        transaction.rollback().join();
        t.awaitNoLocks();
    }

    @Test
    void aDeadHolderIsClearedWhateverTheWait() {
        TimeStamp theirs = t.now();
        t.leave(lock("a", "a", theirs, Duration.ofMillis(1))
                .setLockType(Op.PessimisticLock)
                .setLockForUpdateTs(theirs.value())
                .build());
        t.cluster.pd.letPass(Duration.ofSeconds(1));
        Transaction transaction = t.begin(waiting(Duration.ZERO));
        transaction.lockKeys(List.of(key("a"))).join();
        transaction.rollback().join();
    }

    @Test
    void rollbackReleasesInTheBackground() {
        Transaction transaction = t.begin(PESSIMISTIC);
        transaction.lockKeys(List.of(key("a"), key("z"))).join();
        assertThat(t.cluster.mvcc.locks()).hasSize(2);
        transaction.close();
        t.awaitNoLocks();
    }

    @Test
    void aLockedReadOnlyTransactionLetsGoAtCommit() {
        Transaction transaction = t.begin(PESSIMISTIC);
        transaction.lockKeys(List.of(key("a"))).join();
        transaction.commit().join();
        t.awaitNoLocks();
    }

    // ---- keeping alive

    @Test
    void locksAreKeptAliveUntilTheEnd() {
        Transaction transaction =
                t.begin(PESSIMISTIC.withLocks(Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ofHours(1)));
        transaction.lockKeys(List.of(key("a"))).join();
        await().until(() -> t.asked("KvTxnHeartBeat") >= 3);
        LockInfo kept = t.cluster.mvcc.lockOn(key("a"));
        assertThat(kept == null ? 0 : kept.getLockTtl()).isGreaterThan(300);
        List<TxnHeartBeatRequest> beats = t.requests(TxnHeartBeatRequest.class);
        assertThat(beats.get(2).getAdviseLockTtl()).isGreaterThan(beats.get(0).getAdviseLockTtl());
        assertThat(beats).allMatch(b -> b.getPrimaryLock().equals(TxnTesting.bytes("a")));
        transaction.put(key("a"), value("v"));
        transaction.commit().join();
        t.awaitNoLocks();
        assertBeatsEnd();
    }

    /** Two more beats' time of another transaction, and none of this one. */
    private void assertBeatsEnd() {
        t.forgetRequests();
        Transaction other =
                t.begin(PESSIMISTIC.withLocks(Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ofHours(1)));
        other.lockKeys(List.of(key("other"))).join();
        await().until(() -> t.asked("KvTxnHeartBeat") >= 2);
        assertThat(t.requests(TxnHeartBeatRequest.class))
                .allMatch(b -> b.getStartVersion() == other.startTs().value());
        other.close();
    }

    @Test
    void aLockIsNotKeptPastTheGreatestLifetime() {
        Transaction transaction =
                t.begin(PESSIMISTIC.withLocks(Duration.ofMillis(150), Duration.ofSeconds(1), Duration.ofMillis(200)));
        transaction.lockKeys(List.of(key("a"))).join();
        await().until(() -> t.counter("kv.client.txn.heartbeats.lost") == 1);
        assertBeatsEnd();
        transaction.close();
    }

    @Test
    void aLostPrimaryEndsTheBeatsAndTheCommit() {
        Transaction transaction =
                t.begin(PESSIMISTIC.withLocks(Duration.ofMillis(150), Duration.ofSeconds(1), Duration.ofHours(1)));
        transaction.lockKeys(List.of(key("a"))).join();
        transaction.put(key("a"), value("mine"));
        t.cluster.mvcc.resolve(List.of(key("a")), transaction.startTs().value(), 0);
        await().until(() -> t.counter("kv.client.txn.heartbeats.lost") == 1);
        assertThatThrownBy(() -> transaction.commit().join())
                .cause()
                .isInstanceOfSatisfying(
                        TxnException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CONFLICT));
    }

    @Test
    void smallOptimisticTransactionsSendNoBeats() {
        Transaction transaction = t.begin(TxnOptions.optimistic()
                .withTwoPhaseCommitOnly()
                .withLocks(Duration.ofMillis(100), ALIVE, Duration.ofHours(1)));
        transaction.put(key("a"), value("v"));
        transaction.commit().join();
        assertThat(t.counter("kv.client.txn.heartbeats")).isZero();
    }
}
