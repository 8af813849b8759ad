package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.util.List;

/**
 * What has become of a transaction, as its primary says (P3).
 *
 * @param fate what is known
 * @param commitTs when it committed; zero otherwise
 * @param waitMs how long its locks live on at most; zero unless it is alive
 * @param decidedKeys every key of an async-commit transaction whose fate was decided by looking at all of them; empty otherwise
 */
record TxnStatus(Fate fate, TimeStamp commitTs, long waitMs, List<ByteKey> decidedKeys) {

    /** Names for what a primary can say. */
    enum Fate {
        COMMITTED,
        ROLLED_BACK,
        /** It goes on. */
        ALIVE,
        /** It goes on, and will commit after the reader's moment. */
        PUSHED,
        /** Its primary held only a pessimistic lock, which is gone now; no record says so. */
        PESSIMISTIC_GONE
    }

    static TxnStatus committed(TimeStamp commitTs) {
        return new TxnStatus(Fate.COMMITTED, commitTs, 0, List.of());
    }

    static TxnStatus rolledBack() {
        return new TxnStatus(Fate.ROLLED_BACK, TimeStamp.ZERO, 0, List.of());
    }

    /** @param waitMs at least 1 is taken */
    static TxnStatus alive(long waitMs) {
        return new TxnStatus(Fate.ALIVE, TimeStamp.ZERO, Math.max(1, waitMs), List.of());
    }

    static TxnStatus pushed() {
        return new TxnStatus(Fate.PUSHED, TimeStamp.ZERO, 0, List.of());
    }

    static TxnStatus pessimisticGone() {
        return new TxnStatus(Fate.PESSIMISTIC_GONE, TimeStamp.ZERO, 0, List.of());
    }

    TxnStatus withDecidedKeys(List<ByteKey> keys) {
        return new TxnStatus(fate, commitTs, waitMs, keys);
    }

    /** True if nothing can change it any more. */
    boolean isFinal() {
        return fate == Fate.COMMITTED || fate == Fate.ROLLED_BACK;
    }
}
