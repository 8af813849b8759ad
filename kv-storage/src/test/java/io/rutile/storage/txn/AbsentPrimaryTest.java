package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.await;
import static io.rutile.storage.StoreFixture.regionError;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.only;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import org.junit.jupiter.api.Test;

/**
 * A client that names a primary which it never writes, because it died, lies, or is broken. Its locks are resolved like any other's: by
 * what is known of the primary, which is nothing.
 */
class AbsentPrimaryTest extends TxnConformance {

    @Test
    void p3_locksWhosePrimaryNeverCameAreRolledBackThroughIt() {
        db.prewrite(put("s1", "v"), put("s2", "v")).at(10).primary("p").ok();
        assertThat(db.lockOn("s1").getPrimaryLock()).isEqualTo(utf8("p"));
        assertThat(db.get("s1", 20)).isEqualTo("locked@10");

        CheckTxnStatusResponse young = db.check("p", 10, 20, 20);
        assertThat(young.getError().getTxnNotFound().getPrimaryKey()).isEqualTo(utf8("p"));
        assertThat(db.locks()).as("it may still come").containsExactly("s1@10", "s2@10");

        CheckTxnStatusResponse old = db.check("p", 10, 20, 20, more -> more.setRollbackIfNotExist(true));
        assertThat(old.getAction()).isEqualTo(Action.LockNotExistRollback);
        assertThat(old.getCommitVersion()).isZero();
        db.resolved(10, 0);

        assertThat(db.locks()).isEmpty();
        assertThat(db.get("s1", 30)).isEqualTo("not_found");
    }

    @Test
    void p2_aPrimaryThatComesAfterItsRollbackIsRefused() {
        db.prewrite(put("s", "v")).at(10).primary("p").ok();
        db.check("p", 10, 20, 20, more -> more.setRollbackIfNotExist(true));

        assertThat(conflict(only(db.prewrite(put("p", "v")).at(10).run().getErrorsList())))
                .isEqualTo(new TxnWords.Conflict("p", 10, 10, 10, Reason.SelfRolledBack));
        assertThat(db.commit(10, 15, "p").getError().hasTxnLockNotFound()).isTrue();
        db.resolved(10, 0);
        assertThat(db.locks()).isEmpty();
    }

    @Test
    void pessimisticLocksWhosePrimaryNeverCameAreReleasedWithoutARecord() {
        db.lock("s").at(10, 10).primary("p").ok();

        CheckTxnStatusResponse gone = db.check(
                "p", 10, 20, 20, more -> more.setRollbackIfNotExist(true).setResolvingPessimisticLock(true));
        assertThat(gone.getAction()).isEqualTo(Action.LockNotExistDoNothing);
        assertThat(db.writes("p")).isEmpty();
        db.pessimisticRollback(10, 10, "s");

        assertThat(db.locks()).isEmpty();
        db.prewrite(put("p", "v")).at(10).ok();
    }

    @Test
    void anAsyncCommitWhosePrimaryNeverCameIsRolledBack() {
        db.prewrite(put("s", "v")).at(10).primary("p").async().ok();

        assertThat(db.check("p", 10, 20, 20, more -> more.setRollbackIfNotExist(true))
                        .getAction())
                .isEqualTo(Action.LockNotExistRollback);
        db.resolved(10, 0);

        assertThat(db.locks()).isEmpty();
    }

    /** Who asks the wrong Region is told so, nothing is written there, and the secondary still falls with its primary's Region. */
    @Test
    void aPrimaryOfAnotherRegionIsAskedForThere() {
        TxnFixture region = db.reopenedAsRegion("k", "p");
        db = region;
        region.prewrite(put("m", "v")).at(10).primary("z").ok();
        CheckTxnStatusRequest question = CheckTxnStatusRequest.newBuilder()
                .setContext(TxnFixture.context())
                .setPrimaryKey(utf8("z"))
                .setLockTs(10)
                .setCallerStartTs(20)
                .setCurrentTs(20)
                .setRollbackIfNotExist(true)
                .build();
        TxnHeartBeatRequest beat = TxnHeartBeatRequest.newBuilder()
                .setContext(TxnFixture.context())
                .setPrimaryLock(utf8("z"))
                .setStartVersion(10)
                .setAdviseLockTtl(100)
                .build();
        int writes = region.kv.writes().size();

        assertThat(regionError(region.storage.kvCheckTxnStatus(TxnFixture.ctx(), question))
                        .hasKeyNotInRegion())
                .isTrue();
        assertThat(regionError(region.storage.kvTxnHeartBeat(TxnFixture.ctx(), beat))
                        .hasKeyNotInRegion())
                .isTrue();
        assertThat(region.kv.writes()).hasSize(writes);
        assertThat(region.locks()).containsExactly("m@10");
        region.resolved(10, 0);
        assertThat(region.locks()).isEmpty();
    }

    @Test
    void anEmptyPrimaryIsAKeyLikeAnyOther() {
        db.prewrite(put("s", "v")).at(10).primary("").ok();

        assertThat(await(db.storage.kvCheckTxnStatus(
                                TxnFixture.ctx(),
                                CheckTxnStatusRequest.newBuilder()
                                        .setContext(TxnFixture.context())
                                        .setLockTs(10)
                                        .setCallerStartTs(20)
                                        .setCurrentTs(20)
                                        .setRollbackIfNotExist(true)
                                        .build()))
                        .getAction())
                .isEqualTo(Action.LockNotExistRollback);
        db.resolved(10, 0);
        assertThat(db.locks()).isEmpty();
    }
}
