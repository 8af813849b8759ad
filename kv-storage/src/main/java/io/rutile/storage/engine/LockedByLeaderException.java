package io.rutile.storage.engine;

import io.rutile.protocol.kvrpcpb.LockInfo;

/**
 * A read at another replica than the leader is refused because of a lock that only the leader can see yet (P4). Expected: it carries no
 * stack trace.
 */
public final class LockedByLeaderException extends RuntimeException {

    private final transient LockInfo lock;

    public LockedByLeaderException(LockInfo lock) {
        super("locked in the leader's memory", null, false, false);
        this.lock = lock;
    }

    public LockInfo lock() {
        return lock;
    }
}
