package io.rutile.client.txn;

import io.rutile.protocol.TimeStamp;

/**
 * The transaction was rolled back by others before it could commit: it was slower than its locks live, or its client was taken for
 * dead. Nothing of it is written; it can be begun again ({@code CONFLICT}).
 */
public final class TxnLockNotFoundException extends TxnException {

    TxnLockNotFoundException(TimeStamp startTs, String what) {
        super(Kind.CONFLICT, "transaction " + startTs + " was rolled back by others: " + what, startTs, null);
    }
}
