package io.rutile.storage.txn;

import static io.rutile.storage.txn.TxnWords.abort;
import static io.rutile.storage.txn.TxnWords.put;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.CommitRole;
import io.rutile.protocol.kvrpcpb.CommitTsExpired;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import org.junit.jupiter.api.Test;

/** Cases C01 to C10: commits. */
class CommitConformanceTest extends TxnConformance {

    private KeyError refused(long startTs, long commitTs, String... keys) {
        CommitResponse response = db.commit(startTs, commitTs, keys);
        assertThat(response.hasError()).isTrue();
        assertThat(response.getCommitVersion()).isZero();
        return response.getError();
    }

    private static void assertLockNotFound(KeyError error, String key) {
        assertThat(error.getTxnLockNotFound().getKey().toStringUtf8()).isEqualTo(key);
        assertThat(error.getRetryable()).contains("TxnLockNotFound");
    }

    @Test
    void c01TurnsALockIntoARecord() {
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(db.commit(10, 15, "k"))
                .isEqualTo(CommitResponse.newBuilder().setCommitVersion(15).build());

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).containsExactly("Put 10→15");
        assertThat(db.get("k", 15)).isEqualTo("v");
    }

    @Test
    void c02ACommitMayBeRepeated() {
        db.wrote("k", "v", 10, 15);

        db.committed(10, 15, "k");

        assertThat(db.writes("k")).containsExactly("Put 10→15");
    }

    @Test
    void c03WithoutALockThereIsNothingToCommit() {
        KeyError error = refused(10, 15, "k");

        assertLockNotFound(error, "k");
        assertThat(error.hasDebugInfo()).isFalse();
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void c03ASecondarysCommitSaysWhatItFound() {
        db.rolledBack(10, "k");

        KeyError error = db.commit(10, 15, CommitRole.Secondary, "k").getError();

        assertLockNotFound(error, "k");
        assertThat(error.getDebugInfo().getMvccInfoList()).hasSize(1);
        assertThat(error.getDebugInfo().getMvccInfo(0).getMvcc().getWritesCount())
                .isEqualTo(1);
    }

    @Test
    void c04ARolledBackTransactionIsNotCommitted() {
        db.prewrite(put("k", "v")).at(10).ok();
        db.rolledBack(10, "k");

        assertLockNotFound(refused(10, 15, "k"), "k");
        assertThat(db.writes("k")).containsExactly("Rollback 10→10");
        assertThat(db.get("k", 20)).isEqualTo("not_found");
    }

    @Test
    void c05ACommitTsBelowMinCommitTsHasExpired() {
        db.prewrite(put("k", "v")).at(10).minCommit(20).ok();
        LockInfo before = db.lockOn("k");

        assertThat(refused(10, 15, "k").getCommitTsExpired()).isEqualTo(expired("k", 10, 15, 20));

        assertThat(db.lockOn("k")).isEqualTo(before);
        assertThat(db.writes("k")).isEmpty();
        db.committed(10, 20, "k");
    }

    private static CommitTsExpired expired(String key, long startTs, long attemptedTs, long minCommitTs) {
        return CommitTsExpired.newBuilder()
                .setKey(TxnWords.utf8(key))
                .setStartTs(startTs)
                .setAttemptedCommitTs(attemptedTs)
                .setMinCommitTs(minCommitTs)
                .build();
    }

    @Test
    void c06ACommitTsMustBeAfterItsStart() {
        db.prewrite(put("k", "v")).at(10).ok();

        assertThat(abort(refused(10, 10, "k"))).contains("InvalidTxnTso");
        assertThat(abort(refused(10, 4, "k"))).contains("InvalidTxnTso");
        assertThat(abort(refused(10, 4, "absent"))).contains("InvalidTxnTso");
        assertThat(db.locks()).containsExactly("k@10");
    }

    @Test
    void c07APessimisticLockIsJustReleased() {
        db.lock("k").at(10, 10).ok();

        db.committed(10, 15, "k");

        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void c08OneFailingKeyStopsAll() {
        db.prewrite(put("a", "v")).at(10).ok();

        assertLockNotFound(refused(10, 15, "a", "b"), "b");

        assertThat(db.locks()).containsExactly("a@10");
        assertThat(db.writes("a")).isEmpty();
    }

    @Test
    void c09ARepeatWithAnotherCommitTsChangesNothing() {
        db.wrote("k", "v", 10, 15);

        assertThat(db.commit(10, 17, "k").getCommitVersion()).isEqualTo(17);

        assertThat(db.writes("k")).containsExactly("Put 10→15");
    }

    @Test
    void c10MinCommitTsOfAPessimisticLockCountsToo() {
        db.lock("k").at(10, 10).minCommit(20).ok();

        assertThat(refused(10, 15, "k").getCommitTsExpired()).isEqualTo(expired("k", 10, 15, 20));
        assertThat(db.locks()).containsExactly("k@10");

        db.committed(10, 20, "k");
        assertThat(db.locks()).isEmpty();
        assertThat(db.writes("k")).isEmpty();
    }

    @Test
    void c01TimestampsAreUnsigned() {
        long startTs = Long.MIN_VALUE + 5; // above 2^63

        db.wrote("k", "v", 5, 8);
        db.wrote("k", "w", startTs, startTs + 3);

        assertThat(db.get("k", Long.MAX_VALUE)).isEqualTo("v");
        assertThat(db.get("k", startTs + 2)).isEqualTo("v");
        assertThat(db.get("k", startTs + 3)).isEqualTo("w");
        assertThat(db.get("k", TxnWords.MAX)).isEqualTo("w");
        assertThat(db.writes("k").get(1)).isEqualTo("Put 5→8");
    }
}
