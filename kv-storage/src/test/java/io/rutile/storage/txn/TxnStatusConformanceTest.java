package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.MAX;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.ts;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.protocol.kvrpcpb.TxnNotFound;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import org.junit.jupiter.api.Test;

/** Cases H01 to H03 and T01 to T17: what is known of a transaction at its primary. */
class TxnStatusConformanceTest extends TxnConformance {

    private static CheckTxnStatusResponse only(Action action) {
        return CheckTxnStatusResponse.newBuilder().setAction(action).build();
    }

    private static TxnNotFound unknown(String primary, long startTs) {
        return TxnNotFound.newBuilder()
                .setPrimaryKey(TxnWords.utf8(primary))
                .setStartTs(startTs)
                .build();
    }

    @Test
    void h01AHeartBeatOnlyProlongs() {
        db.prewrite(put("p", "v")).at(10).ttl(100).ok();

        assertThat(db.heartBeat("p", 10, 90, 0).getLockTtl()).isEqualTo(100);
        assertThat(db.heartBeat("p", 10, 110, 0).getLockTtl()).isEqualTo(110);
        assertThat(db.lockOn("p").getLockTtl()).isEqualTo(110);
    }

    @Test
    void h01APessimisticLockIsProlongedToo() {
        db.lock("p").at(10, 10).ttl(100).ok();

        assertThat(db.heartBeat("p", 10, 110, 0).getLockTtl()).isEqualTo(110);
        assertThat(db.lockOn("p").getLockForUpdateTs()).isEqualTo(10);
    }

    @Test
    void h02WithoutAnOwnLockThereIsNoTransaction() {
        db.prewrite(put("others", "v")).at(5).ok();

        for (String key : new String[] {"nothing", "others"}) {
            TxnHeartBeatResponse response = db.heartBeat(key, 10, 100, 0);
            assertThat(response.getError().getTxnNotFound()).isEqualTo(unknown(key, 10));
            assertThat(response.getLockTtl()).isZero();
        }
        assertThat(db.lockOn("others").getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
    }

    @Test
    void h03OnlyAPipelinedLockTakesMinCommitTs() {
        db.flushed(5, 1, "pipelined", put("pipelined", "v"));
        db.prewrite(put("plain", "v")).at(5).minCommit(6).ok();
        assertThat(db.lockOn("pipelined").getMinCommitTs()).isEqualTo(6);

        db.heartBeat("pipelined", 5, 100, 50);
        db.heartBeat("plain", 5, 100, 50);

        assertThat(db.lockOn("pipelined").getMinCommitTs()).isEqualTo(50);
        assertThat(db.lockOn("plain").getMinCommitTs()).isEqualTo(6);
    }

    /** T01's transaction: {@code p@(5,0)}, ttl 100, min_commit_ts (5,1). */
    private void young() {
        db.prewrite(put("p", "v")).at(ts(5, 0)).ttl(100).minCommit(ts(5, 1)).ok();
    }

    private CheckTxnStatusResponse checkYoung(long callerTs, long currentTs) {
        CheckTxnStatusResponse response = db.check("p", ts(5, 0), callerTs, currentTs);
        assertThat(response.getLockTtl()).isEqualTo(100);
        assertThat(response.getCommitVersion()).isZero();
        assertThat(response.getLockInfo()).isEqualTo(db.lockOn("p"));
        return response;
    }

    @Test
    void t01AnUnboundedQuestionChangesNothing() {
        young();
        LockInfo before = db.lockOn("p");

        CheckTxnStatusResponse response = checkYoung(0, 0);

        assertThat(response.getAction()).isEqualTo(Action.NoAction);
        assertThat(db.lockOn("p")).isEqualTo(before);
    }

    @Test
    void t02AReaderPushesMinCommitTsToNow() {
        young();

        assertThat(checkYoung(ts(6, 0), ts(7, 0)).getAction()).isEqualTo(Action.MinCommitTSPushed);

        assertThat(db.lockOn("p").getMinCommitTs()).isEqualTo(ts(7, 0));
        assertThat(db.maxTs()).isEqualTo(ts(7, 0));
    }

    @Test
    void t03AReaderFromTheFuturePushesPastItself() {
        young();
        checkYoung(ts(6, 0), ts(7, 0));

        assertThat(checkYoung(ts(9, 0), ts(8, 0)).getAction()).isEqualTo(Action.MinCommitTSPushed);

        assertThat(db.lockOn("p").getMinCommitTs()).isEqualTo(ts(9, 1));
    }

    @Test
    void t04AReaderBelowMinCommitTsNeedNotPush() {
        young();
        checkYoung(ts(6, 0), ts(7, 0));
        checkYoung(ts(9, 0), ts(8, 0));

        assertThat(checkYoung(ts(8, 0), ts(10, 0)).getAction()).isEqualTo(Action.MinCommitTSPushed);

        assertThat(db.lockOn("p").getMinCommitTs()).isEqualTo(ts(9, 1));
    }

    @Test
    void t05AnExpiredTransactionIsRolledBack() {
        long startTs = ts(20, 0);
        db.prewrite(put("p", "v")).at(startTs).ttl(100).ok();

        assertThat(db.check("p", startTs, 0, ts(21, 105)).getLockTtl()).isEqualTo(100);
        assertThat(db.check("p", startTs, 0, ts(121, 0))).isEqualTo(only(Action.TTLExpireRollback));

        assertThat(db.locks()).isEmpty();
        assertThat(db.isProtected("p", startTs)).isTrue();
    }

    @Test
    void t06ACommittedTransactionAnswersItsCommitTs() {
        db.wrote("p", "v", 5, 15);

        assertThat(db.check("p", 5, 20, 20))
                .isEqualTo(
                        CheckTxnStatusResponse.newBuilder().setCommitVersion(15).build());
    }

    @Test
    void t06ARolledBackTransactionAnswersNothing() {
        db.rolledBack(5, "p");
        db.wrote("overlapped", "v", 3, 5);
        db.cleanedUp("overlapped", 5);

        assertThat(db.check("p", 5, 20, 20)).isEqualTo(CheckTxnStatusResponse.getDefaultInstance());
        assertThat(db.check("overlapped", 5, 20, 20)).isEqualTo(CheckTxnStatusResponse.getDefaultInstance());
    }

    @Test
    void t07AnUnknownTransactionIsRolledBackIfToldSo() {
        CheckTxnStatusResponse unknown = db.check("p", 10, 20, 20);
        assertThat(unknown.getError().getTxnNotFound()).isEqualTo(unknown("p", 10));
        assertThat(db.writes("p")).isEmpty();

        assertThat(db.check("p", 10, 20, 20, more -> more.setRollbackIfNotExist(true)))
                .isEqualTo(only(Action.LockNotExistRollback));
        assertThat(conflict(db.prewrite(put("p", "v")).at(10).error()))
                .isEqualTo(new Conflict("p", 10, 10, 10, Reason.SelfRolledBack));
        assertThat(db.isProtected("p", 10)).isTrue();
    }

    @Test
    void t08AnExpiredPessimisticLock() {
        long startTs = ts(5, 0);
        db.lock("resolving", "not").at(startTs, startTs).ttl(100).ok();

        assertThat(db.check("resolving", startTs, 0, ts(106, 0), more -> more.setResolvingPessimisticLock(true)))
                .isEqualTo(only(Action.TTLExpirePessimisticRollback));
        assertThat(db.writes("resolving")).isEmpty();

        db.lock("p").at(startTs, startTs).ttl(100).ok();
        assertThat(db.check("p", startTs, 0, ts(106, 0))).isEqualTo(only(Action.TTLExpireRollback));
        assertThat(db.isProtected("p", startTs)).isTrue();
        assertThat(db.locks()).containsExactly("not@" + startTs);
    }

    @Test
    void t09AnUnknownTransactionIsLeftAloneForAPessimisticLock() {
        assertThat(db.check(
                        "p",
                        10,
                        20,
                        20,
                        more -> more.setRollbackIfNotExist(true).setResolvingPessimisticLock(true)))
                .isEqualTo(only(Action.LockNotExistDoNothing));
        assertThat(db.writes("p")).isEmpty();

        assertThat(db.check("p", 10, 20, 20, more -> more.setResolvingPessimisticLock(true))
                        .getError()
                        .getTxnNotFound())
                .isEqualTo(unknown("p", 10));
    }

    @Test
    void t10AnExpiredAsyncCommitIsNotRolledBackUnlessForced() {
        long startTs = ts(5, 0);
        db.prewrite(put("p", "v")).at(startTs).ttl(100).async("s").ok();
        LockInfo before = db.lockOn("p");

        CheckTxnStatusResponse alive = db.check("p", startTs, 0, ts(1000, 0));
        assertThat(alive.getLockTtl()).isEqualTo(100);
        assertThat(alive.getAction()).isEqualTo(Action.NoAction);
        assertThat(alive.getLockInfo()).isEqualTo(before);
        assertThat(db.lockOn("p")).isEqualTo(before);

        assertThat(db.check("p", startTs, 0, ts(1000, 0), more -> more.setForceSyncCommit(true)))
                .isEqualTo(only(Action.TTLExpireRollback));
        assertThat(db.locks()).isEmpty();
        assertThat(db.isProtected("p", startTs)).isTrue();
    }

    @Test
    void t11APrewriteLockOfAnotherPrimary() {
        db.prewrite(put("k", "v")).at(10).primary("p").ok();

        CheckTxnStatusResponse response = db.check("k", 10, 0, 0, more -> more.setVerifyIsPrimary(true));

        assertMismatch(response);
    }

    private void assertMismatch(CheckTxnStatusResponse response) {
        LockInfo lock = response.getError().getPrimaryMismatch().getLockInfo();
        assertThat(lock.getPrimaryLock().toStringUtf8()).isEqualTo("p");
        assertThat(lock.getLockVersion()).isEqualTo(10);
        assertThat(response.getLockTtl()).isZero();
        assertThat(db.locks()).containsExactly("k@10");
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void t11APessimisticLockOfAnotherPrimaryForAPessimisticLock() {
        db.lock("k").at(10, 10).primary("p").ok();

        assertMismatch(
                db.check("k", 10, 0, 0, more -> more.setVerifyIsPrimary(true).setResolvingPessimisticLock(true)));
    }

    @Test
    void t11APessimisticLockOfAnotherPrimaryIsNone() {
        db.lock("k").at(10, 10).primary("p").ok();

        CheckTxnStatusResponse response =
                db.check("k", 10, 0, 0, more -> more.setVerifyIsPrimary(true).setRollbackIfNotExist(true));

        assertThat(response.getAction()).isEqualTo(Action.LockNotExistRollback);
        assertThat(response.hasError()).isFalse();
        assertThat(db.locks()).isEmpty();
        assertThat(db.isProtected("k", 10)).isTrue();
    }

    @Test
    void t11APessimisticLockOfAnotherPrimaryStaysIfNothingMayBeWritten() {
        db.lock("k").at(10, 10).primary("p").ok();

        CheckTxnStatusResponse response = db.check("k", 10, 0, 0, more -> more.setVerifyIsPrimary(true));

        assertThat(response.getError().getTxnNotFound()).isEqualTo(unknown("k", 10));
        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void t11APrimaryIsVerified() {
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(db.check("k", 10, 0, 0, more -> more.setVerifyIsPrimary(true))
                        .getLockTtl())
                .isEqualTo(PrewriteCall.TTL_MS);
    }

    @Test
    void t12AReaderOfTheNewestIsToldThatItPushed() {
        db.prewrite(put("p", "v")).at(10).minCommit(11).ok();

        CheckTxnStatusResponse response = db.check("p", 10, MAX, ts(0, 20));

        assertThat(response.getAction()).isEqualTo(Action.MinCommitTSPushed);
        assertThat(db.lockOn("p").getMinCommitTs()).isEqualTo(11);
        assertThat(db.maxTs()).isEqualTo(20); // 2^64-1 is no timestamp
    }

    @Test
    void t13ALockWithoutMinCommitTsIsNotPushed() {
        db.prewrite(put("p", "v")).at(10).ok();

        assertThat(db.check("p", 10, 50, 50).getAction()).isEqualTo(Action.NoAction);
        assertThat(db.lockOn("p").getMinCommitTs()).isZero();
    }

    @Test
    void t14AnAsyncCommitIsNeverPushed() {
        db.prewrite(put("p", "v")).at(10).async("s").ok();
        LockInfo before = db.lockOn("p");

        for (CheckTxnStatusResponse response : new CheckTxnStatusResponse[] {
            db.check("p", 10, MAX, 20), db.check("p", 10, 50, MAX), db.check("p", 10, MAX, ts(1_000_000, 0))
        }) {
            assertThat(response.getAction()).isEqualTo(Action.NoAction);
            assertThat(response.getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
            assertThat(response.getLockInfo()).isEqualTo(before);
        }
        assertThat(db.lockOn("p")).isEqualTo(before);
    }

    @Test
    void t15TheAnswersLockIsThePushedOneOnThePrimary() {
        young();

        LockInfo pushed = db.check("p", ts(5, 0), ts(6, 0), ts(7, 0)).getLockInfo();
        assertThat(pushed.getKey().toStringUtf8()).isEqualTo("p");
        assertThat(pushed.getMinCommitTs()).isEqualTo(ts(7, 0));

        db.prewrite(put("s", "v")).at(20).primary("q").ok();
        assertThat(db.check("s", 20, 0, 0).getLockInfo().getKey().toStringUtf8())
                .isEqualTo("q");
    }

    @Test
    void t16AForcedLockOfACommittedTransactionIsReleased() {
        db.wrote("k", "v", 1, 2);
        assertThat(db.lock("k").at(1, 1).force().result().getLockedWithConflictTs())
                .isEqualTo(2);
        assertThat(db.locks()).containsExactly("k@1");

        assertThat(db.check("k", 1, 0, 0))
                .isEqualTo(
                        CheckTxnStatusResponse.newBuilder().setCommitVersion(2).build());

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 1→2");
    }

    @Test
    void t17AnExpiredTransactionWhoseStartIsAnothersCommit() {
        db.wrote("k", "v", ts(1, 0), ts(2, 0));
        db.prewrite(put("k", "w")).at(ts(2, 0)).ttl(100).ok();

        assertThat(db.check("k", ts(2, 0), 0, ts(1000, 0))).isEqualTo(only(Action.TTLExpireRollback));

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put " + ts(1, 0) + "→" + ts(2, 0) + "+rollback");
        assertThat(conflict(db.prewrite(put("k", "w")).at(ts(2, 0)).error()))
                .isEqualTo(new Conflict("k", ts(2, 0), ts(1, 0), ts(2, 0), Reason.SelfRolledBack));
        assertThat(db.get("k", ts(3, 0))).isEqualTo("v");
    }
}
