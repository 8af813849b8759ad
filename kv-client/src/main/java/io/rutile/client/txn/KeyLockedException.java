package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;

/** Another transaction held its lock for longer than this call waits ({@code BUSY}). */
public final class KeyLockedException extends TxnException {

    private final transient ByteKey key;
    private final transient TimeStamp holder;

    KeyLockedException(TimeStamp startTs, ByteKey key, TimeStamp holder) {
        super(Kind.BUSY, "transaction " + startTs + " waited in vain for a lock of " + holder, startTs, null);
        this.key = key;
        this.holder = holder;
    }

    /** The key, as the application knows it. */
    public ByteKey key() {
        return key;
    }

    /** The transaction that holds the lock. */
    public TimeStamp holder() {
        return holder;
    }
}
