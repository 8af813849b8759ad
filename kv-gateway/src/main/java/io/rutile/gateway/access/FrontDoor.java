package io.rutile.gateway.access;

import io.rutile.gateway.kv.AtomicCalls;
import io.rutile.gateway.kv.KvOperations;
import io.rutile.gateway.kv.TxnOperations;
import io.rutile.gateway.kv.TxnSessions;
import io.rutile.gateway.kv.Watches;

/**
 * What the edges call: operations in the name of one caller, who is asked about before anything is forwarded (E2). Safe from any thread.
 */
public final class FrontDoor {

    private final KvOperations kv;
    private final TxnOperations transactions;
    private final TxnSessions sessions;
    private final AtomicCalls atomicCalls;
    private final Watches watches;

    public FrontDoor(
            KvOperations kv,
            TxnOperations transactions,
            TxnSessions sessions,
            AtomicCalls atomicCalls,
            Watches watches) {
        this.kv = kv;
        this.transactions = transactions;
        this.sessions = sessions;
        this.atomicCalls = atomicCalls;
        this.watches = watches;
    }

    /** The raw API for this call. Futures may fail with {@link io.rutile.gateway.kv.FailureException}, too. */
    public KvOperations raw(CallAccess access) {
        return new GuardedKv(kv, access);
    }

    /** Transactions for this call. */
    public TxnDoor txn(CallAccess access) {
        return new TxnDoor(transactions, sessions, atomicCalls, access);
    }

    /** Changes of transactional keys for this call. */
    public WatchDoor watches(CallAccess access) {
        return new WatchDoor(watches, access);
    }

    /** What may be open; the same for everybody. */
    public TxnSessions.Limits txnLimits() {
        return sessions.limits();
    }
}
