package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PessimisticLockWakeUpMode;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Version;
import io.rutile.storage.mvcc.WriteKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * KvPessimisticLock, one attempt: locks every key before anything is prewritten, or none. What to do about a key that somebody else
 * holds is {@link PessimisticLocking}'s.
 */
final class PessimisticLock extends TxnCommand<LockOutcome> {

    /** Called with the key and its holder, under the key's latch, so that no release is missed. */
    interface OnHeld {
        LockOutcome held(MvccKey key, Lock holder);
    }

    private final PessimisticLockRequest request;
    private final boolean forceLock;
    private final OnHeld onHeld;
    private final List<KeyResult> results = new ArrayList<>();
    private @Nullable Lock acquired;

    PessimisticLock(PessimisticLockRequest request, OnHeld onHeld) {
        super(
                request.getContext(),
                TxnRequests.mutated(request.getContext(), request.getMutationsList()),
                request.getSerializedSize()
                        + (long) request.getMutationsCount()
                                * (64 + request.getPrimaryLock().size()));
        this.request = request;
        this.forceLock = isForceLock(request);
        this.onHeld = onHeld;
    }

    static boolean isForceLock(PessimisticLockRequest request) {
        return request.getWakeUpMode() == PessimisticLockWakeUpMode.WakeUpModeForceLock;
    }

    /** What a value-reading lock reads, it reads at for_update_ts (P4); even if it then fails. */
    @Override
    void announce(ConcurrencyManager concurrency) {
        boolean reads = request.getReturnValues()
                || request.getCheckExistence()
                || request.getMutationsList().stream().anyMatch(m -> m.getAssertion() == Assertion.NotExist);
        if (reads) {
            concurrency.raise(request.getForUpdateTs());
        }
    }

    /** The lock that was written last, null if none was. */
    @Nullable Lock acquired() {
        return acquired;
    }

    @Override
    LockOutcome decide(MvccReader reader, MvccTxn txn) {
        checkRequest();
        for (int i = 0; i < keys().size(); i++) {
            MvccKey key = keys().get(i);
            Lock lock = reader.lock(key);
            if (lock != null && lock.startTs() != request.getStartVersion()) {
                txn.clear();
                acquired = null;
                return onHeld.held(key, lock);
            }
            results.add(
                    lock != null ? again(reader, txn, key, lock) : first(reader, txn, key, request.getMutations(i)));
        }
        return new LockOutcome.Answered(LockAnswers.locked(request, results), true);
    }

    private void checkRequest() {
        TxnRequests.checkLengths(keys());
        if (request.getLockOnlyIfExists() && !request.getReturnValues()) {
            throw KeyFailure.refused(
                    "LockIfExistsFailed",
                    "start_ts: " + Ts.text(request.getStartVersion()) + ", lock_only_if_exists needs return_values");
        }
        if (forceLock && keys().size() != 1) {
            throw KeyFailure.refused("InvalidForceLock", "keys: " + keys().size() + ", one is served");
        }
        for (Mutation mutation : request.getMutationsList()) {
            if (mutation.getOp() != Op.PessimisticLock) {
                throw KeyFailure.refused("InvalidMutation", "op: " + mutation.getOp() + " is no exclusive lock");
            }
        }
    }

    /** Held already: only a newer statement changes the lock. */
    private KeyResult again(MvccReader reader, MvccTxn txn, MvccKey key, Lock lock) {
        if (!lock.isPessimistic()) {
            throw KeyFailure.lockTypeNotMatch(key, request.getStartVersion(), "pessimistic: false");
        }
        long readTs = request.getForUpdateTs();
        boolean withConflict = forceLock && Ts.isBefore(readTs, lock.forUpdateTs());
        if (withConflict) {
            readTs = lock.forUpdateTs();
        }
        byte[] value = readsValues() || withConflict ? reader.value(key, readTs) : null;
        if (Ts.isAfter(request.getForUpdateTs(), lock.forUpdateTs())) {
            put(txn, key, request.getForUpdateTs(), false);
        }
        return new KeyResult(value, withConflict ? readTs : 0);
    }

    private KeyResult first(MvccReader reader, MvccTxn txn, MvccKey key, Mutation mutation) {
        long startTs = request.getStartVersion();
        long forUpdateTs = request.getForUpdateTs();
        Version newest = reader.seek(key, Ts.MAX);
        KeyFailure conflict = null;
        if (newest != null) {
            if (Ts.isAfter(newest.ts(), forUpdateTs)) {
                conflict = conflict(key, newest);
                if (!forceLock) {
                    throw conflict;
                }
                forUpdateTs = newest.ts();
            }
            checkNotRolledBack(reader, key, newest);
        }
        boolean mustNotExist = mutation.getAssertion() == Assertion.NotExist;
        boolean looks = readsValues() || mustNotExist || conflict != null;
        Version put = newest == null || !looks ? null : newestPut(reader, key, newest);
        if (mustNotExist && put != null) {
            throw conflict != null ? conflict : KeyFailure.alreadyExists(key);
        }
        if (request.getLockOnlyIfExists() && put == null) {
            if (conflict != null) {
                throw conflict;
            }
            return new KeyResult(null, 0);
        }
        byte[] value = put != null && (readsValues() || conflict != null) ? reader.value(key, put) : null;
        put(txn, key, forUpdateTs, conflict != null);
        return new KeyResult(value, conflict != null ? forUpdateTs : 0);
    }

    private void checkNotRolledBack(MvccReader reader, MvccKey key, Version newest) {
        long startTs = request.getStartVersion();
        if (Ts.isBefore(newest.ts(), startTs)) {
            return; // nothing at start_ts: nothing was rolled back
        }
        if (newest.tellsRollbackOf(startTs) || reader.recordOf(key, startTs) instanceof OwnRecord.RolledBack) {
            throw KeyFailure.pessimisticLockRolledBack(key, startTs);
        }
    }

    private static @Nullable Version newestPut(MvccReader reader, MvccKey key, Version newest) {
        if (newest.kind().isData()) {
            return newest.kind() == WriteKind.PUT ? newest : null;
        }
        return reader.put(key, newest.ts());
    }

    private boolean readsValues() {
        return request.getReturnValues() || request.getCheckExistence();
    }

    private void put(MvccTxn txn, MvccKey key, long forUpdateTs, boolean withConflict) {
        Lock lock = Lock.builder(LockKind.PESSIMISTIC, ByteKey.of(request.getPrimaryLock()), request.getStartVersion())
                .ttlMs(request.getLockTtl())
                .forUpdateTs(forUpdateTs)
                .minCommitTs(request.getMinCommitTs())
                .lockedWithConflict(withConflict)
                .build();
        txn.putLock(key, lock);
        acquired = lock;
    }

    private KeyFailure conflict(MvccKey key, Version newest) {
        return KeyFailure.conflict(
                WriteConflict.Reason.PessimisticRetry,
                key,
                request.getStartVersion(),
                newest.write().startTs(),
                newest.ts(),
                ByteKey.of(request.getPrimaryLock()));
    }

    @Override
    LockOutcome refused(KeyError error) {
        return new LockOutcome.Answered(
                PessimisticLockResponse.newBuilder().addErrors(error).build(), false);
    }

    /**
     * What was found under a key that is locked now (or absent, and left unlocked on purpose).
     *
     * @param value null if there is none, or nobody asked
     * @param conflictTs for_update_ts of the lock if that is newer than was asked for, else 0
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared as a record
    record KeyResult(byte @Nullable [] value, long conflictTs) {}
}
