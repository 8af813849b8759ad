package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.protocol.TimeStamp;
import org.jspecify.annotations.Nullable;

/** A transaction, or one of its steps, that was not done. {@link #kind} says what a caller can do; keys are not in the message. */
public class TxnException extends KvClientException {

    private final transient TimeStamp startTs;

    TxnException(Kind kind, String message, TimeStamp startTs, @Nullable Throwable cause) {
        super(kind, message, null, cause);
        this.startTs = startTs;
    }

    /** The transaction that failed. */
    public TimeStamp startTs() {
        return startTs;
    }
}
