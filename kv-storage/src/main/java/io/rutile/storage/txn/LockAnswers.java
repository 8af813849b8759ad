package io.rutile.storage.txn;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.kvrpcpb.Deadlock;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResult;
import io.rutile.protocol.kvrpcpb.PessimisticLockKeyResultType;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.ReleasedLock;
import java.util.List;

/** The shapes of KvPessimisticLock's answer: those that wait for a lock's value, and those that wait for the lock. */
final class LockAnswers {

    private LockAnswers() {}

    static PessimisticLockResponse locked(PessimisticLockRequest request, List<PessimisticLock.KeyResult> results) {
        PessimisticLockResponse.Builder answer = PessimisticLockResponse.newBuilder();
        if (PessimisticLock.isForceLock(request)) {
            boolean reads = request.getReturnValues() || request.getCheckExistence();
            results.forEach(result -> answer.addResults(forced(request, result, reads)));
        } else if (request.getReturnValues()) {
            results.forEach(result -> answer.addValues(bytes(result)).addNotFounds(result.value() == null));
        } else if (request.getCheckExistence()) {
            results.forEach(result -> answer.addNotFounds(result.value() == null));
        }
        return answer.build();
    }

    private static PessimisticLockKeyResult forced(
            PessimisticLockRequest request, PessimisticLock.KeyResult result, boolean reads) {
        boolean conflict = result.conflictTs() != 0;
        PessimisticLockKeyResult.Builder forced = PessimisticLockKeyResult.newBuilder()
                .setType(
                        conflict
                                ? PessimisticLockKeyResultType.LockResultLockedWithConflict
                                : PessimisticLockKeyResultType.LockResultNormal)
                .setLockedWithConflictTs(result.conflictTs())
                .setExistence((conflict || reads) && result.value() != null);
        if (conflict || request.getReturnValues()) {
            forced.setValue(bytes(result));
        }
        return forced.build();
    }

    private static ByteString bytes(PessimisticLock.KeyResult result) {
        byte[] value = result.value();
        return value == null ? ByteString.EMPTY : UnsafeByteOperations.unsafeWrap(value);
    }

    /** Somebody else holds the key, and nobody waits (any longer). @param sinceChangeMs 0 if the holder was the same all the time */
    static PessimisticLockResponse held(PessimisticLockRequest request, MvccKey key, Lock holder, long sinceChangeMs) {
        KeyFailure locked = KeyFailure.locked(holder.toInfo(key.user()).toBuilder()
                .setDurationToLastUpdateMs(sinceChangeMs)
                .build());
        return failed(request, locked.error());
    }

    /** The key is free now, but what the statement has read may be out of date: it starts over with a newer for_update_ts. */
    static PessimisticLockResponse released(PessimisticLockRequest request, ReleasedLock released) {
        KeyFailure conflict = KeyFailure.conflict(
                WriteConflict.Reason.PessimisticRetry,
                released.key(),
                request.getStartVersion(),
                released.startTs(),
                released.commitTs(),
                ByteKey.of(request.getPrimaryLock()));
        return PessimisticLockResponse.newBuilder().addErrors(conflict.error()).build();
    }

    static PessimisticLockResponse deadlock(
            PessimisticLockRequest request, MvccKey key, Lock holder, DeadlockResponse found) {
        return failed(
                request,
                KeyError.newBuilder()
                        .setDeadlock(Deadlock.newBuilder()
                                .setLockTs(holder.startTs())
                                .setLockKey(key.user().toByteString())
                                .setDeadlockKeyHash(found.getDeadlockKeyHash())
                                .setDeadlockKey(found.getDeadlockKey())
                                .addAllWaitChain(found.getWaitChainList()))
                        .build());
    }

    private static PessimisticLockResponse failed(PessimisticLockRequest request, KeyError error) {
        PessimisticLockResponse.Builder answer =
                PessimisticLockResponse.newBuilder().addErrors(error);
        if (PessimisticLock.isForceLock(request)) {
            answer.addResults(
                    PessimisticLockKeyResult.newBuilder().setType(PessimisticLockKeyResultType.LockResultFailed));
        }
        return answer.build();
    }
}
