package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;

/** Waiting for a lock would have closed a circle. Roll back, then begin again ({@code CONFLICT}). */
public final class DeadlockException extends TxnException {

    /**
     * One edge of the circle.
     *
     * @param txn who waits
     * @param waitsFor who holds the lock
     * @param key the lock's key, as the application knows it; empty if the store did not say
     */
    public record Wait(TimeStamp txn, TimeStamp waitsFor, ByteKey key) {}

    private final transient ByteKey key;
    private final transient List<Wait> waitChain;

    DeadlockException(TimeStamp startTs, ByteKey key, List<Wait> waitChain) {
        super(
                Kind.CONFLICT,
                "deadlock: transaction " + startTs + " waits in a circle of " + waitChain.size(),
                startTs,
                null);
        this.key = key;
        this.waitChain = List.copyOf(waitChain);
    }

    /** The key that was waited for, as the application knows it. */
    public ByteKey key() {
        return key;
    }

    /** Who waits for whom, in order; empty if the store did not say. */
    public List<Wait> waitChain() {
        return waitChain;
    }
}
