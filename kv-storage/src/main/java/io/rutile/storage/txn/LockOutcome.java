package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.storage.command.LockWait;

/** What one attempt to lock came to. */
sealed interface LockOutcome {

    /** @param locked true if the keys are locked now */
    record Answered(PessimisticLockResponse response, boolean locked) implements LockOutcome {}

    /** Somebody else holds a key. */
    record MustWait(LockWait until) implements LockOutcome {}
}
