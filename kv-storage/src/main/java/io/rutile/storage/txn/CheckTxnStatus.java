package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import io.rutile.storage.mvcc.Ts;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * KvCheckTxnStatus: what became of a transaction, asked on its primary key; one that has died is rolled back on the way (P3).
 */
public final class CheckTxnStatus extends TxnCommand<CheckTxnStatusResponse> {

    private final CheckTxnStatusRequest request;
    private final long startTs;

    public CheckTxnStatus(CheckTxnStatusRequest request) {
        super(request.getContext(), List.of(MvccKey.of(request.getPrimaryKey())), request.getSerializedSize());
        this.request = request;
        this.startTs = request.getLockTs();
    }

    /** A commit timestamp chosen afterwards is above every time that it judged by. */
    @Override
    void announce(ConcurrencyManager concurrency) {
        concurrency.raise(startTs);
        concurrency.raise(request.getCallerStartTs());
        concurrency.raise(request.getCurrentTs());
    }

    @Override
    CheckTxnStatusResponse decide(MvccReader reader, MvccTxn txn) {
        MvccKey key = keys().get(0);
        Lock lock = reader.lock(key);
        if (lock == null || lock.startTs() != startTs) {
            return withoutLock(reader, txn, key, lock);
        }
        if (request.getVerifyIsPrimary() && !lock.isPrimary(key)) {
            return ofSecondary(reader, txn, key, lock);
        }
        if (lock.isAsyncCommit() && !request.getForceSyncCommit()) {
            // Only its secondaries together can tell: neither expired nor pushed by what is seen here.
            return alive(lock, Action.NoAction);
        }
        if (lock.isLockedWithConflict()) {
            OwnRecord record = reader.recordOf(key, startTs);
            if (!(record instanceof OwnRecord.None)) {
                // A late request took this lock after the transaction had ended.
                txn.unlock(key, lock, 0);
                return recorded(record);
            }
        }
        if (lock.isExpired(request.getCurrentTs())) {
            return expired(reader, txn, key, lock);
        }
        return pushed(txn, key, lock);
    }

    private CheckTxnStatusResponse ofSecondary(MvccReader reader, MvccTxn txn, MvccKey key, Lock lock) {
        if (request.getResolvingPessimisticLock() || !lock.isPessimistic()) {
            throw KeyFailure.primaryMismatch(lock.toInfo(key.user()));
        }
        // A pessimistic lock of a statement that was retried with another primary: it doesn't count.
        CheckTxnStatusResponse answer = withoutLock(reader, txn, key, null);
        txn.unlock(key, lock, 0);
        return answer;
    }

    private CheckTxnStatusResponse expired(MvccReader reader, MvccTxn txn, MvccKey key, Lock lock) {
        if (lock.isPessimistic() && request.getResolvingPessimisticLock()) {
            txn.unlock(key, lock, 0);
            return answer(Action.TTLExpirePessimisticRollback);
        }
        KeyRollback.ofLock(reader, txn, key, lock, true, false);
        return answer(Action.TTLExpireRollback);
    }

    /** Lets a reader at caller_start_ts pass by keeping the transaction from committing below it. */
    private CheckTxnStatusResponse pushed(MvccTxn txn, MvccKey key, Lock lock) {
        long caller = request.getCallerStartTs();
        Lock now = lock;
        boolean mayPush = lock.minCommitTs() != 0 && caller != Ts.MAX && !Ts.isBefore(caller, lock.minCommitTs());
        if (mayPush) {
            now = lock.toBuilder()
                    .minCommitTs(Ts.max(caller + 1, request.getCurrentTs()))
                    .build();
            txn.putLock(key, now);
        }
        boolean passed = caller == Ts.MAX || caller != 0 && Ts.isAfter(now.minCommitTs(), caller);
        return alive(now, passed ? Action.MinCommitTSPushed : Action.NoAction);
    }

    private CheckTxnStatusResponse withoutLock(MvccReader reader, MvccTxn txn, MvccKey key, @Nullable Lock other) {
        OwnRecord record = reader.recordOf(key, startTs);
        if (!(record instanceof OwnRecord.None none)) {
            return recorded(record);
        }
        if (!request.getRollbackIfNotExist()) {
            throw KeyFailure.txnNotFound(key.user(), startTs);
        }
        if (request.getResolvingPessimisticLock()) {
            return answer(Action.LockNotExistDoNothing);
        }
        KeyRollback.remember(reader, txn, key, startTs, other, none.overlapped(), true);
        return answer(Action.LockNotExistRollback);
    }

    private static CheckTxnStatusResponse recorded(OwnRecord record) {
        CheckTxnStatusResponse.Builder answer = CheckTxnStatusResponse.newBuilder();
        if (record instanceof OwnRecord.Committed committed) {
            answer.setCommitVersion(committed.version().ts());
        }
        return answer.build();
    }

    private static CheckTxnStatusResponse alive(Lock lock, Action action) {
        return CheckTxnStatusResponse.newBuilder()
                .setLockTtl(lock.ttlMs())
                .setAction(action)
                // The primary, whichever key was asked about: that is what clients take it for.
                .setLockInfo(lock.toInfo(lock.primary()))
                .build();
    }

    private static CheckTxnStatusResponse answer(Action action) {
        return CheckTxnStatusResponse.newBuilder().setAction(action).build();
    }

    @Override
    CheckTxnStatusResponse refused(KeyError error) {
        return CheckTxnStatusResponse.newBuilder().setError(error).build();
    }
}
