package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.Deadlock;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResult;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResultType;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Cases L13 to L15, L18 and L26: pessimistic locks that wait. */
class LockWaitConformanceTest extends TxnConformance {

    private static final Duration OTHERS_WAKE_AFTER = Duration.ofMillis(20);

    /** A legacy waiter @10/fu20 for {@code k}, seen waiting. */
    private CompletableFuture<PessimisticLockResponse> waiterForK() {
        CompletableFuture<PessimisticLockResponse> waiter =
                db.lock("k").at(10, 20).waiting(0).send();
        db.awaitWaiters(1);
        assertThat(waiter).isNotDone();
        return waiter;
    }

    private void assertWokenWith(CompletableFuture<PessimisticLockResponse> waiter, long conflictCommitTs) {
        PessimisticLockResponse response = await(waiter);
        assertThat(conflict(only(response.getErrorsList())))
                .isEqualTo(new Conflict("k", 10, 5, conflictCommitTs, Reason.PessimisticRetry));
        assertThat(response.getResultsList()).isEmpty();
        assertThat(db.locks()).isEmpty();
        db.awaitWaiters(0);
    }

    @Test
    void l13AWaiterGivesUpAfterItsTimeout() {
        db.lock("k").at(5, 5).ok();
        long sent = System.nanoTime();

        PessimisticLockResponse response = db.lock("k").at(10, 10).waiting(200).run();

        Duration waited = Duration.ofNanos(System.nanoTime() - sent);
        assertThat(waited).isBetween(Duration.ofMillis(200), Duration.ofMillis(990));
        LockInfo lock = locked(only(response.getErrorsList()), "k", 5);
        assertThat(lock.getDurationToLastUpdateMs()).isZero();
        assertThat(response.getValuesList()).isEmpty();
        assertThat(db.locks()).containsExactly("k@5");
        db.awaitWaiters(0);
    }

    @Test
    void l13AWaiterWhoseHolderChangedSaysHowLongAgo() {
        db.lock("k").at(10, 10).ok();
        var forced = db.lock("k").at(20, 20).force().waiting(0).send();
        db.awaitWaiters(1);
        var legacy = db.lock("k").at(30, 30).waiting(300).send();
        db.awaitWaiters(2);

        db.pessimisticRollback(10, 10, "k");

        assertThat(await(forced).getErrorsList()).isEmpty();
        LockInfo lock = locked(only(await(legacy).getErrorsList()), "k", 20);
        assertThat(lock.getDurationToLastUpdateMs()).isBetween(1L, 10_000L);
        assertThat(db.locks()).containsExactly("k@20");
    }

    @Test
    void l13WhoWaitsForWhomCanBeAsked() {
        db.lock("k").at(5, 5).ok();
        var waiter = waiterForK();

        assertThat(db.waits()).extracting(LockWaitConformanceTest::shown).containsExactly("10 waits for 5 at k");

        db.pessimisticRollback(5, 5, "k");
        assertThat(await(waiter).getErrorsList()).hasSize(1);
        db.awaitWaiters(0);
    }

    @Test
    void l14ACommitWakesAWaiter() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = waiterForK();

        db.committed(5, 12, "k");

        assertWokenWith(waiter, 12);
    }

    @Test
    void l14ARollbackWakesAWaiter() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = waiterForK();

        db.rolledBack(5, "k");

        assertWokenWith(waiter, 0);
    }

    @Test
    void l14ACleanupWakesAWaiter() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = waiterForK();

        assertThat(db.cleanup("k", 5, 0)).isEqualTo(CleanupResponse.getDefaultInstance());

        assertWokenWith(waiter, 0);
    }

    @Test
    void l14APessimisticRollbackWakesAWaiter() {
        db.lock("k").at(5, 5).ok();
        var waiter = waiterForK();

        db.pessimisticRollback(5, 5, "k");

        assertWokenWith(waiter, 0);
    }

    @Test
    void l14AResolvedLockWakesAWaiter() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = waiterForK();

        db.resolved(5, 12);

        assertWokenWith(waiter, 12);
    }

    @Test
    void l14ACheckOfAnExpiredTransactionWakesAWaiter() {
        db.prewrite(put("k", "v")).at(5).ttl(1).ok();
        var waiter = waiterForK();

        assertThat(db.check("k", 5, 0, TxnWords.ts(100, 0)).getLockTtl()).isZero();

        assertWokenWith(waiter, 0);
    }

    @Test
    void l15WhoClosesACycleIsTold() {
        db.lock("a").at(10, 10).ok();
        db.lock("b").at(20, 20).ok();
        CompletableFuture<PessimisticLockResponse> waiter =
                db.lock("b").at(10, 10).primary("a").waiting(0).send();
        db.awaitWaiters(1);

        PessimisticLockResponse closing =
                db.lock("a").at(20, 20).primary("b").waiting(0).run();

        Deadlock deadlock = only(closing.getErrorsList()).getDeadlock();
        assertThat(deadlock.getLockTs()).isEqualTo(10);
        assertThat(deadlock.getLockKey().toStringUtf8()).isEqualTo("a");
        assertThat(deadlock.getWaitChainList().stream().map(LockWaitConformanceTest::shown))
                .containsExactly("10 waits for 20 at b", "20 waits for 10 at a");
        assertThat(waiter).isNotDone();
        assertThat(db.waiters()).isEqualTo(1);

        db.pessimisticRollback(20, 20, "b");
        assertThat(conflict(only(await(waiter).getErrorsList())).reason()).isEqualTo(Reason.PessimisticRetry);
    }

    private static String shown(WaitForEntry entry) {
        return entry.getTxn() + " waits for " + entry.getWaitForTxn() + " at "
                + entry.getKey().toStringUtf8();
    }

    @Test
    void l15ACycleThroughAHolderThatCameLaterIsFound() {
        db.lock("k").at(10, 10).ok();
        db.lock("m").at(30, 30).ok();
        var taking = db.lock("k").at(20, 20).force().waiting(0).send();
        db.awaitWaiters(1);
        var waiter = db.lock("k").at(30, 30).primary("m").waiting(0).send();
        db.awaitWaiters(2);
        db.pessimisticRollback(10, 10, "k");
        assertThat(await(taking).getErrorsList()).isEmpty(); // @30 now waits for @20

        KeyError closing =
                only(db.lock("m").at(20, 20).primary("k").waiting(0).run().getErrorsList());

        assertThat(closing.getDeadlock().getLockTs()).as("%s", closing).isEqualTo(30);
        db.pessimisticRollback(20, 20, "k");
        assertThat(await(waiter).getErrorsList()).hasSize(1);
    }

    @Test
    void l15WhoDoesNotWaitClosesNoCycle() {
        db.lock("a").at(10, 10).ok();
        db.lock("b").at(20, 20).ok();
        CompletableFuture<PessimisticLockResponse> waiter =
                db.lock("b").at(10, 10).primary("a").waiting(0).send();
        db.awaitWaiters(1);

        locked(db.lock("a").at(20, 20).primary("b").waiting(-1).error(), "a", 10);

        db.pessimisticRollback(20, 20, "b");
        assertThat(await(waiter).getErrorsList()).hasSize(1);
    }

    @Test
    void l18AForcedWaiterTakesTheLockWithTheCommitItMet() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = db.lock("k").at(10, 10).force().waiting(0).send();
        db.awaitWaiters(1);

        db.committed(5, 12, "k");

        PessimisticLockResponse response = await(waiter);
        assertThat(response.getErrorsList()).isEmpty();
        assertThat(response.getResultsList())
                .containsExactly(PessimisticLockKeyResult.newBuilder()
                        .setType(PessimisticLockKeyResultType.LockResultLockedWithConflict)
                        .setLockedWithConflictTs(12)
                        .setValue(TxnWords.utf8("v"))
                        .setExistence(true)
                        .build());
        assertThat(db.locks()).containsExactly("k@10");
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(12);
    }

    @Test
    void l18AForcedWaiterTakesTheLockWithoutConflict() {
        db.prewrite(put("k", "v")).at(5).ok();
        var waiter = db.lock("k").at(20, 20).force().waiting(0).send();
        db.awaitWaiters(1);

        db.committed(5, 12, "k");

        PessimisticLockResponse response = await(waiter);
        assertThat(response.getErrorsList()).isEmpty();
        assertThat(response.getResultsList()).containsExactly(PessimisticLockKeyResult.getDefaultInstance());
        assertThat(db.locks()).containsExactly("k@20");
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(20);
    }

    @Test
    void l26TheOldestWaiterWakesFirst() {
        db.lock("k").at(10, 10).ok();
        var younger = db.lock("k").at(30, 30).waiting(0).send();
        db.awaitWaiters(1);
        var older = db.lock("k").at(20, 20).waiting(0).send();
        db.awaitWaiters(2);
        CompletableFuture<Boolean> olderWasFirst = younger.thenApply(response -> older.isDone());
        CompletableFuture<Long> youngerWokeNanos = younger.thenApply(response -> System.nanoTime());

        long released = System.nanoTime();
        db.pessimisticRollback(10, 10, "k");

        assertThat(conflict(only(await(older).getErrorsList())))
                .isEqualTo(new Conflict("k", 20, 10, 0, Reason.PessimisticRetry));
        Conflict second = conflict(only(await(younger).getErrorsList()));
        assertThat(second.startTs()).isEqualTo(30);
        assertThat(second.reason()).isEqualTo(Reason.PessimisticRetry);
        assertThat(await(olderWasFirst)).isTrue();
        assertThat(Duration.ofNanos(await(youngerWokeNanos) - released)).isGreaterThanOrEqualTo(OTHERS_WAKE_AFTER);
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l26TheOthersWakeUpToTheFirstForcedOne() {
        db.lock("k").at(10, 10).ok();
        var first = db.lock("k").at(20, 20).waiting(0).send();
        var second = db.lock("k").at(30, 30).waiting(0).send();
        var forced = db.lock("k").at(40, 40).force().waiting(0).send();
        var behind = db.lock("k").at(50, 50).waiting(0).send();
        db.awaitWaiters(4);

        db.pessimisticRollback(10, 10, "k");

        assertThat(conflict(only(await(first).getErrorsList())).startTs()).isEqualTo(20);
        assertThat(conflict(only(await(second).getErrorsList())).startTs()).isEqualTo(30);
        assertThat(await(forced).getResultsList()).containsExactly(PessimisticLockKeyResult.getDefaultInstance());
        assertThat(db.locks()).containsExactly("k@40");
        assertThat(behind).isNotDone();

        db.pessimisticRollback(40, 40, "k");
        assertThat(conflict(only(await(behind).getErrorsList())))
                .isEqualTo(new Conflict("k", 50, 40, 0, Reason.PessimisticRetry));
    }
}
