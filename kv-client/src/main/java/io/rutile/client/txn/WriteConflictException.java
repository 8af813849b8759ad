package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.WriteConflict;

/** Another transaction wrote a key after this one began. Nothing of this one is written; it can be begun again ({@code CONFLICT}). */
public final class WriteConflictException extends TxnException {

    private final transient ByteKey key;
    private final transient TimeStamp conflictTs;
    private final transient TimeStamp conflictCommitTs;
    private final WriteConflict.Reason reason;

    WriteConflictException(
            TimeStamp startTs,
            ByteKey key,
            TimeStamp conflictTs,
            TimeStamp conflictCommitTs,
            WriteConflict.Reason reason) {
        super(
                Kind.CONFLICT,
                "write conflict (" + reason + "): transaction " + startTs + " met " + conflictTs + " committed at "
                        + conflictCommitTs,
                startTs,
                null);
        this.key = key;
        this.conflictTs = conflictTs;
        this.conflictCommitTs = conflictCommitTs;
        this.reason = reason;
    }

    /** The key, as the application knows it. */
    public ByteKey key() {
        return key;
    }

    /** When the other transaction began. */
    public TimeStamp conflictTs() {
        return conflictTs;
    }

    /** When the other transaction committed; zero if it only held a lock. */
    public TimeStamp conflictCommitTs() {
        return conflictCommitTs;
    }

    public WriteConflict.Reason reason() {
        return reason;
    }
}
