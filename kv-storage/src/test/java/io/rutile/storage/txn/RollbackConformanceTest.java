package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.ts;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.MvccWrite;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.Map;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** Cases B01 to B10 and U01 to U05: rollbacks, which are remembered (P2), and how long. */
class RollbackConformanceTest extends TxnConformance {

    private Conflict refused(String key, long startTs) {
        return conflict(db.prewrite(put(key, "late")).at(startTs).error());
    }

    @Test
    void b01RemovesTheLockAndIsRemembered() {
        db.prewrite(put("k", "v")).at(10).ok();

        db.rolledBack(10, "k");

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Rollback 10→10");
        assertThat(db.get("k", 20)).isEqualTo("not_found");
        assertThat(refused("k", 10)).isEqualTo(new Conflict("k", 10, 10, 10, Reason.SelfRolledBack));
    }

    @Test
    void b01ALongValueGoesToo() {
        db.prewrite(put("k", "x".repeat(1000))).at(10).ok();

        db.rolledBack(10, "k");

        assertThat(db.records("k").getValuesList()).isEmpty();
    }

    @Test
    void b02MayComeBeforeThePrewrite() {
        db.rolledBack(10, "k");

        assertThat(refused("k", 10)).isEqualTo(new Conflict("k", 10, 10, 10, Reason.SelfRolledBack));
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void b03ACommittedTransactionIsNotRolledBack() {
        db.wrote("k", "v", 10, 15);

        assertThat(abort(db.batchRollback(10, "k").getError())).contains("Committed");

        assertThat(db.writes("k")).containsExactly("Put 10→15");
        assertThat(db.get("k", 20)).isEqualTo("v");
    }

    @Test
    void b04MayBeRepeated() {
        db.rolledBack(10, "k");

        db.rolledBack(10, "k");

        assertThat(db.writes("k")).containsExactly("Rollback 10→10");
    }

    @Test
    void b05OnlyAPrimarysRollbacksAreKept() {
        for (long startTs : new long[] {10, 20}) {
            db.prewrite(put("pk", "v"), put("k", "v")).at(startTs).ok();
            db.rolledBack(startTs, "k", "pk");
            db.prewrite(put("p", "v")).at(startTs).ok();
            db.rolledBack(startTs, "p");
        }

        assertThat(db.writes("k")).containsExactly("Rollback 20→20");
        assertThat(db.writes("p")).containsExactly("Rollback 20→20", "Rollback 10→10");
    }

    @Test
    void b06ACleanupMarksTheRecordAtItsTimestamp() {
        db.wrote("k", "v", 5, 10);

        db.cleanedUp("k", 10);

        assertThat(db.writes("k")).containsExactly("Put 5→10+rollback");
        MvccWrite record = db.records("k").getWrites(0);
        assertThat(record.getShortValue().toStringUtf8()).isEqualTo("v");
        assertThat(db.get("k", 10)).isEqualTo("v");
        assertThat(refused("k", 10)).isEqualTo(new Conflict("k", 10, 5, 10, Reason.SelfRolledBack));
    }

    @Test
    void b06ABatchRollbackLeavesTheRecordAtItsTimestamp() {
        db.wrote("k", "v", 5, 10);

        db.rolledBack(10, "k");

        assertThat(db.writes("k")).containsExactly("Put 5→10");
        db.prewrite(put("k", "w")).at(10).ok();
    }

    /** The three ways to roll k@30 back for good. */
    private Map<String, BiConsumer<String, Long>> protectedRollbacks() {
        return Map.of(
                "cleanup", (key, startTs) -> db.cleanedUp(key, startTs),
                "check",
                        (key, startTs) -> assertThat(
                                        db.check(key, startTs, 0, 0, more -> more.setRollbackIfNotExist(true))
                                                .getAction())
                                .isEqualTo(Action.LockNotExistRollback),
                "secondaries",
                        (key, startTs) -> assertThat(db.checkSecondaries(startTs, key))
                                .isEqualTo(CheckSecondaryLocksResponse.getDefaultInstance()));
    }

    @Test
    void b07AnAsyncCommitLockRemembersARollbackAtItsLaterCommitTs() {
        protectedRollbacks()
                .keySet()
                .forEach(key -> db.prewrite(put(key, "v")).at(20).async().ok()); // all before a check raises max_ts

        protectedRollbacks().forEach((key, rollBack) -> {
            rollBack.accept(key, 30L);
            assertThat(db.lockOn(key).getLockVersion()).isEqualTo(20);
            db.committed(20, 30, key);

            assertThat(db.writes(key)).containsExactly("Put 20→30+rollback");
            assertThat(db.get(key, 30)).isEqualTo("v");
            assertThat(refused(key, 30)).isEqualTo(new Conflict(key, 30, 20, 30, Reason.SelfRolledBack));
            assertThat(db.locks()).doesNotContain(key + "@30", key + "@20");
        });
    }

    @Test
    void b07APlainLockRemembersNothing() {
        protectedRollbacks().forEach((key, rollBack) -> {
            db.prewrite(put(key, "v")).at(20).ok();

            rollBack.accept(key, 30L);
            db.committed(20, 30, key);

            assertThat(db.writes(key)).containsExactly("Put 20→30");
        });
    }

    @Test
    void b07ARollbackBelowMinCommitTsNeedsNoRemembering() {
        protectedRollbacks().forEach((key, rollBack) -> {
            db.prewrite(put(key, "v")).at(20).minCommit(30).async().ok();
            LockInfo before = db.lockOn(key);

            rollBack.accept(key, 29L);
            assertThat(db.lockOn(key)).isEqualTo(before);
            assertThat(db.records(key).getLock().getRollbackTsList()).isEmpty();
            db.committed(20, 30, key);

            assertThat(db.writes(key)).containsExactly("Put 20→30", "Rollback 29→29");
        });
    }

    @Test
    void b08OneCommittedKeyStopsAll() {
        db.wrote("a", "v", 10, 15);
        db.prewrite(put("b", "v")).at(10).ok();

        assertThat(abort(db.batchRollback(10, "b", "a").getError())).contains("Committed");

        assertThat(db.locks()).containsExactly("b@10");
        assertThat(db.writes("b")).isEmpty();
    }

    @Test
    void b09ABatchRollbackUnderAnotherLockIsOverwrittenByItsCommit() {
        db.prewrite(put("k", "v")).at(20).ok();

        db.rolledBack(30, "k");
        assertThat(db.locks()).containsExactly("k@20");
        db.committed(20, 30, "k");

        assertThat(db.writes("k")).containsExactly("Put 20→30");
        db.prewrite(put("k", "w")).at(30).ok();
    }

    @Test
    void b10ARollbackOfNothingIsCollapsedEvenOnThePrimary() {
        db.rolledBack(10, "p");
        db.rolledBack(20, "p");

        assertThat(db.writes("p")).containsExactly("Rollback 20→20");
        assertThat(refused("p", 10)).isEqualTo(new Conflict("p", 10, 20, 20, Reason.Optimistic));
    }

    @Test
    void u01WaitsForAnUnexpiredLock() {
        long startTs = ts(10, 0);
        for (String key : new String[] {"alive", "expired", "unconditional"}) {
            db.prewrite(put(key, "v")).at(startTs).ttl(100).ok();
        }

        locked(db.cleanup("alive", startTs, ts(50, 0)).getError(), "alive", startTs);
        assertThat(db.cleanup("expired", startTs, ts(111, 0))).isEqualTo(CleanupResponse.getDefaultInstance());
        assertThat(db.cleanup("unconditional", startTs, 0)).isEqualTo(CleanupResponse.getDefaultInstance());

        assertThat(db.locks()).containsExactly("alive@" + startTs);
        assertThat(db.writes("expired")).hasSize(1);
        assertThat(refused("unconditional", startTs).reason()).isEqualTo(Reason.SelfRolledBack);
    }

    @Test
    void u02ACommittedTransactionAnswersItsCommitTs() {
        db.wrote("k", "v", 10, 15);

        assertThat(db.cleanup("k", 10, 0))
                .isEqualTo(CleanupResponse.newBuilder().setCommitVersion(15).build());
        assertThat(db.get("k", 20)).isEqualTo("v");
    }

    @Test
    void u03ASecondarysCleanupIsNotProtectedAndCollapsesNothing() {
        db.rolledBack(5, "s");
        db.prewrite(put("s", "v")).at(10).primary("p").ok();

        db.cleanedUp("s", 10);
        assertThat(db.writes("s")).containsExactly("Rollback 10→10", "Rollback 5→5");

        db.prewrite(put("s", "v")).at(20).primary("p").ok();
        db.rolledBack(20, "s");
        assertThat(db.writes("s")).containsExactly("Rollback 20→20", "Rollback 5→5");
    }

    @Test
    void u03APrimarysCleanupIsProtected() {
        db.prewrite(put("p", "v")).at(10).ok();

        db.cleanedUp("p", 10);

        assertThat(db.isProtected("p", 10)).isTrue();
    }

    @Test
    void u04AnotherTransactionsLockIsNotTouched() {
        db.prewrite(put("k", "v")).at(10).ttl(100).ok();

        assertThat(db.cleanup("k", 11, ts(1_000_000, 0))).isEqualTo(CleanupResponse.getDefaultInstance());

        assertThat(db.locks()).containsExactly("k@10");
        assertThat(db.isProtected("k", 11)).isTrue();
    }

    @Test
    void u05ALockLivesThroughItsLastMillisecond() {
        long startTs = ts(10, 0);
        db.prewrite(put("k", "v")).at(startTs).ttl(100).ok();

        locked(db.cleanup("k", startTs, ts(110, 0)).getError(), "k", startTs);
        locked(db.cleanup("k", startTs, ts(110, 999)).getError(), "k", startTs);
        assertThat(db.check("k", startTs, 0, ts(110, 999)).getLockTtl()).isEqualTo(100);
        assertThat(db.check("k", startTs, 0, ts(111, 0)).getAction()).isEqualTo(Action.TTLExpireRollback);
    }
}
