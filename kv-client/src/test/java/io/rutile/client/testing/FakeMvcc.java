package io.rutile.client.testing;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.AlreadyExist;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.CommitTsExpired;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.protocol.kvrpcpb.PrimaryMismatch;
import io.rutile.protocol.kvrpcpb.TxnLockNotFound;
import io.rutile.protocol.kvrpcpb.TxnNotFound;
import io.rutile.protocol.kvrpcpb.WriteConflict;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** Percolator's rules over one map, small enough to be seen right: what the client's requests meet in tests. */
public final class FakeMvcc {

    /** Names for what a record may say. */
    public enum Kind {
        PUT,
        DELETE,
        LOCK,
        ROLLBACK
    }

    /** One record, at its commit timestamp. */
    public record Version(long startTs, Kind kind, ByteString value) {}

    private final Map<ByteKey, LockInfo> locks = new TreeMap<>();
    private final Map<ByteKey, ByteString> pending = new TreeMap<>();
    private final Map<ByteKey, TreeMap<Long, Version>> records = new TreeMap<>();
    private long maxTs;

    /** What the next pessimistic locks are refused with, one each. */
    public final Queue<KeyError> nextLockErrors = new ConcurrentLinkedQueue<>();

    /** Stores that do not know the faster ways, or cannot take them just now. */
    public volatile boolean refusesAsyncCommit;

    public volatile boolean refusesOnePhase;

    /** A key error in a response that has room for it. */
    static final class Refused extends RuntimeException {
        final transient KeyError error;

        Refused(KeyError error) {
            super(null, null, false, false);
            this.error = error;
        }
    }

    public synchronized List<LockInfo> locks() {
        return List.copyOf(locks.values());
    }

    public synchronized @Nullable LockInfo lockOn(ByteKey key) {
        return locks.get(key);
    }

    /** Commit timestamp → record, newest last. */
    public synchronized Map<Long, Version> recordsOf(ByteKey key) {
        return new TreeMap<>(records.getOrDefault(key, new TreeMap<>()));
    }

    /** A lock that some other client left behind. */
    public synchronized void leave(LockInfo lock, ByteString value) {
        ByteKey key = ByteKey.of(lock.getKey());
        locks.put(key, lock);
        pending.put(key, value);
    }

    /** A record that some other client left behind. */
    public synchronized void write(ByteKey key, long startTs, long commitTs, Kind kind, ByteString value) {
        records.computeIfAbsent(key, unknown -> new TreeMap<>()).put(commitTs, new Version(startTs, kind, value));
    }

    // ---- reads

    /** Stores that do not know of locks that a reader may read as committed. */
    public volatile boolean ignoresCommittedLocks;

    synchronized @Nullable ByteString get(
            ByteKey key, long version, Collection<Long> resolved, Collection<Long> readAsCommitted) {
        if (version != TimeStamp.MAX.value()) {
            maxTs = Math.max(maxTs, version);
        }
        LockInfo lock = locks.get(key);
        if (lock != null && blocks(lock, version) && !resolved.contains(lock.getLockVersion())) {
            if (ignoresCommittedLocks || !readAsCommitted.contains(lock.getLockVersion())) {
                throw new Refused(locked(lock));
            }
            return lock.getLockType() == Op.Put ? pending.get(key) : null;
        }
        return committed(key, version);
    }

    private static boolean blocks(LockInfo lock, long version) {
        return (lock.getLockType() == Op.Put || lock.getLockType() == Op.Del)
                && Long.compareUnsigned(lock.getLockVersion(), version) <= 0
                && Long.compareUnsigned(lock.getMinCommitTs(), version) <= 0;
    }

    private @Nullable ByteString committed(ByteKey key, long version) {
        for (Map.Entry<Long, Version> entry : recordsDown(key).entrySet()) {
            if (Long.compareUnsigned(entry.getKey(), version) > 0) {
                continue;
            }
            Version record = entry.getValue();
            if (record.kind() == Kind.PUT) {
                return record.value();
            }
            if (record.kind() == Kind.DELETE) {
                return null;
            }
        }
        return null;
    }

    private Map<Long, Version> recordsDown(ByteKey key) {
        return records.getOrDefault(key, new TreeMap<>()).descendingMap();
    }

    /** Every key that has records or a lock. */
    synchronized List<ByteKey> keys() {
        TreeMap<ByteKey, Boolean> keys = new TreeMap<>();
        records.keySet().forEach(key -> keys.put(key, true));
        locks.keySet().forEach(key -> keys.put(key, true));
        return List.copyOf(keys.keySet());
    }

    // ---- prewrite

    synchronized PrewriteResponse prewrite(PrewriteRequest request) {
        PrewriteResponse.Builder response = PrewriteResponse.newBuilder();
        List<KeyError> locked = new ArrayList<>();
        try {
            for (int i = 0; i < request.getMutationsCount(); i++) {
                checkPrewrite(request, i, locked);
            }
        } catch (Refused refused) {
            return response.addErrors(refused.error).build();
        } catch (AlreadyCommitted done) {
            return response.setMinCommitTs(request.getUseAsyncCommit() ? done.commitTs : 0)
                    .setOnePcCommitTs(request.getTryOnePc() ? done.commitTs : 0)
                    .build();
        }
        if (!locked.isEmpty()) {
            return response.addAllErrors(locked).build();
        }
        long min = Math.max(
                Math.max(Math.max(maxTs, request.getStartVersion()), request.getForUpdateTs()) + 1,
                request.getMinCommitTs());
        boolean tooFar = request.getMaxCommitTs() != 0 && min > request.getMaxCommitTs();
        boolean onePhase = request.getTryOnePc() && !refusesOnePhase && !tooFar;
        boolean async = request.getUseAsyncCommit() && !refusesAsyncCommit && !tooFar;
        long answered = onePhase || async ? min : 0;
        for (Mutation mutation : request.getMutationsList()) {
            if (mutation.getOp() == Op.CheckNotExists) {
                continue;
            }
            ByteKey key = ByteKey.of(mutation.getKey());
            LockInfo mine = locks.get(key);
            if (mine != null && mine.getLockType() != Op.PessimisticLock) {
                // A duplicate: what is there stays.
                answered = mine.getUseAsyncCommit() ? Math.max(answered, mine.getMinCommitTs()) : 0;
                continue;
            }
            locks.put(key, lock(request, mutation, mine, min, async));
            pending.put(key, mutation.getValue());
        }
        if (onePhase) {
            for (Mutation mutation : request.getMutationsList()) {
                finish(ByteKey.of(mutation.getKey()), min);
            }
            return response.setOnePcCommitTs(min)
                    .setMinCommitTs(request.getUseAsyncCommit() ? min : 0)
                    .build();
        }
        return response.setMinCommitTs(answered).build();
    }

    private static LockInfo lock(
            PrewriteRequest request, Mutation mutation, @Nullable LockInfo mine, long min, boolean async) {
        Op op = mutation.getOp() == Op.Insert ? Op.Put : mutation.getOp();
        LockInfo.Builder lock = LockInfo.newBuilder()
                .setPrimaryLock(request.getPrimaryLock())
                .setLockVersion(request.getStartVersion())
                .setKey(mutation.getKey())
                .setLockTtl(mine == null ? request.getLockTtl() : Math.max(mine.getLockTtl(), request.getLockTtl()))
                .setTxnSize(request.getTxnSize())
                .setLockType(op)
                .setLockForUpdateTs(request.getForUpdateTs())
                .setUseAsyncCommit(async)
                .setMinCommitTs(async ? min : request.getMinCommitTs());
        if (async && mutation.getKey().equals(request.getPrimaryLock())) {
            lock.addAllSecondaries(request.getSecondariesList());
        }
        return lock.build();
    }

    private static final class AlreadyCommitted extends RuntimeException {
        final long commitTs;

        AlreadyCommitted(long commitTs) {
            super(null, null, false, false);
            this.commitTs = commitTs;
        }
    }

    private void checkPrewrite(PrewriteRequest request, int index, List<KeyError> locked) {
        Mutation mutation = request.getMutations(index);
        ByteKey key = ByteKey.of(mutation.getKey());
        long start = request.getStartVersion();
        LockInfo lock = locks.get(key);
        boolean pessimisticCheck = request.getForUpdateTs() != 0
                && request.getPessimisticActions(index) == PrewriteRequest.PessimisticAction.DO_PESSIMISTIC_CHECK;
        if (lock != null && lock.getLockVersion() != start) {
            forgive(key, start);
            locked.add(locked(
                    request.getForUpdateTs() == 0
                            ? lock
                            : lock.toBuilder().setLockTtl(0).build()));
            return;
        }
        if (lock != null) {
            return;
        }
        Map.Entry<Long, Version> newest =
                records.getOrDefault(key, new TreeMap<>()).lastEntry();
        if (pessimisticCheck) {
            if (newest != null && newest.getKey() >= start) {
                forgive(key, start);
                throw new Refused(KeyError.newBuilder()
                        .setAbort("PessimisticLockNotFound { start_ts: 1 }")
                        .build());
            }
            return;
        }
        if (newest != null && newest.getKey() == start && newest.getValue().kind() == Kind.ROLLBACK) {
            throw new Refused(conflict(start, newest, key, WriteConflict.Reason.SelfRolledBack));
        }
        if (newest != null && newest.getKey() > start) {
            forgive(key, start);
            throw new Refused(conflict(start, newest, key, WriteConflict.Reason.Optimistic));
        }
        boolean mustBeNew = mutation.getOp() == Op.Insert || mutation.getOp() == Op.CheckNotExists;
        if (mustBeNew && committed(key, start) != null) {
            throw new Refused(KeyError.newBuilder()
                    .setAlreadyExist(AlreadyExist.newBuilder().setKey(mutation.getKey()))
                    .build());
        }
    }

    private void forgive(ByteKey key, long start) {
        Long committedAt = commitTsOf(key, start);
        if (committedAt != null) {
            throw new AlreadyCommitted(committedAt);
        }
    }

    private @Nullable Long commitTsOf(ByteKey key, long start) {
        for (Map.Entry<Long, Version> entry : recordsDown(key).entrySet()) {
            if (entry.getValue().startTs() == start && entry.getValue().kind() != Kind.ROLLBACK) {
                return entry.getKey();
            }
        }
        return null;
    }

    private boolean isRolledBack(ByteKey key, long start) {
        Version record = records.getOrDefault(key, new TreeMap<>()).get(start);
        return record != null && record.kind() == Kind.ROLLBACK;
    }

    // ---- the end of a transaction

    synchronized CommitResponse commit(CommitRequest request) {
        for (ByteString bytes : request.getKeysList()) {
            ByteKey key = ByteKey.of(bytes);
            LockInfo lock = locks.get(key);
            LockInfo mine = lock != null && lock.getLockVersion() == request.getStartVersion() ? lock : null;
            if (mine != null && mine.getMinCommitTs() > request.getCommitVersion()) {
                return CommitResponse.newBuilder()
                        .setError(KeyError.newBuilder()
                                .setCommitTsExpired(CommitTsExpired.newBuilder()
                                        .setStartTs(request.getStartVersion())
                                        .setAttemptedCommitTs(request.getCommitVersion())
                                        .setKey(bytes)
                                        .setMinCommitTs(mine.getMinCommitTs())))
                        .build();
            }
            if (mine == null && commitTsOf(key, request.getStartVersion()) == null) {
                return CommitResponse.newBuilder()
                        .setError(KeyError.newBuilder()
                                .setTxnLockNotFound(TxnLockNotFound.newBuilder().setKey(bytes))
                                .setRetryable("TxnLockNotFound"))
                        .build();
            }
        }
        for (ByteString bytes : request.getKeysList()) {
            LockInfo lock = locks.get(ByteKey.of(bytes));
            if (lock != null && lock.getLockVersion() == request.getStartVersion()) {
                finish(ByteKey.of(bytes), request.getCommitVersion());
            }
        }
        return CommitResponse.newBuilder()
                .setCommitVersion(request.getCommitVersion())
                .build();
    }

    private void finish(ByteKey key, long commitTs) {
        LockInfo lock = locks.remove(key);
        ByteString value = pending.remove(key);
        if (lock == null || lock.getLockType() == Op.PessimisticLock) {
            return;
        }
        Kind kind = switch (lock.getLockType()) {
            case Put -> Kind.PUT;
            case Del -> Kind.DELETE;
            default -> Kind.LOCK;
        };
        write(key, lock.getLockVersion(), commitTs, kind, value == null ? ByteString.EMPTY : value);
    }

    /** An error if one of the keys is committed. */
    synchronized @Nullable KeyError rollback(List<ByteString> keys, long start) {
        for (ByteString bytes : keys) {
            if (commitTsOf(ByteKey.of(bytes), start) != null) {
                return KeyError.newBuilder()
                        .setAbort("Committed { start_ts: 1 }")
                        .build();
            }
        }
        keys.forEach(bytes -> rollback(ByteKey.of(bytes), start));
        return null;
    }

    private void rollback(ByteKey key, long start) {
        LockInfo lock = locks.get(key);
        if (lock != null && lock.getLockVersion() == start) {
            locks.remove(key);
            pending.remove(key);
        }
        if (!isRolledBack(key, start)) {
            write(key, start, start, Kind.ROLLBACK, ByteString.EMPTY);
        }
    }

    /** What a client does for a transaction whose fate it knows: commits it, or rolls it back where the timestamp is zero. */
    public synchronized @Nullable KeyError resolve(Collection<ByteKey> keys, long start, long commitTs) {
        for (ByteKey key : keys) {
            if (commitTs == 0) {
                KeyError refusal = rollback(List.of(key.toByteString()), start);
                if (refusal != null) {
                    return refusal;
                }
            } else {
                CommitResponse done = commit(CommitRequest.newBuilder()
                        .setStartVersion(start)
                        .setCommitVersion(commitTs)
                        .addKeys(key.toByteString())
                        .build());
                if (done.hasError()) {
                    return done.getError();
                }
            }
        }
        return null;
    }

    synchronized List<ByteKey> lockedBy(long start) {
        return locks.entrySet().stream()
                .filter(entry -> entry.getValue().getLockVersion() == start)
                .map(Map.Entry::getKey)
                .toList();
    }

    // ---- status

    synchronized CheckTxnStatusResponse status(CheckTxnStatusRequest request) {
        CheckTxnStatusResponse.Builder response = CheckTxnStatusResponse.newBuilder();
        ByteKey key = ByteKey.of(request.getPrimaryKey());
        long start = request.getLockTs();
        LockInfo lock = locks.get(key);
        if (lock != null && lock.getLockVersion() == start) {
            return ofLock(request, response, key, lock);
        }
        Long committedAt = commitTsOf(key, start);
        if (committedAt != null) {
            return response.setCommitVersion(committedAt).build();
        }
        if (isRolledBack(key, start)) {
            return response.build();
        }
        if (!request.getRollbackIfNotExist()) {
            return response.setError(KeyError.newBuilder()
                            .setTxnNotFound(
                                    TxnNotFound.newBuilder().setStartTs(start).setPrimaryKey(request.getPrimaryKey())))
                    .build();
        }
        if (request.getResolvingPessimisticLock()) {
            return response.setAction(Action.LockNotExistDoNothing).build();
        }
        rollback(key, start);
        return response.setAction(Action.LockNotExistRollback).build();
    }

    private CheckTxnStatusResponse ofLock(
            CheckTxnStatusRequest request, CheckTxnStatusResponse.Builder response, ByteKey key, LockInfo lock) {
        if (request.getVerifyIsPrimary() && !lock.getPrimaryLock().equals(request.getPrimaryKey())) {
            return response.setError(KeyError.newBuilder()
                            .setPrimaryMismatch(PrimaryMismatch.newBuilder().setLockInfo(lock)))
                    .build();
        }
        if (lock.getUseAsyncCommit() && !request.getForceSyncCommit()) {
            return response.setLockTtl(lock.getLockTtl()).setLockInfo(lock).build();
        }
        long start = request.getLockTs();
        boolean expired = new TimeStamp(start).physicalMs() + lock.getLockTtl()
                < new TimeStamp(request.getCurrentTs()).physicalMs();
        if (expired && lock.getLockType() == Op.PessimisticLock && request.getResolvingPessimisticLock()) {
            locks.remove(key);
            return response.setAction(Action.TTLExpirePessimisticRollback).build();
        }
        if (expired) {
            rollback(key, start);
            return response.setAction(Action.TTLExpireRollback).build();
        }
        long caller = request.getCallerStartTs();
        if (caller == TimeStamp.MAX.value()) {
            response.setAction(Action.MinCommitTSPushed);
        } else if (caller != 0 && lock.getMinCommitTs() > 0) {
            LockInfo pushed = lock.toBuilder()
                    .setMinCommitTs(Math.max(lock.getMinCommitTs(), caller + 1))
                    .build();
            locks.put(key, pushed);
            response.setAction(Action.MinCommitTSPushed);
        }
        return response.setLockTtl(lock.getLockTtl()).setLockInfo(lock).build();
    }

    synchronized CheckSecondaryLocksResponse secondaries(CheckSecondaryLocksRequest request) {
        CheckSecondaryLocksResponse.Builder response = CheckSecondaryLocksResponse.newBuilder();
        for (ByteString bytes : request.getKeysList()) {
            ByteKey key = ByteKey.of(bytes);
            LockInfo lock = locks.get(key);
            if (lock != null && lock.getLockVersion() == request.getStartVersion()) {
                response.addLocks(lock);
                continue;
            }
            Long committedAt = commitTsOf(key, request.getStartVersion());
            if (committedAt == null) {
                rollback(key, request.getStartVersion());
            }
            return CheckSecondaryLocksResponse.newBuilder()
                    .setCommitTs(committedAt == null ? 0 : committedAt)
                    .build();
        }
        return response.build();
    }

    /** The new TTL, null if there is no such lock. */
    synchronized @Nullable Long heartBeat(ByteKey primary, long start, long advised) {
        LockInfo lock = locks.get(primary);
        if (lock == null || lock.getLockVersion() != start) {
            return null;
        }
        long ttl = Math.max(lock.getLockTtl(), advised);
        locks.put(primary, lock.toBuilder().setLockTtl(ttl).build());
        return ttl;
    }

    // ---- pessimistic locks

    /** Never waits: a lock that is held is answered at once. */
    synchronized PessimisticLockResponse pessimisticLock(PessimisticLockRequest request) {
        PessimisticLockResponse.Builder response = PessimisticLockResponse.newBuilder();
        KeyError injected = nextLockErrors.poll();
        if (injected != null) {
            return response.addErrors(injected).build();
        }
        for (Mutation mutation : request.getMutationsList()) {
            ByteKey key = ByteKey.of(mutation.getKey());
            LockInfo lock = locks.get(key);
            if (lock != null && lock.getLockVersion() != request.getStartVersion()) {
                return PessimisticLockResponse.newBuilder()
                        .addErrors(locked(lock))
                        .build();
            }
            Map.Entry<Long, Version> newest =
                    records.getOrDefault(key, new TreeMap<>()).lastEntry();
            if (lock == null && newest != null && newest.getKey() > request.getForUpdateTs()) {
                return PessimisticLockResponse.newBuilder()
                        .addErrors(
                                conflict(request.getStartVersion(), newest, key, WriteConflict.Reason.PessimisticRetry))
                        .build();
            }
            if (lock == null && isRolledBack(key, request.getStartVersion())) {
                return PessimisticLockResponse.newBuilder()
                        .addErrors(KeyError.newBuilder().setAbort("PessimisticLockRolledBack { start_ts: 1 }"))
                        .build();
            }
        }
        for (Mutation mutation : request.getMutationsList()) {
            ByteKey key = ByteKey.of(mutation.getKey());
            locks.put(
                    key,
                    LockInfo.newBuilder()
                            .setPrimaryLock(request.getPrimaryLock())
                            .setLockVersion(request.getStartVersion())
                            .setKey(mutation.getKey())
                            .setLockTtl(request.getLockTtl())
                            .setLockType(Op.PessimisticLock)
                            .setLockForUpdateTs(request.getForUpdateTs())
                            .setMinCommitTs(request.getMinCommitTs())
                            .build());
            ByteString value = committed(key, request.getForUpdateTs());
            response.addNotFounds(value == null);
            if (request.getReturnValues()) {
                response.addValues(value == null ? ByteString.EMPTY : value);
            }
        }
        return response.build();
    }

    synchronized void pessimisticRollback(List<ByteString> keys, long start, long forUpdateTs) {
        for (ByteString bytes : keys) {
            LockInfo lock = locks.get(ByteKey.of(bytes));
            if (lock != null
                    && lock.getLockVersion() == start
                    && lock.getLockType() == Op.PessimisticLock
                    && Long.compareUnsigned(lock.getLockForUpdateTs(), forUpdateTs) <= 0) {
                locks.remove(ByteKey.of(bytes));
            }
        }
    }

    private static KeyError locked(LockInfo lock) {
        return KeyError.newBuilder().setLocked(lock).build();
    }

    private static KeyError conflict(
            long start, Map.Entry<Long, Version> newest, ByteKey key, WriteConflict.Reason reason) {
        return KeyError.newBuilder()
                .setConflict(WriteConflict.newBuilder()
                        .setStartTs(start)
                        .setConflictTs(newest.getValue().startTs())
                        .setConflictCommitTs(newest.getKey())
                        .setKey(key.toByteString())
                        .setReason(reason))
                .setRetryable("WriteConflict")
                .build();
    }
}
