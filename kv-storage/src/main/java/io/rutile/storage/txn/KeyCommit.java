package io.rutile.storage.txn;

import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import io.rutile.storage.mvcc.Ts;

/** How one transaction is committed on one key. */
final class KeyCommit {

    private KeyCommit() {}

    /**
     * Turns the transaction's lock into its record. Committed already is fine, whatever the timestamp (P5); a lock that was only
     * pessimistic just goes.
     *
     * @throws KeyFailure {@code COMMIT_TS_EXPIRED}, {@code TXN_LOCK_NOT_FOUND}
     */
    static void of(MvccReader reader, MvccTxn txn, MvccKey key, long startTs, long commitTs) {
        Lock lock = reader.lock(key);
        if (lock != null && lock.startTs() == startTs) {
            ofLock(txn, key, lock, commitTs);
        } else if (!(reader.recordOf(key, startTs) instanceof OwnRecord.Committed)) {
            throw KeyFailure.txnLockNotFound(key, startTs, commitTs);
        }
    }

    static void ofLock(MvccTxn txn, MvccKey key, Lock lock, long commitTs) {
        // First of all: somebody has read below min_commit_ts and must not see it committed there (P4).
        if (Ts.isAfter(lock.minCommitTs(), commitTs)) {
            throw KeyFailure.commitTsExpired(key, lock.startTs(), commitTs, lock.minCommitTs());
        }
        if (lock.isPessimistic()) {
            txn.unlock(key, lock, 0);
            return;
        }
        txn.commit(key, lock, commitTs);
        txn.unlock(key, lock, commitTs);
    }
}
