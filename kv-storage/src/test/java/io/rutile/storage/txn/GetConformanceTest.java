package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.MAX;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.del;
import static io.rutile.storage.txn.TxnWords.lockOnly;
import static io.rutile.storage.txn.TxnWords.locked;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.shown;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.IsolationLevel;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.ScanResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.StoreFixture;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Cases G01 to G21: point reads. */
class GetConformanceTest extends TxnConformance {

    @Test
    void g01NothingIsNotFound() {
        GetResponse response = db.reading(10).get("k");

        assertThat(response.getNotFound()).isTrue();
        assertThat(response.hasError()).isFalse();
        assertThat(response.getValue().isEmpty()).isTrue();
    }

    @Test
    void g02ReadsTheNewestCommitAtOrBelowItsVersion() {
        db.wrote("k", "v", 10, 15);

        assertThat(db.get("k", 14)).isEqualTo("not_found");
        assertThat(db.get("k", 15)).isEqualTo("v");
        assertThat(db.get("k", 20)).isEqualTo("v");
    }

    @Test
    void g03AnEmptyValueIsFound() {
        db.wrote("k", "", 10, 15);

        GetResponse response = db.reading(20).get("k");

        assertThat(response.getNotFound()).isFalse();
        assertThat(response.getValue().isEmpty()).isTrue();
        assertThat(response.hasError()).isFalse();
    }

    @Test
    void g04ALockBlocksFromItsStartTsOn() {
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(db.get("k", 9)).isEqualTo("not_found");
        LockInfo lock = locked(db.reading(10).error("k"), "k", 10);
        assertThat(lock.getPrimaryLock().toStringUtf8()).isEqualTo("k");
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(lock.getLockTtl()).isEqualTo(PrewriteCall.TTL_MS);
        assertThat(lock.getUseAsyncCommit()).isFalse();
    }

    @Test
    void g05ALockOfKindLockDoesNotBlock() {
        db.wrote("k", "older", 5, 8);
        db.prewrite(lockOnly("k")).at(10).ok();

        assertThat(db.get("k", 20)).isEqualTo("older");
    }

    @Test
    void g06APessimisticLockDoesNotBlock() {
        db.wrote("k", "v", 5, 8);
        db.lock("k").at(10, 10).ok();

        assertThat(db.get("k", 20)).isEqualTo("v");
    }

    @Test
    void g07ALockDoesNotBlockBelowItsMinCommitTs() {
        db.wrote("k", "v", 5, 8);
        db.prewrite(put("k", "w")).at(10).minCommit(30).ok();

        assertThat(db.get("k", 20)).isEqualTo("v");
        assertThat(db.get("k", 29)).isEqualTo("v");
        assertThat(db.get("k", 30)).isEqualTo("locked@10");
    }

    @Test
    void g08AResolvedLockIsOverlooked() {
        db.wrote("k", "older", 5, 8);
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(db.reading(20).resolved(10).value("k")).isEqualTo("older");
        assertThat(db.reading(20).resolved(11).value("k")).isEqualTo("locked@10");
    }

    @Test
    void g09ACommittedLocksValueIsRead() {
        db.wrote("k", "older", 5, 8);
        db.prewrite(put("k", "v")).at(10).ok();

        GetResponse response = db.reading(20).committed(10).get("k");

        assertThat(response.hasError()).isFalse();
        assertThat(response.getValue().toStringUtf8()).isEqualTo("v");
        assertThat(response.getCommitTs()).isZero();
    }

    @Test
    void g10ReadingTheNewestOverlooksAPrimarysLock() {
        db.wrote("p", "older", 5, 8);
        db.prewrite(put("p", "v"), put("s", "v")).at(10).ok();

        assertThat(db.get("p", MAX)).isEqualTo("older");
        assertThat(db.get("s", MAX)).isEqualTo("locked@10");
    }

    @Test
    void g11ReadingTheNewestMindsAnAsyncCommitPrimary() {
        db.prewrite(put("p", "v")).at(10).async().ok();

        assertThat(db.get("p", MAX)).isEqualTo("locked@10");
    }

    @Test
    void g12ADeletedKeyIsNotFound() {
        db.wrote("k", "v", 10, 15);
        db.deleted("k", 20, 25);

        assertThat(db.get("k", 22)).isEqualTo("v");
        assertThat(db.get("k", 30)).isEqualTo("not_found");
    }

    @Test
    void g13LockAndRollbackRecordsAreSkipped() {
        db.wrote("k", "v", 10, 15);
        db.given(lockOnly("k"), 20, 25);
        db.rolledBack(30, "k");
        assertThat(db.writes("k")).containsExactly("Rollback 30→30", "Lock 20→25", "Put 10→15");

        assertThat(db.get("k", 40)).isEqualTo("v");
    }

    @Test
    void g14TheCommitTsIsAnsweredWhenAskedFor() {
        db.wrote("k", "v", 10, 15);

        assertThat(db.reading(20).needCommitTs().get("k").getCommitTs()).isEqualTo(15);
        assertThat(db.reading(20).get("k").getCommitTs()).isZero();
    }

    @Test
    void g15BatchGetKeepsErrorsInTheirPairs() {
        db.wrote("a", "va", 10, 15);
        db.wrote("b", "vb", 10, 15);
        db.prewrite(put("c", "vc")).at(10).ok();

        BatchGetResponse response = db.reading(20).batchGet("a", "b", "c", "d");

        assertThat(shown(response.getPairsList())).containsExactly("a=va", "b=vb", "locked c@10");
        assertThat(response.hasError()).isFalse();
        assertThat(shown(db.reading(20).batchGet("b", "d", "a").getPairsList())).containsExactly("b=vb", "a=va");
    }

    @Test
    void g15BatchGetAnswersCommitTimestampsWhenAskedFor() {
        db.wrote("a", "va", 10, 15);

        assertThat(db.reading(20).needCommitTs().batchGet("a").getPairs(0).getCommitTs())
                .isEqualTo(15);
        assertThat(db.reading(20).batchGet("a").getPairs(0).getCommitTs()).isZero();
    }

    @Test
    void g16ALockInMemoryAbortsBatchGetAndScan() {
        db.wrote("a", "va", 5, 8);
        CompletableFuture<Void> gate = db.kv.holdWrites();
        int before = db.kv.writes().size();
        CompletableFuture<PrewriteResponse> prewrite =
                db.prewrite(put("k", "v")).at(10).minCommit(20).async().send();
        Awaitility.await().until(() -> db.kv.writes().size() > before);

        assertThat(shown(db.reading(19).batchGet("a", "k").getPairsList())).containsExactly("a=va");
        assertThat(shown(db.reading(19).scan("a", "z", 10).getPairsList())).containsExactly("a=va");
        assertThat(db.get("k", 19)).isEqualTo("not_found");

        BatchGetResponse batch = db.reading(50).batchGet("a", "k");
        LockInfo lock = locked(batch.getError(), "k", 10);
        assertThat(lock.getLockType()).isEqualTo(Op.Put);
        assertThat(lock.getUseAsyncCommit()).isTrue();
        assertThat(lock.getMinCommitTs()).isEqualTo(20);
        assertThat(shown(batch.getPairsList())).containsExactly("locked k@10");
        assertThat(batch.getPairs(0).getError()).isEqualTo(batch.getError());

        ScanResponse scan = db.reading(50).scan("a", "z", 10);
        locked(scan.getError(), "k", 10);
        assertThat(shown(scan.getPairsList())).containsExactly("locked k@10");
        assertThat(scan.getPairs(0).getError()).isEqualTo(scan.getError());
        assertThat(db.reading(50).reverseScan("z", "a", 10).getError()).isEqualTo(scan.getError());

        assertThat(shown(db.reading(50).scan("a", "k", 10).getPairsList())).containsExactly("a=va"); // k is outside
        assertThat(db.get("k", 50)).isEqualTo("locked@10");

        gate.complete(null);
        assertThat(StoreFixture.await(prewrite).getMinCommitTs()).isEqualTo(20);
        assertThat(shown(db.reading(50).batchGet("a", "k").getPairsList())).containsExactly("a=va", "locked k@10");
    }

    @Test
    void g17IsolationLevelsMeetALock() {
        db.wrote("k", "v", 10, 15);
        db.prewrite(put("k", "w"), put("p", "w")).at(30).primary("p").ok();

        assertThat(db.reading(40).isolation(IsolationLevel.RC).value("k")).isEqualTo("v");
        KeyError refused = db.reading(40).isolation(IsolationLevel.RCCheckTS).error("k");
        assertThat(conflict(refused)).isEqualTo(new Conflict("k", 40, 30, 0, Reason.RcCheckTs));
        assertThat(refused.getConflict().getPrimary().toStringUtf8()).isEqualTo("p");
        assertThat(db.reading(40).isolation(IsolationLevel.SI).value("k")).isEqualTo("locked@30");
    }

    @Test
    void g18RcCheckTsMindsAnyNewerRecord() {
        db.wrote("k", "v", 10, 25);
        db.given(lockOnly("l"), 10, 25);
        db.rolledBack(25, "r");

        for (String key : new String[] {"k", "l", "r"}) {
            KeyError refused =
                    db.reading(20).isolation(IsolationLevel.RCCheckTS).error(key);
            assertThat(conflict(refused)).isEqualTo(new Conflict(key, 20, 0, 25, Reason.RcCheckTs));
            assertThat(refused.getConflict().getPrimary().isEmpty()).isTrue();
        }
        assertThat(db.reading(25).isolation(IsolationLevel.RCCheckTS).value("k"))
                .isEqualTo("v");
    }

    @Test
    void g18RcCheckTsFailsAScanAsAWholeAndABatchGetByPair() {
        db.wrote("a", "va", 10, 15);
        db.wrote("k", "v", 10, 25);

        Reading reading = db.reading(20).isolation(IsolationLevel.RCCheckTS);
        ScanResponse scan = reading.scan("a", "z", 10);
        assertThat(conflict(scan.getError())).isEqualTo(new Conflict("k", 20, 0, 25, Reason.RcCheckTs));
        assertThat(scan.getPairsList()).hasSize(1);
        assertThat(scan.getPairs(0).getError()).isEqualTo(scan.getError());

        BatchGetResponse batch = reading.batchGet("a", "k");
        assertThat(batch.hasError()).isFalse();
        assertThat(batch.getPairs(0).getValue().toStringUtf8()).isEqualTo("va");
        assertThat(conflict(batch.getPairs(1).getError())).isEqualTo(new Conflict("k", 20, 0, 25, Reason.RcCheckTs));
    }

    @Test
    void g19CommittedLocksCannotTellACommitTs() {
        db.wrote("k", "v", 10, 15);
        db.prewrite(put("k", "w")).at(30).ok();

        Reading reading = db.reading(40).committed(30).needCommitTs();
        locked(reading.error("k"), "k", 30);
        assertThat(shown(reading.batchGet("k").getPairsList())).containsExactly("locked k@30");
        assertThat(shown(db.reading(40).committed(30).batchGet("k").getPairsList()))
                .containsExactly("k=w");
        assertThat(shown(db.reading(40).committed(30).scan("k", "", 1).getPairsList()))
                .containsExactly("k=w");
    }

    @Test
    void g20ACommittedDeleteIsNotFound() {
        db.wrote("k", "v", 5, 8);
        db.prewrite(del("k")).at(10).ok();

        assertThat(db.reading(20).committed(10).value("k")).isEqualTo("not_found");
        assertThat(db.get("k", 9)).isEqualTo("v");
        assertThat(db.reading(20).committed(10).scan("k", "", 9).getPairsList()).isEmpty();
    }

    @Test
    void g21RcCheckTsMindsALockAboveItsVersion() {
        db.prewrite(put("k", "v")).at(50).ok();

        KeyError refused = db.reading(45).isolation(IsolationLevel.RCCheckTS).error("k");
        assertThat(conflict(refused)).isEqualTo(new Conflict("k", 45, 50, 0, Reason.RcCheckTs));
        assertThat(db.reading(45)
                        .isolation(IsolationLevel.RCCheckTS)
                        .resolved(50)
                        .value("k"))
                .isEqualTo("not_found");
        assertThat(db.get("k", 45)).isEqualTo("not_found");
    }
}
