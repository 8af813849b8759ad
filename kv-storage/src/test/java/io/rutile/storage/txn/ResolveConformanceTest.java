package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnFixture.outcome;
import static io.rutile.storage.txn.TxnWords.MAX;
import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.conflict;
import static io.rutile.storage.txn.TxnWords.put;
import static io.rutile.storage.txn.TxnWords.shown;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict.Reason;
import io.rutile.storage.txn.TxnWords.Conflict;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Cases K01 to K07 and V01 to V09: finding locks that were left behind, and resolving them. */
class ResolveConformanceTest extends TxnConformance {

    private static final CheckSecondaryLocksResponse ROLLED_BACK = CheckSecondaryLocksResponse.getDefaultInstance();

    private static CheckSecondaryLocksResponse committedAt(long commitTs) {
        return CheckSecondaryLocksResponse.newBuilder().setCommitTs(commitTs).build();
    }

    @Test
    void k01LockedSecondariesAreCollected() {
        db.prewrite(put("s1", "v"), put("s2", "v")).at(10).primary("p").async().ok();

        CheckSecondaryLocksResponse response = db.checkSecondaries(10, "s1", "s2");

        assertThat(response.getLocksList()).containsExactly(db.lockOn("s1"), db.lockOn("s2"));
        assertThat(response.getLocks(0).getMinCommitTs()).isEqualTo(11);
        assertThat(response.getLocks(0).getUseAsyncCommit()).isTrue();
        assertThat(response.getCommitTs()).isZero();
    }

    @Test
    void k02ACommittedSecondaryTellsTheCommitTs() {
        db.wrote("k", "v", 7, 9);

        assertThat(db.checkSecondaries(7, "k")).isEqualTo(committedAt(9));
    }

    @Test
    void k03AMissingSecondaryRollsBack() {
        assertThat(db.checkSecondaries(6, "k")).isEqualTo(ROLLED_BACK);

        assertThat(conflict(db.prewrite(put("k", "v")).at(6).error()))
                .isEqualTo(new Conflict("k", 6, 6, 6, Reason.SelfRolledBack));
        assertThat(db.isProtected("k", 6)).isTrue();
    }

    @Test
    void k03ARolledBackSecondaryIsLeftAsItIs() {
        db.rolledBack(6, "k");

        assertThat(db.checkSecondaries(6, "k")).isEqualTo(ROLLED_BACK);

        assertThat(db.writes("k")).containsExactly("Rollback 6→6");
    }

    @Test
    void k04APessimisticLockRollsBack() {
        db.lock("k").at(11, 11).primary("p").ok();

        assertThat(db.checkSecondaries(11, "k")).isEqualTo(ROLLED_BACK);

        assertThat(db.locks()).isEmpty();
        assertThat(db.isProtected("k", 11)).isTrue();
    }

    @Test
    void k05ARecordAtThatTimestampIsMarked() {
        db.wrote("k", "v", 13, 15);

        assertThat(db.checkSecondaries(15, "k")).isEqualTo(ROLLED_BACK);

        assertThat(db.writes("k")).containsExactly("Put 13→15+rollback");
        assertThat(db.get("k", 15)).isEqualTo("v");
        assertThat(db.checkSecondaries(13, "k")).isEqualTo(committedAt(15));
    }

    @Test
    void k06TheFirstMissingSecondaryDecides() {
        db.prewrite(put("k1", "v"), put("k3", "v")).at(10).primary("p").async().ok();

        assertThat(db.checkSecondaries(10, "k1", "k2", "k3")).isEqualTo(ROLLED_BACK);

        assertThat(db.locks()).containsExactly("k1@10", "k3@10");
        assertThat(db.writes("k2")).containsExactly("Rollback 10→10");
        assertThat(db.writes("k1")).isEmpty();
        assertThat(db.writes("k3")).isEmpty();
    }

    @Test
    void k07AForcedLockOfACommittedTransactionIsReleased() {
        db.wrote("k", "v", 7, 9);
        db.lock("k").at(7, 7).force().ok();
        assertThat(db.locks()).containsExactly("k@7");

        assertThat(db.checkSecondaries(7, "k")).isEqualTo(committedAt(9));

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 7→9");
    }

    private static List<String> shownLocks(ScanLockResponse response) {
        assertThat(response.hasError()).isFalse();
        return response.getLocksList().stream().map(lock -> shown(lock)).toList();
    }

    @Test
    void v01LocksUpToAVersionAreFound() {
        db.prewrite(put("a", "v")).at(5).ok();
        db.prewrite(put("b", "v")).at(7).ok();
        db.prewrite(put("c", "v")).at(9).ok();

        assertThat(shownLocks(db.scanLocks("", "", 7, 0))).containsExactly("a@5", "b@7");
        assertThat(shownLocks(db.scanLocks("", "", 7, 1))).containsExactly("a@5");
        assertThat(shownLocks(db.scanLocks("b", "c", MAX, 0))).containsExactly("b@7");
        assertThat(shownLocks(db.scanLocks("b", "", MAX, 0))).containsExactly("b@7", "c@9");
        assertThat(db.maxTs()).isEqualTo(7); // a scan of locks is a read (P4)
    }

    @Test
    void v02CommitsATransactionsLocks() {
        db.prewrite(put("a", "va"), put("b", "vb")).at(5).ok();
        db.prewrite(put("c", "vc")).at(7).ok();

        db.resolved(5, 8);

        assertThat(db.get("a", 8)).isEqualTo("va");
        assertThat(db.get("b", 8)).isEqualTo("vb");
        assertThat(db.get("b", 7)).isEqualTo("not_found");
        assertThat(db.locks()).containsExactly("c@7");
    }

    @Test
    void v02APessimisticLockIsJustReleased() {
        db.lock("k").at(5, 5).ok();

        db.resolved(5, 8);

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void v03RollsATransactionsLocksBack() {
        db.prewrite(put("a", "v"), put("b", "v")).at(5).ok();

        db.resolved(5, 0);
        db.resolved(5, 0);

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("a")).containsExactly("Rollback 5→5");
        assertThat(db.writes("b")).containsExactly("Rollback 5→5");
    }

    @Test
    void v04ResolvesManyTransactionsAtOnce() {
        db.prewrite(put("p1", "v"), put("s1", "v")).at(5).ok();
        db.prewrite(put("p2", "v"), put("s2", "v")).at(10).ok();
        db.prewrite(put("x", "v")).at(11).ok();

        ResolveLockResponse response = db.resolve(
                ResolveLockRequest.newBuilder().addTxnInfos(outcome(5, 0)).addTxnInfos(outcome(10, 20)));

        assertThat(response).isEqualTo(ResolveLockResponse.getDefaultInstance());
        assertThat(db.locks()).containsExactly("x@11");
        assertThat(db.writes("s1")).containsExactly("Rollback 5→5");
        assertThat(db.writes("p1")).containsExactly("Rollback 5→5");
        assertThat(db.writes("p2")).containsExactly("Put 10→20");
        assertThat(db.get("s2", 20)).isEqualTo("v");
    }

    @Test
    void v05ResolvesNamedKeysOnly() {
        db.prewrite(put("a", "v"), put("b", "v")).at(5).ok();

        db.resolved(5, 8, "a");

        assertThat(db.locks()).containsExactly("b@5");
        assertThat(db.get("a", 8)).isEqualTo("v");
    }

    @Test
    void v06ACommitTsMustBeAfterTheStartOfAFoundLock() {
        db.prewrite(put("p", "v"), put("s", "v")).at(5).ok();

        assertThat(abort(db.resolve(5, 4).getError())).contains("InvalidTxnTso");
        assertThat(abort(db.resolve(ResolveLockRequest.newBuilder().addTxnInfos(outcome(5, 5)))
                        .getError()))
                .contains("InvalidTxnTso");

        assertThat(db.locks()).containsExactly("p@5", "s@5");
        db.resolved(6, 4); // no such lock
    }

    @Test
    void v07ResolvesAWholeRegion() {
        db.prewrite(IntStream.range(0, 300)
                        .mapToObj(i -> put("k%03d".formatted(i), "v"))
                        .toArray(Mutation[]::new))
                .at(5)
                .ok();
        db.prewrite(put("k150a", "v")).at(7).ok();

        db.resolved(5, 8);

        assertThat(db.locks()).containsExactly("k150a@7");
        assertThat(db.reading(8).keyOnly().scan("", "k150a", 1000).getPairsCount())
                .isEqualTo(151);
        assertThat(db.get("k299", 8)).isEqualTo("v");
    }

    @Test
    void v08ANamedTransactionWinsOverTheList() {
        db.prewrite(put("a", "v")).at(5).ok();

        ResolveLockResponse response = db.resolve(ResolveLockRequest.newBuilder()
                .setStartVersion(5)
                .setCommitVersion(8)
                .addTxnInfos(outcome(5, 0)));

        assertThat(response).isEqualTo(ResolveLockResponse.getDefaultInstance());
        assertThat(db.writes("a")).containsExactly("Put 5→8");
    }

    @Test
    void v09NamedKeysWhoseFateIsKnown() {
        db.wrote("a", "v", 5, 8);
        db.rolledBack(5, "c");

        assertThat(abort(db.resolve(5, 0, "a").getError())).contains("Committed");
        assertThat(db.writes("a")).containsExactly("Put 5→8");
        db.resolved(5, 0, "b");
        assertThat(db.writes("b")).containsExactly("Rollback 5→5");
        KeyError unknown = db.resolve(5, 8, "c").getError();
        assertThat(unknown.getTxnLockNotFound().getKey().toStringUtf8()).isEqualTo("c");
        assertThat(unknown.getRetryable()).contains("TxnLockNotFound");
    }

    @Test
    void v09NamedKeysOfNoTransactionAreRefused() {
        db.prewrite(put("a", "v")).at(5).ok();

        assertThat(db.resolve(0, 8, "a").hasError()).isTrue();

        LockInfo untouched = db.lockOn("a");
        assertThat(untouched.getLockVersion()).isEqualTo(5);
    }
}
