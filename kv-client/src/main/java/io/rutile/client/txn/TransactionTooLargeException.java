package io.rutile.client.txn;

import io.rutile.protocol.TimeStamp;

/** A write that would take the transaction past one of its bounds; it is not in the transaction ({@code TOO_LARGE}). */
public final class TransactionTooLargeException extends TxnException {

    TransactionTooLargeException(TimeStamp startTs, String what) {
        super(Kind.TOO_LARGE, "transaction " + startTs + ": " + what, startTs, null);
    }
}
