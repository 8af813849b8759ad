package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.WriteBatch;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects what a command changes; writes nothing itself. A command that fails drops it. One thread. */
public final class MvccTxn {

    private WriteBatch batch = new WriteBatch();
    private final List<ReleasedLock> released = new ArrayList<>();

    public WriteBatch batch() {
        return batch;
    }

    /** Locks taken away, in order. */
    public List<ReleasedLock> released() {
        return released;
    }

    /** Forgets everything collected. */
    public void clear() {
        batch = new WriteBatch();
        released.clear();
    }

    public void putLock(MvccKey key, Lock lock) {
        batch.put(Cf.LOCK, key.encoded(), lock.encode());
    }

    /** Takes a lock away, however its transaction ended. @param commitTs 0 if it didn't commit */
    public void unlock(MvccKey key, Lock lock, long commitTs) {
        batch.delete(Cf.LOCK, key.encoded());
        released.add(new ReleasedLock(key, lock.startTs(), commitTs));
    }

    public void putValue(MvccKey key, long startTs, byte[] value) {
        batch.put(Cf.DEFAULT, ByteKey.wrap(key.at(startTs)), value);
    }

    public void deleteValue(MvccKey key, long startTs) {
        batch.delete(Cf.DEFAULT, ByteKey.wrap(key.at(startTs)));
    }

    public void putWrite(MvccKey key, long ts, Write write) {
        batch.put(Cf.WRITE, ByteKey.wrap(key.at(ts)), write.encode());
    }

    public void deleteWrite(MvccKey key, long ts) {
        batch.delete(Cf.WRITE, ByteKey.wrap(key.at(ts)));
    }

    /** Turns a prewritten lock into what it stands for. */
    public void commit(MvccKey key, Lock lock, long commitTs) {
        WriteKind kind = switch (lock.kind()) {
            case PUT -> WriteKind.PUT;
            case DELETE -> WriteKind.DELETE;
            case LOCK -> WriteKind.LOCK;
            case PESSIMISTIC -> throw new IllegalArgumentException("a pessimistic lock commits to nothing");
        };
        boolean overlaps = lock.rolledBack().contains(commitTs);
        putWrite(key, commitTs, Write.of(kind, lock.startTs(), lock.shortValue(), overlaps));
    }

    /**
     * Remembers that a transaction was rolled back on this key (P2), where another's record has the same place by a flag on it.
     *
     * @param overlapped another transaction's record at {@code startTs}, which keeps what it says
     * @param isProtected if false, the memory may be lost: nothing is noted on another's record
     */
    public void putRollback(MvccKey key, long startTs, @Nullable Version overlapped, boolean isProtected) {
        if (overlapped == null) {
            putWrite(key, startTs, Write.rollback(startTs, isProtected));
        } else if (isProtected) {
            putWrite(key, overlapped.ts(), overlapped.write().withOverlappedRollback());
        }
    }

    /** Drops the newest record at or below {@code startTs} if it is a rollback that nobody protects: the next one replaces it. */
    public void collapseRollback(MvccReader reader, MvccKey key, long startTs) {
        Version previous = reader.seek(key, startTs);
        if (previous != null && previous.write().isCollapsible()) {
            deleteWrite(key, previous.ts());
        }
    }
}
