package io.rutile.storage.txn;

import static io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction.DO_CONSTRAINT_CHECK;
import static io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction.DO_PESSIMISTIC_CHECK;
import static io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction.SKIP_PESSIMISTIC_CHECK;
import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.alreadyExist;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.insert;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.notExists;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.AssertionLevel;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import org.junit.jupiter.api.Test;

/** Cases X01 to X13 and R01 to R03: the prewrite of a pessimistic transaction, and giving up its locks. */
class PessimisticPrewriteConformanceTest extends TxnConformance {

    @Test
    void x01APessimisticLockBecomesAPrewriteLock() {
        db.lock("k").at(10, 10).ttl(5000).ok();
        db.lock("l").at(10, 10).ttl(100).ok();

        db.prewrite(put("k", "v")).at(10).pessimistic(10, DO_PESSIMISTIC_CHECK).ok();
        db.prewrite(put("l", "v")).at(10).pessimistic(10, DO_PESSIMISTIC_CHECK).ok();

        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.Put);
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(10);
        assertThat(db.lockOn("k").getLockTtl()).isEqualTo(5000);
        assertThat(db.lockOn("l").getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
    }

    @Test
    void x01ForUpdateTsIsTheLargerOfLockAndRequest() {
        db.lock("k").at(10, 20).ok();

        db.prewrite(put("k", "v")).at(10).pessimistic(15, DO_PESSIMISTIC_CHECK).ok();

        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(20);
    }

    @Test
    void x02ALostLockIsAmended() {
        db.wrote("k", "v", 3, 5);

        db.prewrite(put("k", "w")).at(10).pessimistic(10, DO_PESSIMISTIC_CHECK).ok();

        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.Put);
        db.committed(10, 15, "k");
        assertThat(db.get("k", 15)).isEqualTo("w");
    }

    @Test
    void x03ALostLockIsNotAmendedOverANewerCommit() {
        db.wrote("k", "v", 11, 12);

        assertThat(abort(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(15, DO_PESSIMISTIC_CHECK)
                        .error()))
                .contains("PessimisticLockNotFound");
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void x04AnothersLockMeansThatTheOwnIsLost() {
        db.lock("k").at(20, 20).ok();

        assertThat(abort(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(10, DO_PESSIMISTIC_CHECK)
                        .error()))
                .contains("PessimisticLockNotFound");
        assertThat(db.locks()).containsExactly("k@20");
    }

    @Test
    void x05AnothersLockOnAnUncheckedKeyIsToBeResolvedUnconditionally() {
        db.prewrite(put("idx", "v")).at(20).ok();

        LockInfo lock = locked(
                db.prewrite(put("idx", "w"))
                        .at(10)
                        .pessimistic(10, SKIP_PESSIMISTIC_CHECK)
                        .error(),
                "idx",
                20);

        assertThat(lock.getLockTtl()).isZero();
        assertThat(db.lockOn("idx").getLockTtl()).isEqualTo(PrewriteCall.TTL_MS); // only as told
    }

    @Test
    void x06ForUpdateTsMustBeAsExpected() {
        db.wrote("k", "v", 15, 20);
        db.lock("k").at(10, 15).force().ok();
        assertThat(db.lockOn("k").getLockForUpdateTs()).isEqualTo(20);

        assertThat(abort(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(20, DO_PESSIMISTIC_CHECK)
                        .expectingForUpdateTs(0, 15)
                        .error()))
                .isNotEmpty();
        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.PessimisticLock);

        assertThat(abort(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(20, DO_PESSIMISTIC_CHECK)
                        .expectingForUpdateTs(1, 20) // there is no such mutation
                        .error()))
                .isNotEmpty();
        db.prewrite(put("k", "w"))
                .at(10)
                .pessimistic(20, DO_PESSIMISTIC_CHECK)
                .expectingForUpdateTs(0, 20)
                .ok();
    }

    @Test
    void x07AnOptimisticPrewriteDoesNotTakeAPessimisticLock() {
        db.lock("k").at(10, 10).ok();

        assertThat(abort(db.prewrite(put("k", "v")).at(10).error())).contains("LockTypeNotMatch");
        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.PessimisticLock);
    }

    @Test
    void x08ALateDuplicateAfterTheCommitSucceeds() {
        db.wrote("k", "v", 10, 15);

        for (PrewriteCall[] twin : new PrewriteCall[][] {
            {again(DoOrSkip.DO), again(DoOrSkip.DO).async(), again(DoOrSkip.DO).onePc()},
            {
                again(DoOrSkip.SKIP),
                again(DoOrSkip.SKIP).async(),
                again(DoOrSkip.SKIP).onePc()
            }
        }) {
            assertThat(twin[0].ok()).isEqualTo(PrewriteResponse.getDefaultInstance());
            PrewriteResponse async = twin[1].ok();
            assertThat(async.getMinCommitTs()).isEqualTo(15);
            assertThat(async.getOnePcCommitTs()).isZero();
            PrewriteResponse onePc = twin[2].ok();
            assertThat(onePc.getOnePcCommitTs()).isEqualTo(15);
            assertThat(onePc.getMinCommitTs()).isZero();
        }
        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 10→15");
    }

    private enum DoOrSkip {
        DO,
        SKIP
    }

    /** The prewrite of x08: unmarked if its key was locked, marked as a repeat if not. */
    private PrewriteCall again(DoOrSkip kind) {
        PrewriteCall call = db.prewrite(put("k", "v")).at(10);
        return kind == DoOrSkip.DO
                ? call.pessimistic(10, DO_PESSIMISTIC_CHECK)
                : call.pessimistic(10, SKIP_PESSIMISTIC_CHECK).again();
    }

    @Test
    void x09ADeferredConstraintCheckFindsAConflict() {
        db.wrote("k", "v", 11, 12);

        assertThat(conflict(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(12, DO_CONSTRAINT_CHECK)
                        .error()))
                .isEqualTo(new Conflict("k", 10, 11, 12, Reason.LazyUniquenessCheck));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void x10MutationsWithoutAnActionAreLeftOut() {
        db.prewrite(put("a", "v"), put("b", "v"))
                .at(10)
                .pessimistic(10, DO_PESSIMISTIC_CHECK)
                .ok();
        assertThat(db.locks()).containsExactly("a@10");

        db.prewrite(put("c", "v"), put("d", "v")).at(10).pessimistic(10).ok();
        assertThat(db.locks()).containsExactly("a@10");
    }

    @Test
    void x11ALostLockIsNotAmendedOverACommitAtItsStart() {
        db.wrote("k", "v", 5, 10);

        assertThat(abort(db.prewrite(put("k", "w"))
                        .at(10)
                        .pessimistic(10, DO_PESSIMISTIC_CHECK)
                        .error()))
                .contains("PessimisticLockNotFound");
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void x12AnInsertIsCheckedOnlyWithTheConstraint() {
        db.wrote("k", "v", 5, 8);
        db.wrote("other", "v", 5, 8);
        db.lock("k").at(10, 10).ok();

        db.prewrite(insert("k", "w"))
                .at(10)
                .pessimistic(10, DO_PESSIMISTIC_CHECK)
                .ok();
        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.Put);
        assertThat(alreadyExist(db.prewrite(insert("other", "w"))
                        .at(10)
                        .pessimistic(10, DO_CONSTRAINT_CHECK)
                        .error()))
                .isEqualTo("other");
        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void x13AnUncheckedKeyIsCheckedOnARepeatOrAFailedAssertion() {
        for (String key : new String[] {"plain", "again", "asserted"}) {
            db.wrote(key, "v", 46, 50);
        }

        db.prewrite(put("plain", "w"))
                .at(47)
                .pessimistic(48, SKIP_PESSIMISTIC_CHECK)
                .ok();
        assertThat(abort(db.prewrite(put("again", "w"))
                        .at(47)
                        .pessimistic(48, SKIP_PESSIMISTIC_CHECK)
                        .again()
                        .error()))
                .contains("PessimisticLockNotFound");
        assertThat(abort(db.prewrite(notExists(put("asserted", "w")))
                        .at(47)
                        .pessimistic(48, SKIP_PESSIMISTIC_CHECK)
                        .assertions(AssertionLevel.Strict)
                        .error()))
                .contains("PessimisticLockNotFound");
        assertThat(db.locks()).containsExactly("plain@47");
    }

    @Test
    void r01ALockWithALargerForUpdateTsStays() {
        db.lock("k").at(10, 12).ok();

        db.pessimisticRollback(10, 11, "k");
        assertThat(db.locks()).containsExactly("k@10");
        db.pessimisticRollback(10, 12, "k");
        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).isEmpty();
        db.pessimisticRollback(10, 12, "k"); // nothing is fine
    }

    @Test
    void r02APrewriteLockStays() {
        db.prewrite(put("k", "v")).at(10).ok();

        db.pessimisticRollback(10, 10, "k");

        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void r03WithoutKeysTheRegionIsSearched() {
        db.lock("a", "b").at(10, 10).ok();
        db.lock("c").at(20, 20).ok();
        db.prewrite(put("d", "v")).at(10).ok();

        db.pessimisticRollback(10, 10);

        assertThat(db.locks()).containsExactly("c@20", "d@10");
    }
}
