package io.rutile.storage.mvcc;

/**
 * A write record with its place.
 *
 * @param ts commit timestamp; of a rollback its start timestamp
 */
public record Version(long ts, Write write) {

    public WriteKind kind() {
        return write.kind();
    }

    /** True if it tells that the transaction that began at this timestamp was rolled back on this key. */
    public boolean tellsRollbackOf(long startTs) {
        return ts == startTs && (write.kind() == WriteKind.ROLLBACK || write.overlappedRollback());
    }
}
