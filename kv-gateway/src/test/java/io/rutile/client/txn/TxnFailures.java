package io.rutile.client.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import java.util.List;

/** Failures as the client makes them, for tests of what is above it. */
public final class TxnFailures {

    private TxnFailures() {}

    public static WriteConflictException writeConflict(ByteKey key, TimeStamp startTs, TimeStamp commitTs) {
        return new WriteConflictException(startTs, key, commitTs, commitTs, WriteConflict.Reason.Optimistic);
    }

    public static KeyLockedException keyLocked(ByteKey key, TimeStamp startTs, TimeStamp holder) {
        return new KeyLockedException(startTs, key, holder);
    }

    public static DeadlockException deadlock(ByteKey key, TimeStamp startTs) {
        return new DeadlockException(startTs, key, List.of());
    }

    public static KeyExistsException keyExists(ByteKey key, TimeStamp startTs) {
        return new KeyExistsException(startTs, key);
    }

    public static TxnLockNotFoundException lockNotFound(TimeStamp startTs) {
        return new TxnLockNotFoundException(startTs, "as the test ordered");
    }

    public static UndeterminedException undetermined(TimeStamp startTs) {
        return new UndeterminedException(startTs, null);
    }
}
