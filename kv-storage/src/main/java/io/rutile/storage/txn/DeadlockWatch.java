package io.rutile.storage.txn;

import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.storage.command.DeadlockDetection;
import io.rutile.storage.command.KeyHash;
import io.rutile.storage.command.LockWait;
import org.jspecify.annotations.Nullable;

/** Keeps the wait-for graph true about one wait: an edge while it lasts, another when the lock changes hands. Safe from every thread. */
final class DeadlockWatch implements LockWait.Watch {

    private final DeadlockDetection deadlocks;
    private final LockWait wait;

    /** What the graph was told last; null before and after. Guarded by this. */
    private @Nullable WaitForEntry edge;

    private boolean over;

    DeadlockWatch(DeadlockDetection deadlocks, LockWait wait) {
        this.deadlocks = deadlocks;
        this.wait = wait;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // ends the wait, or doesn't: best effort
    void begin() {
        WaitForEntry told;
        synchronized (this) {
            if (over) {
                return;
            }
            told = WaitForEntry.newBuilder()
                    .setTxn(wait.startTs())
                    .setWaitForTxn(wait.holder().startTs())
                    .setKeyHash(KeyHash.of(wait.key().user()))
                    .setKey(wait.key().user().toByteString())
                    .setResourceGroupTag(wait.tag())
                    .build();
            if (told.equals(edge)) {
                return;
            }
            forget();
            edge = told;
        }
        deadlocks.detect(told).whenComplete((found, failure) -> {
            if (found != null && isCurrent(told)) {
                wait.end(new LockWait.End.Deadlocked(found));
            }
        });
        if (!isCurrent(told)) {
            deadlocks.forget(told); // it ended, or changed, before the graph had heard of it
        }
    }

    private synchronized boolean isCurrent(WaitForEntry told) {
        return told.equals(edge);
    }

    @Override
    public void holderChanged() {
        begin();
    }

    @Override
    public synchronized void over() {
        over = true;
        forget();
    }

    private synchronized void forget() {
        WaitForEntry told = edge;
        edge = null;
        if (told != null) {
            deadlocks.forget(told);
        }
    }
}
