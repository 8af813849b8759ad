package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;

/** What the transaction asserted about a key does not hold: nothing is written ({@code INVALID}). */
public final class AssertionFailedException extends TxnException {

    private final transient ByteKey key;

    AssertionFailedException(TimeStamp startTs, ByteKey key, String what) {
        super(Kind.INVALID, "transaction " + startTs + ": assertion failed: " + what, startTs, null);
        this.key = key;
    }

    /** The key, as the application knows it. */
    public ByteKey key() {
        return key;
    }
}
