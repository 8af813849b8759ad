package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.alreadyExist;
import static io.rutile.storage.txn.TxnWords.checkNotExists;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.del;
import static io.rutile.storage.txn.TxnWords.exists;
import static io.rutile.storage.txn.TxnWords.insert;
import static io.rutile.storage.txn.TxnWords.lockOnly;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.notExists;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.AssertionFailed;
import io.rutile.protocol.kvrpcpb.AssertionLevel;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Cases P01 to P24: what an optimistic prewrite locks, and what it refuses. */
class PrewriteConformanceTest extends TxnConformance {

    @Test
    void p01LeavesALock() {
        assertThat(db.prewrite(put("k", "v")).at(10).ok()).isEqualTo(PrewriteResponse.getDefaultInstance());

        LockInfo lock = db.lockOn("k");
        assertThat(lock.getPrimaryLock().toStringUtf8()).isEqualTo("k");
        assertThat(lock.getLockVersion()).isEqualTo(10);
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(lock.getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
        assertThat(lock.getTxnSize()).isEqualTo(1);
        assertThat(lock.getLockForUpdateTs()).isZero();
        assertThat(lock.getUseAsyncCommit()).isFalse();
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void p02ACommitAfterItsStartIsAConflict() {
        db.wrote("k", "v", 5, 10);

        KeyError refused = db.prewrite(put("k", "w")).at(6).error();

        assertThat(conflict(refused)).isEqualTo(new Conflict("k", 6, 5, 10, Reason.Optimistic));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p03ACommitAtItsStartIsNone() {
        db.wrote("k", "v", 5, 10);

        db.prewrite(put("k", "w")).at(10).ok();

        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void p04OneLockedKeyStopsAll() {
        db.prewrite(put("k", "v")).at(5).ok();

        locked(db.prewrite(put("k", "w"), put("x", "w")).at(10).error(), "k", 5);

        assertThat(db.locks()).containsExactly("k@5");
        assertThat(db.get("x", 20)).isEqualTo("not_found");
    }

    @Test
    void p04EveryLockedKeyIsListed() {
        db.prewrite(put("a", "v")).at(5).ok();
        db.prewrite(put("c", "v")).at(6).ok();

        PrewriteResponse response =
                db.prewrite(put("a", "w"), put("b", "w"), put("c", "w")).at(10).run();

        assertThat(response.getErrorsList()).hasSize(2);
        locked(response.getErrors(0), "a", 5);
        locked(response.getErrors(1), "c", 6);
        assertThat(db.locks()).containsExactly("a@5", "c@6");
    }

    @Test
    void p05ADuplicateChangesNothing() {
        db.prewrite(put("k", "v")).at(10).ok();
        LockInfo before = db.lockOn("k");

        PrewriteResponse again = db.prewrite(put("k", "v")).at(10).ok();

        assertThat(again.getMinCommitTs()).isZero();
        assertThat(db.lockOn("k")).isEqualTo(before);
    }

    @Test
    void p06ARolledBackTransactionStaysSo() {
        db.rolledBack(10, "k");

        for (int attempt = 0; attempt < 2; attempt++) {
            KeyError refused = db.prewrite(put("k", "v")).at(10).error();
            assertThat(conflict(refused)).isEqualTo(new Conflict("k", 10, 10, 10, Reason.SelfRolledBack));
        }
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p07ALateDuplicateAfterTheCommitSucceeds() {
        db.wrote("k", "v", 10, 15);
        db.wrote("under", "v", 10, 15);
        db.wrote("under", "w", 20, 25);

        for (String key : List.of("k", "under")) {
            List<String> before = db.writes(key);
            PrewriteResponse plain = db.prewrite(put(key, "v")).at(10).ok();
            assertThat(plain).isEqualTo(PrewriteResponse.getDefaultInstance());

            PrewriteResponse async = db.prewrite(put(key, "v")).at(10).async().ok();
            assertThat(async.getMinCommitTs()).isEqualTo(15);
            assertThat(async.getOnePcCommitTs()).isZero();

            PrewriteResponse onePc = db.prewrite(put(key, "v")).at(10).onePc().ok();
            assertThat(onePc.getOnePcCommitTs()).isEqualTo(15);
            assertThat(onePc.getMinCommitTs()).isZero();

            assertThat(db.writes(key)).isEqualTo(before);
            assertThat(db.locks()).isEmpty();
        }
    }

    @Test
    void p08AnInsertFindsTheKeyTaken() {
        db.wrote("k", "v", 5, 10);

        assertThat(alreadyExist(db.prewrite(insert("k", "w")).at(20).error())).isEqualTo("k");
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p09AnInsertOverADeletedKeyIsAPut() {
        db.wrote("k", "v", 5, 8);
        db.deleted("k", 10, 15);

        db.prewrite(insert("k", "w")).at(20).ok();

        assertThat(db.lockOn("k").getLockType()).isEqualTo(Op.Put);
        db.committed(20, 25, "k");
        assertThat(db.get("k", 30)).isEqualTo("w");
    }

    @Test
    void p10AnInsertLooksBelowLockAndRollbackRecords() {
        db.wrote("k", "v", 5, 10);
        db.given(lockOnly("k"), 12, 13);
        db.rolledBack(14, "k");

        assertThat(alreadyExist(db.prewrite(insert("k", "w")).at(20).error())).isEqualTo("k");
    }

    @Test
    void p11CheckNotExistsWritesNothing() {
        db.wrote("k", "v", 5, 10);

        assertThat(alreadyExist(db.prewrite(checkNotExists("k")).at(20).error()))
                .isEqualTo("k");
        db.prewrite(checkNotExists("absent")).at(20).ok();

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("absent")).isEmpty();
    }

    @Test
    void p12CheckNotExistsIsNotForPessimisticTransactions() {
        KeyError refused = db.prewrite(checkNotExists("k"))
                .at(10)
                .pessimistic(10, PessimisticAction.DO_PESSIMISTIC_CHECK)
                .error();

        assertThat(abort(refused)).isNotEmpty();
        assertThat(abort(db.prewrite(checkNotExists("k"))
                        .at(10)
                        .pessimistic(10, PessimisticAction.SKIP_PESSIMISTIC_CHECK)
                        .error()))
                .isNotEmpty();
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p13AnAssertionOfExistence() {
        for (AssertionLevel level : List.of(AssertionLevel.Fast, AssertionLevel.Strict)) {
            KeyError refused =
                    db.prewrite(exists(put("k", "v"))).at(10).assertions(level).error();
            assertThat(refused.getAssertionFailed()).isEqualTo(failed("k", 10, Assertion.Exist, 0, 0));
            assertThat(db.locks()).isEmpty();
        }

        db.prewrite(exists(put("k", "v"))).at(10).assertions(AssertionLevel.Off).ok();
        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void p14AnAssertionOfAbsence() {
        db.wrote("k", "v", 5, 10);

        for (AssertionLevel level : List.of(AssertionLevel.Fast, AssertionLevel.Strict)) {
            KeyError refused = db.prewrite(notExists(put("k", "w")))
                    .at(20)
                    .assertions(level)
                    .error();
            assertThat(refused.getAssertionFailed()).isEqualTo(failed("k", 20, Assertion.NotExist, 5, 10));
            assertThat(db.locks()).isEmpty();
        }

        db.prewrite(notExists(put("k", "w")))
                .at(20)
                .assertions(AssertionLevel.Off)
                .ok();
        assertThat(db.locks()).containsExactly("k@20");
    }

    private static AssertionFailed failed(
            String key, long startTs, Assertion assertion, long existingStartTs, long existingCommitTs) {
        return AssertionFailed.newBuilder()
                .setKey(TxnWords.utf8(key))
                .setStartTs(startTs)
                .setAssertion(assertion)
                .setExistingStartTs(existingStartTs)
                .setExistingCommitTs(existingCommitTs)
                .build();
    }

    @Test
    void p15AnAbortWinsOverAFailedAssertion() {
        db.wrote("newer", "v", 11, 12);
        Mutation notLocked = put("newer", "w");
        Mutation notThere = exists(put("absent", "w"));
        PessimisticAction amended = PessimisticAction.DO_PESSIMISTIC_CHECK;
        PessimisticAction skipped = PessimisticAction.SKIP_PESSIMISTIC_CHECK;

        for (PrewriteCall call : List.of(
                db.prewrite(notLocked, notThere).pessimistic(10, amended, skipped),
                db.prewrite(notThere, notLocked).pessimistic(10, skipped, amended))) {
            KeyError refused = call.at(10).assertions(AssertionLevel.Strict).error();
            assertThat(abort(refused)).contains("PessimisticLockNotFound");
        }
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p16ALongValueStaysIntact() {
        String value = "0123456789".repeat(30);
        db.wrote("k", value, 10, 15);

        assertThat(db.get("k", 20)).isEqualTo(value);
        db.prewrite(put("k", "x".repeat(70_000))).at(20).ok();
        db.rolledBack(20, "k");
        assertThat(db.get("k", 30)).isEqualTo(value);
    }

    @Test
    void p17AKeyIsAtMost8KiBEncoded() {
        String longest = "k".repeat(7279);

        db.prewrite(put(longest, "v")).at(10).ok();
        for (int length : new int[] {7280, 9 << 10}) {
            String refused =
                    abort(db.prewrite(put("k".repeat(length), "v")).at(10).error());
            assertThat(refused).contains("KeyTooLarge").contains("8192");
        }
        String tooLong = longest + "k";
        assertThat(abort(db.lock(tooLong).at(10, 10).error())).contains("KeyTooLarge");
        assertThat(abort(only(db.flush(10, 1, tooLong, put(tooLong, "v")).getErrorsList())))
                .contains("KeyTooLarge");
        assertThat(db.locks()).containsExactly(longest + "@10");
    }

    @Test
    void p18ConstraintChecksCanBeSkipped() {
        db.wrote("k", "v", 5, 10);

        db.prewrite(put("k", "w")).at(6).skippingConstraintCheck().ok();

        assertThat(db.locks()).containsExactly("k@6");
    }

    @Test
    void p19AnotherTransactionsRollbackIsARecord() {
        db.rolledBack(20, "k");

        assertThat(conflict(db.prewrite(put("k", "v")).at(15).error()))
                .isEqualTo(new Conflict("k", 15, 20, 20, Reason.Optimistic));
        assertThat(db.locks()).isEmpty();
        db.prewrite(put("k", "v")).at(21).ok();
        assertThat(db.locks()).containsExactly("k@21");
    }

    @Test
    void p20AnOwnRollbackBelowANewerRecordIsAnOrdinaryConflict() {
        db.rolledBack(10, "k");
        db.wrote("k", "v", 12, 15);

        assertThat(conflict(db.prewrite(put("k", "w")).at(10).error()))
                .isEqualTo(new Conflict("k", 10, 12, 15, Reason.Optimistic));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void p21ACommittedKeyAnswersForTheWholeRequest() {
        db.wrote("k1", "v", 10, 15);

        assertThat(db.prewrite(put("k2", "v"), put("k1", "v")).at(10).ok())
                .isEqualTo(PrewriteResponse.getDefaultInstance());

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k2")).isEmpty();
    }

    @Test
    void p22APessimisticLockStopsOptimisticPrewrites() {
        db.lock("k").at(5, 5).ok();

        for (Mutation mutation : List.of(checkNotExists("k"), put("k", "v"))) {
            LockInfo lock = locked(db.prewrite(mutation).at(10).error(), "k", 5);
            assertThat(lock.getLockType()).isEqualTo(Op.PessimisticLock);
            assertThat(lock.getLockForUpdateTs()).isEqualTo(5);
        }
        assertThat(db.locks()).containsExactly("k@5");
    }

    @Test
    void p23AFailedAssertionWinsOverLockedKeys() {
        db.prewrite(put("a", "v")).at(5).ok();

        KeyError refused = db.prewrite(put("a", "w"), exists(put("b", "w")))
                .at(10)
                .assertions(AssertionLevel.Strict)
                .error();

        assertThat(refused.getAssertionFailed()).isEqualTo(failed("b", 10, Assertion.Exist, 0, 0));
        assertThat(db.locks()).containsExactly("a@5");
    }

    @Test
    void p24ADuplicateKeepsTheFirstValueTypeAndTtl() {
        db.prewrite(put("k", "v")).at(10).ttl(100).ok();
        LockInfo before = db.lockOn("k");

        db.prewrite(put("k", "w")).at(10).ttl(500).ok();
        db.prewrite(del("k")).at(10).ok();

        assertThat(db.lockOn("k")).isEqualTo(before);
        db.committed(10, 15, "k");
        assertThat(db.get("k", 20)).isEqualTo("v");
    }
}
