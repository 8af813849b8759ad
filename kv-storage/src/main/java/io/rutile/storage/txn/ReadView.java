package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.IsolationLevel;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Version;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a read at one version sees, and which locks stand in its way. Immutable. */
final class ReadView {

    private final long version;
    private final IsolationLevel isolation;
    private final Set<Long> resolved;
    private final Set<Long> committed;
    private final boolean stale;

    /** @param needCommitTs if the read must tell the commit timestamp, which a lock doesn't know */
    ReadView(Context context, long version, boolean needCommitTs) {
        this.version = version;
        this.isolation = context.getIsolationLevel();
        this.stale = context.getStaleRead();
        this.resolved = set(context.getResolvedLocksList());
        this.committed = needCommitTs ? Set.of() : set(context.getCommittedLocksList());
    }

    private static Set<Long> set(List<Long> ts) {
        return ts.isEmpty() ? Set.of() : new HashSet<>(ts);
    }

    long version() {
        return version;
    }

    /** True if no leader hears of it: no lock in what it sees can be committed at or below its version (P8). */
    boolean isStale() {
        return stale;
    }

    /** What a read finds. @param commitTs 0 if it is the value of a lock that the caller knows to be committed */
    @SuppressWarnings("ArrayRecordComponent") // never compared as a record
    record Seen(byte[] value, long commitTs) {}

    /**
     * Reads a key.
     *
     * @param lock whoever's lock is stored on it
     * @return null if there is no value
     * @throws KeyFailure {@code LOCKED}, and {@code WRITE_CONFLICT} under RCCheckTS
     */
    @Nullable Seen see(MvccReader reader, MvccKey key, @Nullable Lock lock) {
        if (lock != null && blocks(key, lock)) {
            if (!committed.contains(lock.startTs()) || isolation != IsolationLevel.SI) {
                throw inTheWay(key, lock);
            }
            return lock.kind() == LockKind.PUT ? new Seen(reader.value(key, lock), 0) : null;
        }
        if (isolation == IsolationLevel.RCCheckTS) {
            checkNothingNewer(reader, key);
        }
        Version put = reader.put(key, version);
        return put == null ? null : new Seen(reader.value(key, put), put.ts());
    }

    /** The failure that a lock in memory means to this read, or null. Nobody can know such a lock to be committed. */
    @Nullable KeyFailure refusalBy(MvccKey key, Lock inMemory) {
        return blocks(key, inMemory) ? inTheWay(key, inMemory) : null;
    }

    private boolean blocks(MvccKey key, Lock lock) {
        if (lock.kind() != LockKind.PUT && lock.kind() != LockKind.DELETE || resolved.contains(lock.startTs())) {
            return false;
        }
        return switch (isolation) {
            case RC -> false;
            case RCCheckTS -> true;
            default ->
                !stale
                        && !Ts.isAfter(lock.startTs(), version)
                        && !Ts.isAfter(lock.minCommitTs(), version)
                        && !isUndecidedPrimary(key, lock);
        };
    }

    /** Who reads the newest there is needn't wait for a transaction whose fate nobody but its client decides. */
    private boolean isUndecidedPrimary(MvccKey key, Lock lock) {
        return version == Ts.MAX && lock.isPrimary(key) && !lock.isAsyncCommit() && !lock.isOnePc();
    }

    private KeyFailure inTheWay(MvccKey key, Lock lock) {
        return isolation == IsolationLevel.RCCheckTS
                ? KeyFailure.conflict(WriteConflict.Reason.RcCheckTs, key, version, lock.startTs(), 0, lock.primary())
                : KeyFailure.locked(key, lock);
    }

    private void checkNothingNewer(MvccReader reader, MvccKey key) {
        Version newest = reader.seek(key, Ts.MAX);
        if (newest != null && Ts.isAfter(newest.ts(), version)) {
            throw KeyFailure.conflict(WriteConflict.Reason.RcCheckTs, key, version, 0, newest.ts(), ByteKey.EMPTY);
        }
    }
}
