package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.alreadyExist;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResult;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResultType;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import org.junit.jupiter.api.Test;

/** Cases L01 to L12, L16, L17 and L19 to L25: what a pessimistic lock decides at once. */
class PessimisticLockConformanceTest extends TxnConformance {

    @Test
    void l01LeavesAPessimisticLock() {
        db.lock("k").at(10, 10).minCommit(11).ok();

        LockInfo lock = db.lockOn("k");
        assertThat(lock.getLockType()).isEqualTo(Op.PessimisticLock);
        assertThat(lock.getLockForUpdateTs()).isEqualTo(10);
        assertThat(lock.getLockVersion()).isEqualTo(10);
        assertThat(lock.getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
        assertThat(lock.getMinCommitTs()).isEqualTo(11);
        assertThat(lock.getPrimaryLock().toStringUtf8()).isEqualTo("k");
    }

    @Test
    void l02ACommitAfterForUpdateTsIsAConflict() {
        db.wrote("k", "v", 5, 20);

        assertThat(conflict(db.lock("k").at(10, 15).error()))
                .isEqualTo(new Conflict("k", 10, 5, 20, Reason.PessimisticRetry));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l03ACommitAtForUpdateTsIsNone() {
        db.wrote("k", "v", 5, 20);

        db.lock("k").at(10, 20).ok();

        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void l04ForUpdateTsOnlyRises() {
        db.lock("k").at(10, 10).ok();

        db.lock("k").at(10, 12).ok();
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(12);
        db.lock("k").at(10, 11).ok();
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(12);
    }

    @Test
    void l05AnOwnPrewriteLockIsOfTheWrongType() {
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(abort(db.lock("k").at(10, 10).error())).contains("LockTypeNotMatch");
        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.Put);
    }

    @Test
    void l06ARolledBackTransactionLocksNothing() {
        db.rolledBack(10, "k");
        db.rolledBack(10, "below");
        db.wrote("below", "v", 12, 20);

        for (String key : new String[] {"k", "below"}) {
            assertThat(abort(db.lock(key).at(10, 30).error())).contains("PessimisticLockRolledBack");
        }
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l06AnOverlappedRollbackCountsToo() {
        db.wrote("k", "v", 5, 10);
        db.cleanedUp("k", 10);
        assertThat(db.writes("k")).containsExactly("Put 5→10+rollback");

        assertThat(abort(db.lock("k").at(10, 30).error())).contains("PessimisticLockRolledBack");
    }

    @Test
    void l07ReturnsValues() {
        db.wrote("k", "v", 5, 8);

        PessimisticLockResponse response =
                db.lock("k", "x").at(10, 10).returnValues().ok();

        assertThat(response.getValuesList().stream().map(ByteString::toStringUtf8))
                .containsExactly("v", "");
        assertThat(response.getNotFoundsList()).containsExactly(false, true);
        assertThat(response.getResultsList()).isEmpty();
        assertThat(db.maxTs()).isEqualTo(10); // reading values is reading at for_update_ts (P4)
        assertThat(db.locks()).containsExactly("k@10", "x@10");
    }

    @Test
    void l08ChecksExistence() {
        db.wrote("k", "v", 5, 8);

        PessimisticLockResponse response =
                db.lock("k", "x").at(10, 10).checkExistence().ok();

        assertThat(response.getValuesList()).isEmpty();
        assertThat(response.getNotFoundsList()).containsExactly(false, true);
    }

    @Test
    void l08WithoutAskingNothingIsAnswered() {
        db.wrote("k", "v", 5, 8);

        assertThat(db.lock("k", "x").at(10, 10).ok()).isEqualTo(PessimisticLockResponse.getDefaultInstance());
    }

    @Test
    void l09AnExistingKeyAgainstTheAssertion() {
        db.wrote("k", "v", 5, 8);

        assertThat(alreadyExist(db.lock("k").at(10, 10).notExists().error())).isEqualTo("k");
        assertThat(db.locks()).isEmpty();
        db.lock("absent").at(10, 10).notExists().ok();
        assertThat(db.locks()).containsExactly("absent@10");
    }

    @Test
    void l10LocksOnlyWhatExists() {
        db.wrote("k", "v", 5, 8);

        PessimisticLockResponse response =
                db.lock("x", "k").at(10, 10).onlyIfExists().returnValues().ok();

        assertThat(db.locks()).containsExactly("k@10");
        assertThat(response.getNotFoundsList()).containsExactly(true, false);
        assertThat(response.getValuesList().stream().map(ByteString::toStringUtf8))
                .containsExactly("", "v");
    }

    @Test
    void l11LockingOnlyWhatExistsNeedsValues() {
        assertThat(abort(db.lock("k").at(10, 10).onlyIfExists().error())).contains("LockIfExistsFailed");
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l12WithoutWaitingALockedKeyIsAnsweredAtOnce() {
        db.prewrite(put("k", "v")).at(5).ok();

        KeyError refused = db.lock("k").at(10, 10).returnValues().waiting(-1).error();

        LockInfo lock = locked(refused, "k", 5);
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(lock.getDurationToLastUpdateMs()).isZero();
        assertThat(db.locks()).containsExactly("k@5");
        assertThat(db.waiters()).isZero();
    }

    @Test
    void l16AForcedLockSaysWhichCommitItMet() {
        db.wrote("k", "v", 5, 20);

        PessimisticLockKeyResult result = db.lock("k").at(10, 15).force().result();

        assertThat(result).isEqualTo(withConflict(20, "v", true));
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(20);
    }

    private static PessimisticLockKeyResult withConflict(long ts, String value, boolean existence) {
        return PessimisticLockKeyResult.newBuilder()
                .setType(PessimisticLockKeyResultType.LockResultLockedWithConflict)
                .setLockedWithConflictTs(ts)
                .setValue(TxnWords.utf8(value))
                .setExistence(existence)
                .build();
    }

    @Test
    void l16AForcedLockWithoutConflictIsNormal() {
        db.wrote("k", "v", 5, 8);

        assertThat(db.lock("k").at(10, 10).force().result())
                .isEqualTo(PessimisticLockKeyResult.getDefaultInstance()); // existence was not asked for
        assertThat(db.lock("k").at(10, 10).force().checkExistence().result().getExistence())
                .isTrue();
        PessimisticLockKeyResult result =
                db.lock("k").at(10, 10).force().returnValues().result();
        assertThat(result.getType()).isEqualTo(PessimisticLockKeyResultType.LockResultNormal);
        assertThat(result.getValue().toStringUtf8()).isEqualTo("v");
        assertThat(result.getExistence()).isTrue();
        assertThat(result.getLockedWithConflictTs()).isZero();
    }

    @Test
    void l17ForceLockIsForOneKey() {
        PessimisticLockResponse response = db.lock("a", "b").at(10, 10).force().run();

        assertThat(response.getResultsList()).isEmpty();
        assertThat(abort(only(response.getErrorsList()))).isNotEmpty();
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l19OneLockedKeyStopsAll() {
        db.prewrite(put("b", "v")).at(5).ok();

        locked(db.lock("a", "b").at(10, 10).error(), "b", 5);

        assertThat(db.locks()).containsExactly("b@5");
    }

    @Test
    void l20ReadersPassALock() {
        db.lock("k").at(10, 10).ok();

        assertThat(db.get("k", 20)).isEqualTo("not_found");
        assertThat(db.get("k", TxnWords.MAX)).isEqualTo("not_found");
    }

    @Test
    void l21OnlyALargerForUpdateTsRewritesTheLock() {
        db.lock("k").at(10, 10).ttl(100).ok();

        db.lock("k").at(10, 12).ttl(20).ok();
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(12);
        assertThat(db.lockOn("k").getLockTtl()).isEqualTo(20);
        db.lock("k").at(10, 12).ttl(500).ok();
        assertThat(db.lockOn("k").getLockTtl()).isEqualTo(20);
    }

    @Test
    void l22ASmallerForUpdateTsLeavesTheLock() {
        db.wrote("k", "v", 5, 8);
        db.lock("k").at(10, 50).ok();

        assertThat(db.lock("k").at(10, 40).force().result()).isEqualTo(withConflict(50, "v", true));
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(50);
        db.lock("k").at(10, 40).ok();
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(50);
    }

    @Test
    void l23AConflictIsToldBeforeAnOwnRollbackUnlessForced() {
        db.rolledBack(10, "k");
        db.wrote("k", "v", 12, 20);

        assertThat(conflict(db.lock("k").at(10, 15).error()))
                .isEqualTo(new Conflict("k", 10, 12, 20, Reason.PessimisticRetry));
        assertThat(abort(db.lock("k").at(10, 15).force().error())).contains("PessimisticLockRolledBack");
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l24AForcedLockMeetsAnAssertionOfAbsence() {
        db.wrote("k", "v", 20, 30);

        PessimisticLockResponse refused =
                db.lock("k").at(10, 10).force().notExists().run();
        assertThat(conflict(only(refused.getErrorsList())))
                .isEqualTo(new Conflict("k", 10, 20, 30, Reason.PessimisticRetry));
        assertThat(refused.getResultsList()).isEmpty();
        assertThat(db.locks()).isEmpty();

        db.deleted("k", 40, 60);
        assertThat(db.lock("k").at(50, 50).force().notExists().result()).isEqualTo(withConflict(60, "", false));
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(60);
    }

    @Test
    void l24AForcedLockOfWhatExistsOnlyMeetsAConflict() {
        db.wrote("k", "v", 5, 8);
        db.deleted("k", 15, 20);

        KeyError refused =
                db.lock("k").at(10, 10).force().onlyIfExists().returnValues().error();

        assertThat(conflict(refused)).isEqualTo(new Conflict("k", 10, 15, 20, Reason.PessimisticRetry));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void l25AForcedLockThatDoesNotWaitFails() {
        db.prewrite(put("k", "v")).at(5).ok();

        PessimisticLockResponse response =
                db.lock("k").at(8, 8).force().waiting(-1).run();

        assertThat(response.getResultsList()).hasSize(1);
        assertThat(response.getResults(0).getType()).isEqualTo(PessimisticLockKeyResultType.LockResultFailed);
        locked(only(response.getErrorsList()), "k", 5);
        assertThat(db.locks()).containsExactly("k@5");
    }
}
