package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;

/** An inserted key is there already ({@code CONFLICT}). */
public final class KeyExistsException extends TxnException {

    private final transient ByteKey key;

    KeyExistsException(TimeStamp startTs, ByteKey key) {
        super(Kind.CONFLICT, "transaction " + startTs + ": an inserted key is there already", startTs, null);
        this.key = key;
    }

    /** The key, as the application knows it. */
    public ByteKey key() {
        return key;
    }
}
