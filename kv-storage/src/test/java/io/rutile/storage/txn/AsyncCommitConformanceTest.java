package io.rutile.storage.txn;

import static io.rutile.storage.StoreFixture.regionError;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Cases A01 to A08 and O01 to O07: commit timestamps that the store chooses (async commit, 1PC). */
class AsyncCommitConformanceTest extends TxnConformance {

    @Test
    void a01MinCommitTsIsAboveEveryRead() {
        db.readAt(40);

        assertThat(db.prewrite(put("k", "v")).at(10).minCommit(11).async().ok().getMinCommitTs())
                .isEqualTo(41);

        assertThat(db.lockOn("k").getMinCommitTs()).isEqualTo(41);
        assertThat(db.lockOn("k").getUseAsyncCommit()).isTrue();
    }

    @Test
    void a01MinCommitTsIsAboveStartAndAtLeastWhatIsAskedFor() {
        assertThat(db.prewrite(put("k", "v")).at(10).async().ok().getMinCommitTs())
                .isEqualTo(11);
        assertThat(db.prewrite(put("l", "v")).at(10).minCommit(30).async().ok().getMinCommitTs())
                .isEqualTo(30);
    }

    @Test
    void a02AboveMaxCommitTsItFallsBack() {
        db.readAt(40);

        PrewriteResponse response =
                db.prewrite(put("k", "v")).at(10).maxCommit(30).async("s").ok();

        assertThat(response.getMinCommitTs()).isZero();
        assertThat(db.lockOn("k").getUseAsyncCommit()).isFalse();
        assertThat(db.lockOn("k").getSecondariesList()).isEmpty();
    }

    @Test
    void a02KeysBeforeTheFallbackKeepTheirAsyncLocks() {
        db.lock("b").at(10, 10).minCommit(50).ok();

        PrewriteResponse response = db.prewrite(put("a", "v"), put("b", "v"), put("c", "v"))
                .at(10)
                .pessimistic(
                        10,
                        PessimisticAction.SKIP_PESSIMISTIC_CHECK,
                        PessimisticAction.DO_PESSIMISTIC_CHECK,
                        PessimisticAction.SKIP_PESSIMISTIC_CHECK)
                .maxCommit(30)
                .async("b", "c")
                .ok();

        assertThat(response.getMinCommitTs()).isZero();
        assertThat(db.lockOn("a").getUseAsyncCommit()).isTrue();
        assertThat(db.lockOn("a").getMinCommitTs()).isEqualTo(11);
        assertThat(db.lockOn("a").getSecondariesCount()).isEqualTo(2);
        assertThat(db.lockOn("b").getUseAsyncCommit()).isFalse();
        assertThat(db.lockOn("c").getUseAsyncCommit()).isFalse();
    }

    @Test
    void a03OnlyThePrimaryKnowsTheSecondaries() {
        db.prewrite(put("p", "v"), put("s1", "v")).at(10).async("s1", "s2").ok();
        db.prewrite(put("s2", "v")).at(10).primary("p").async().ok();

        assertThat(db.lockOn("p").getSecondariesList().stream().map(key -> key.toStringUtf8()))
                .containsExactly("s1", "s2");
        for (String secondary : List.of("s1", "s2")) {
            LockInfo lock = db.lockOn(secondary);
            assertThat(lock.getSecondariesList()).isEmpty();
            assertThat(lock.getUseAsyncCommit()).isTrue();
            assertThat(lock.getPrimaryLock().toStringUtf8()).isEqualTo("p");
        }
    }

    @Test
    void a04WithoutTheOracleNoCommitTsIsChosen() {
        db.kv.setMaxTsSynced(false);

        assertThat(regionError(db.prewrite(put("k", "v")).at(10).async().send()).hasMaxTimestampNotSynced())
                .isTrue();
        assertThat(regionError(db.prewrite(put("k", "v")).at(10).onePc().send()).hasMaxTimestampNotSynced())
                .isTrue();
        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).isEmpty();

        db.prewrite(put("k", "v")).at(10).ok(); // two-phase commit needs no such promise
    }

    @Test
    void a05KeysThatFellBackOnceStayPlain() {
        db.prewrite(put("a", "v"), put("b", "v")).at(10).ok();

        PrewriteResponse again =
                db.prewrite(put("a", "v"), put("b", "v")).at(10).async("b").ok();
        assertThat(again.getMinCommitTs()).isZero();
        assertThat(db.lockOn("a").getUseAsyncCommit()).isFalse();
        assertThat(db.lockOn("b").getUseAsyncCommit()).isFalse();

        assertThat(db.prewrite(put("a", "v"), put("c", "v"))
                        .at(10)
                        .async("c")
                        .ok()
                        .getMinCommitTs())
                .isZero();
        assertThat(db.lockOn("c").getUseAsyncCommit()).isFalse(); // the rest of the request follows
    }

    @Test
    void a05AnAsyncDuplicateAnswersItsMinCommitTs() {
        db.prewrite(put("k", "v")).at(10).async().ok();
        db.readAt(40);

        assertThat(db.prewrite(put("k", "v")).at(10).async().ok().getMinCommitTs())
                .isEqualTo(11);
        assertThat(db.lockOn("k").getMinCommitTs()).isEqualTo(11);
    }

    @Test
    void a06AnAsyncLockBlocksFromItsMinCommitTsOn() {
        db.readAt(40);
        db.prewrite(put("k", "v")).at(10).async().ok();

        assertThat(db.get("k", 50)).isEqualTo("locked@10");
        assertThat(db.get("k", 41)).isEqualTo("locked@10");
        assertThat(db.get("k", 40)).isEqualTo("not_found");
    }

    @Test
    void a07APessimisticLocksMinCommitTsStays() {
        db.lock("k").at(2, 2).minCommit(100).ok();
        db.readAt(42);

        PrewriteResponse response = db.prewrite(put("k", "v"))
                .at(2)
                .pessimistic(2, PessimisticAction.DO_PESSIMISTIC_CHECK)
                .minCommit(4)
                .async()
                .ok();

        assertThat(response.getMinCommitTs()).isEqualTo(100);
        assertThat(db.lockOn("k").getMinCommitTs()).isEqualTo(100);
    }

    @Test
    void a08ARetryAfterTheCommitIgnoresANewerLock() {
        db.prewrite(put("k", "v")).at(5).async().ok();
        db.resolved(5, 15, "k");
        db.prewrite(put("k", "w")).at(20).ok();
        LockInfo newer = db.lockOn("k");

        assertThat(db.prewrite(put("k", "v")).at(5).async().ok().getMinCommitTs())
                .isEqualTo(15);

        assertThat(db.lockOn("k")).isEqualTo(newer);
    }

    @Test
    void o01OnePhaseCommitsDirectly() {
        db.readAt(1);

        PrewriteResponse response =
                db.prewrite(put("a", "va"), put("b", "vb")).at(10).onePc().ok();

        assertThat(response.getOnePcCommitTs()).isEqualTo(11);
        assertThat(response.getMinCommitTs()).isZero();
        assertThat(db.locks()).isEmpty();
        for (String key : List.of("a", "b")) {
            assertThat(db.get(key, 11)).isEqualTo("v" + key);
            assertThat(db.get(key, 10)).isEqualTo("not_found");
            assertThat(db.writes(key)).containsExactly("Put 10→11");
        }
    }

    @Test
    void o01ItsCommitTsIsAboveReadsAndAtLeastWhatIsAskedFor() {
        db.readAt(40);

        assertThat(db.prewrite(put("k", "v")).at(10).minCommit(20).onePc().ok().getOnePcCommitTs())
                .isEqualTo(41);
        assertThat(db.prewrite(put("l", "v")).at(10).minCommit(60).onePc().ok().getOnePcCommitTs())
                .isEqualTo(60);
    }

    @Test
    void o01ReleasesItsOwnPessimisticLocks() {
        db.lock("k").at(10, 12).ok();

        PrewriteResponse response = db.prewrite(put("k", "v"))
                .at(10)
                .pessimistic(12, PessimisticAction.DO_PESSIMISTIC_CHECK)
                .onePc()
                .ok();

        assertThat(response.getOnePcCommitTs()).isEqualTo(13);
        assertThat(db.locks()).isEmpty();
        assertThat(db.get("k", 13)).isEqualTo("v");
    }

    @Test
    void o02AboveMaxCommitTsItFallsBackToLocks() {
        db.readAt(40);

        PrewriteResponse response = db.prewrite(put("a", "v"), put("b", "v"))
                .at(10)
                .maxCommit(30)
                .onePc()
                .ok();

        assertThat(response.getOnePcCommitTs()).isZero();
        assertThat(response.getMinCommitTs()).isZero();
        assertThat(db.locks()).containsExactly("a@10", "b@10");
        assertThat(db.lockOn("a").getUseAsyncCommit()).isFalse();
        db.committed(10, 45, "a", "b");
        assertThat(db.get("b", 45)).isEqualTo("v");
    }

    @Test
    void o03AConflictWritesNothing() {
        db.wrote("k", "v", 5, 10);

        PrewriteResponse response =
                db.prewrite(put("a", "w"), put("k", "w")).at(6).onePc().run();

        assertThat(response.getErrorsList()).hasSize(1);
        assertThat(conflict(response.getErrors(0))).isEqualTo(new Conflict("k", 6, 5, 10, Reason.Optimistic));
        assertThat(response.getOnePcCommitTs()).isZero();
        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("a")).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 5→10");
    }

    @Test
    void o04NobodyIsCommittedUnasked() {
        assertThat(db.prewrite(put("k", "v")).at(10).ok().getOnePcCommitTs()).isZero();
        assertThat(db.prewrite(put("l", "v")).at(10).async().ok().getOnePcCommitTs())
                .isZero();
        assertThat(db.locks()).containsExactly("k@10", "l@10");
    }

    @Test
    void o05ARetryAnswersTheOriginalCommitTs() {
        long first = db.prewrite(put("k", "v")).at(10).onePc().ok().getOnePcCommitTs();
        db.readAt(40);

        assertThat(db.prewrite(put("k", "v")).at(10).onePc().ok().getOnePcCommitTs())
                .isEqualTo(first);

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 10→" + first);
    }

    @Test
    void o06WithAsyncCommitToBothTimestampsAreAnswered() {
        db.readAt(1);

        PrewriteResponse response =
                db.prewrite(put("k", "v")).at(10).onePc().async().ok();

        assertThat(response.getOnePcCommitTs()).isEqualTo(11);
        assertThat(response.getMinCommitTs()).isEqualTo(11);
        assertThat(db.locks()).isEmpty();
        assertThat(db.get("k", 11)).isEqualTo("v");
    }

    @Test
    void o07ALockedKeyStopsAll() {
        db.prewrite(put("b", "v")).at(50).ok();

        PrewriteResponse response =
                db.prewrite(put("a", "w"), put("b", "w")).at(60).onePc().run();

        assertThat(response.getErrorsList()).hasSize(1);
        LockInfo lock = locked(response.getErrors(0), "b", 50);
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(response.getOnePcCommitTs()).isZero();
        assertThat(db.locks()).containsExactly("b@50");
        assertThat(db.get("a", 100)).isEqualTo("not_found");
    }
}
