package io.rutile.storage.txn;

import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.protocol.kvrpcpb.GetLockWaitInfoResponse;
import io.rutile.storage.command.KeyHash;
import io.rutile.storage.command.LockWait;
import io.rutile.storage.command.LockWaitQueue;

/** GetLockWaitInfo: who waits for whom on this store, and for how long. */
public final class LockWaitInfo {

    private final LockWaitQueue queue;

    public LockWaitInfo(LockWaitQueue queue) {
        this.queue = queue;
    }

    public GetLockWaitInfoResponse get() {
        GetLockWaitInfoResponse.Builder answer = GetLockWaitInfoResponse.newBuilder();
        for (LockWait wait : queue.waits()) {
            answer.addEntries(WaitForEntry.newBuilder()
                    .setTxn(wait.startTs())
                    .setWaitForTxn(wait.holder().startTs())
                    .setKeyHash(KeyHash.of(wait.key().user()))
                    .setKey(wait.key().user().toByteString())
                    .setResourceGroupTag(wait.tag())
                    .setWaitTime(wait.waitedMs()));
        }
        return answer.build();
    }
}
