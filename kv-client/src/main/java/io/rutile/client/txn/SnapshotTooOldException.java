package io.rutile.client.txn;

import io.rutile.protocol.TimeStamp;

/**
 * The moment that was to be read is before the cluster's transaction safe point: versions that it would show may be gone, and the
 * answer would have holes (P7; {@code INVALID}). A transaction that began there cannot go on; begin another. Nothing is written.
 */
public final class SnapshotTooOldException extends TxnException {

    private final transient TimeStamp safePoint;

    SnapshotTooOldException(TimeStamp version, TimeStamp safePoint) {
        super(
                Kind.INVALID,
                "the snapshot at " + version + " is before the safe point of garbage collection, " + safePoint,
                version,
                null);
        this.safePoint = safePoint;
    }

    /** The earliest moment that can be read, as far as is known here. It only moves forward. */
    public TimeStamp safePoint() {
        return safePoint;
    }
}
