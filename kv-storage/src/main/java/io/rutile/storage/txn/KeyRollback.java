package io.rutile.storage.txn;

import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Version;
import org.jspecify.annotations.Nullable;

/**
 * How one transaction is rolled back on one key, and how that is remembered so that a late prewrite fails (P2).
 *
 * <p>A <em>protected</em> rollback survives later rollbacks of the key and another's commit at its very timestamp. The others are
 * <em>collapsible</em>: a newer rollback of the same key replaces them, so that a key that many transactions fail on doesn't
 * collect a record of each.
 */
final class KeyRollback {

    private KeyRollback() {}

    /** For clients that give up: everything collapsible but on the primary, the previous rollback replaced. */
    static void collapsing(MvccReader reader, MvccTxn txn, MvccKey key, long startTs) {
        Lock lock = reader.lock(key);
        if (lock != null && lock.startTs() == startTs) {
            ofLock(reader, txn, key, lock, mustSurvive(key, lock), true);
        } else {
            ofMissingLock(reader, txn, key, startTs, lock, false);
        }
    }

    /** True for locks whose rollback decides, or may be the only trace of, a whole transaction. */
    static boolean mustSurvive(MvccKey key, Lock lock) {
        return lock.isPrimary(key) || lock.generation() > 0;
    }

    /** Takes the lock and its value away and remembers it. */
    static void ofLock(
            MvccReader reader, MvccTxn txn, MvccKey key, Lock lock, boolean isProtected, boolean collapsePrevious) {
        OwnRecord record = reader.recordOf(key, lock.startTs());
        if (record instanceof OwnRecord.None none) {
            txn.putRollback(key, lock.startTs(), none.overlapped(), isProtected);
            if (collapsePrevious) {
                txn.collapseRollback(reader, key, lock.startTs());
            }
        }
        if (lock.kind() == LockKind.PUT && lock.shortValue() == null) {
            txn.deleteValue(key, lock.startTs());
        }
        txn.unlock(key, lock, 0);
    }

    /**
     * Remembers the rollback where the transaction holds no lock, unless it was remembered before.
     *
     * @param other another transaction's lock on the key, which stays
     * @throws KeyFailure {@code COMMITTED} if there is nothing left to roll back
     */
    static void ofMissingLock(
            MvccReader reader, MvccTxn txn, MvccKey key, long startTs, @Nullable Lock other, boolean isProtected) {
        OwnRecord record = reader.recordOf(key, startTs);
        if (record instanceof OwnRecord.Committed committed) {
            throw KeyFailure.committed(key, startTs, committed.version().ts());
        }
        if (record instanceof OwnRecord.None none) {
            remember(reader, txn, key, startTs, other, none.overlapped(), isProtected);
        }
    }

    /** @param overlapped another transaction's record at {@code startTs} */
    static void remember(
            MvccReader reader,
            MvccTxn txn,
            MvccKey key,
            long startTs,
            @Nullable Lock other,
            @Nullable Version overlapped,
            boolean isProtected) {
        if (!isProtected) {
            txn.collapseRollback(reader, key, startTs);
        } else if (overlapped == null && other != null && mayCommitAt(other, startTs)) {
            // Its commit would take this rollback's place: let it carry the memory there.
            txn.putLock(key, other.toBuilder().addRolledBack(startTs).build());
        }
        txn.putRollback(key, startTs, overlapped, isProtected);
    }

    /** Only a commit timestamp that a store chooses can equal a start timestamp of the oracle's. */
    private static boolean mayCommitAt(Lock lock, long ts) {
        return lock.isAsyncCommit() && !Ts.isAfter(lock.minCommitTs(), ts);
    }
}
