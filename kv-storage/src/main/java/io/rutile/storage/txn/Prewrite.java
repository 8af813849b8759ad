package io.rutile.storage.txn;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.NotCachedException;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Write;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * KvPrewrite: the first phase. Locks every key with what will be written there, or, if it is asked to and may, commits at once.
 *
 * <p>A commit timestamp chosen here is above every read that this store has served: max_ts is looked at only when readers can see
 * the lock in memory (P4). If one can't be chosen, the rest of the request falls back to ordinary locks and the answer says so with
 * zeros.
 */
public final class Prewrite extends TxnCommand<PrewriteResponse> {

    private final ConcurrencyManager concurrency;
    private final PrewriteRequest request;
    private final KeyPrewrite.Rules rules;
    private final Map<Integer, Long> forUpdateTsConstraints = new HashMap<>();
    private final List<MvccKey> inMemory = new ArrayList<>();

    public Prewrite(ConcurrencyManager concurrency, PrewriteRequest request) {
        super(
                request.getContext(),
                TxnRequests.mutated(request.getContext(), request.getMutationsList()),
                writeBytes(request));
        this.concurrency = concurrency;
        this.request = request;
        this.rules = new KeyPrewrite.Rules(
                ByteKey.of(request.getPrimaryLock()),
                request.getStartVersion(),
                request.getForUpdateTs(),
                request.getForUpdateTs() != 0,
                request.getSkipConstraintCheck(),
                request.getContext().getIsRetryRequest(),
                request.getAssertionLevel());
        request.getForUpdateTsConstraintsList()
                .forEach(c -> forUpdateTsConstraints.put(c.getIndex(), c.getExpectedForUpdateTs()));
    }

    /** Every lock repeats the primary. */
    private static long writeBytes(PrewriteRequest request) {
        return request.getSerializedSize()
                + (long) request.getMutationsCount()
                        * (64 + request.getPrimaryLock().size());
    }

    /** Whether a key must not exist is a read at start_ts: max_ts must say so before the snapshot is taken (P4). */
    @Override
    void announce(ConcurrencyManager concurrency) {
        boolean reads = request.getMutationsList().stream()
                .anyMatch(m -> m.getOp() == Op.Insert || m.getOp() == Op.CheckNotExists);
        if (reads) {
            concurrency.raise(request.getStartVersion());
        }
    }

    @Override
    boolean choosesCommitTs() {
        return request.getTryOnePc() || request.getUseAsyncCommit();
    }

    @Override
    public CommandResult<PrewriteResponse> process(KvSnapshot snapshot) {
        if (choosesCommitTs() && !snapshot.maxTsSynced()) {
            throw RegionErrors.maxTimestampNotSynced(context().getRegionId());
        }
        try {
            return super.process(snapshot);
        } catch (NotCachedException disk) {
            // Processed again, it chooses again, above what has been read meanwhile (P4).
            takeDown();
            throw disk;
        }
    }

    @Override
    public boolean isShort() {
        return keys().size() <= KEYS_FEW;
    }

    @Override
    PrewriteResponse decide(MvccReader reader, MvccTxn txn) {
        checkRequest();
        Attempt attempt = new Attempt(reader, txn);
        PrewriteResponse answer = attempt.run();
        if (answer.getErrorsCount() > 0) {
            // All keys or none.
            txn.clear();
        }
        return answer;
    }

    private void checkRequest() {
        TxnRequests.checkLengths(keys());
        for (int index : forUpdateTsConstraints.keySet()) {
            if (index < 0 || index >= request.getMutationsCount()) {
                throw KeyFailure.refused("InvalidForUpdateTsConstraint", "index: " + index);
            }
        }
    }

    @Override
    PrewriteResponse refused(KeyError error) {
        return PrewriteResponse.newBuilder().addErrors(error).build();
    }

    /** The locks can be seen in the engine now, or never will. */
    @Override
    public void settled(boolean written) {
        takeDown();
    }

    private void takeDown() {
        inMemory.forEach(concurrency::remove);
        inMemory.clear();
    }

    /** One run over the request's keys. */
    private final class Attempt {
        private final MvccReader reader;
        private final MvccTxn txn;
        /** What 1PC will commit, in order of the request. */
        private final Map<MvccKey, Lock> onePhase = new LinkedHashMap<>();

        private final Map<MvccKey, Lock> replaced = new HashMap<>();
        private final List<KeyError> locked = new ArrayList<>();
        private @Nullable KeyFailure assertionFailure;
        private CommitProtocol protocol = request.getTryOnePc()
                ? CommitProtocol.ONE_PHASE
                : request.getUseAsyncCommit() ? CommitProtocol.ASYNC : CommitProtocol.TWO_PHASE;
        private long minCommitTs;

        private Attempt(MvccReader reader, MvccTxn txn) {
            this.reader = reader;
            this.txn = txn;
        }

        PrewriteResponse run() {
            int count = request.getMutationsCount();
            if (rules.pessimistic()) {
                count = Math.min(count, request.getPessimisticActionsCount());
            }
            for (int i = 0; i < count; i++) {
                MvccKey key = keys().get(i);
                try {
                    prewrite(key, i);
                } catch (KeyFailure failure) {
                    PrewriteResponse committed = ifCommitted(key, failure);
                    if (committed != null) {
                        return committed;
                    }
                    note(failure);
                }
            }
            if (assertionFailure != null) {
                return refused(assertionFailure.error());
            }
            if (!locked.isEmpty()) {
                return PrewriteResponse.newBuilder().addAllErrors(locked).build();
            }
            return protocol == CommitProtocol.ONE_PHASE ? commitAtOnce() : prewritten();
        }

        /** Keeps what doesn't decide yet; throws what does. */
        private void note(KeyFailure failure) {
            switch (failure.kind()) {
                case LOCKED -> locked.add(failure.error());
                case ASSERTION_FAILED -> assertionFailure = assertionFailure == null ? failure : assertionFailure;
                default -> throw failure;
            }
        }

        private void prewrite(MvccKey key, int i) {
            Mutation mutation = request.getMutations(i);
            LockKind kind = KeyPrewrite.lockKind(mutation.getOp());
            if (kind == null && rules.pessimistic()) {
                throw KeyFailure.refused("CheckNotExists", "not served in a pessimistic transaction");
            }
            PessimisticAction action =
                    rules.pessimistic() ? request.getPessimisticActions(i) : PessimisticAction.SKIP_PESSIMISTIC_CHECK;
            KeyPrewrite check = new KeyPrewrite(reader, rules, key, mutation, action);
            Lock own = check.ownLock(forUpdateTsConstraints.get(i));
            if (own != null && !own.isPessimistic()) {
                repeated(own);
                return;
            }
            check.checkHistory();
            if (kind != null) {
                lock(key, kind, mutation.getValue(), own);
            }
        }

        /** Prewritten before, by a request that this one repeats. */
        private void repeated(Lock own) {
            if (protocol == CommitProtocol.ASYNC && own.isAsyncCommit()) {
                minCommitTs = Ts.max(minCommitTs, own.minCommitTs());
            } else if (protocol != CommitProtocol.TWO_PHASE) {
                fallBack();
            }
        }

        private void lock(MvccKey key, LockKind kind, ByteString value, @Nullable Lock pessimistic) {
            Lock.Builder lock = Lock.builder(kind, rules.primary(), rules.startTs())
                    .ttlMs(request.getLockTtl())
                    .txnSize(request.getTxnSize())
                    .forUpdateTs(rules.forUpdateTs())
                    .minCommitTs(request.getMinCommitTs());
            if (pessimistic != null) {
                lock.ttlMs(Ts.max(request.getLockTtl(), pessimistic.ttlMs()))
                        .forUpdateTs(Ts.max(rules.forUpdateTs(), pessimistic.forUpdateTs()))
                        .minCommitTs(Ts.max(request.getMinCommitTs(), pessimistic.minCommitTs()));
                pessimistic.rolledBack().forEach(lock::addRolledBack);
                replaced.put(key, pessimistic);
            }
            if (kind == LockKind.PUT) {
                byte[] bytes = SharedBytes.of(value);
                if (bytes.length <= Write.SHORT_VALUE_BYTES_MAX) {
                    lock.shortValue(bytes);
                } else {
                    txn.putValue(key, rules.startTs(), bytes);
                }
            }
            Lock ordinary = lock.build();
            if (protocol == CommitProtocol.TWO_PHASE) {
                txn.putLock(key, ordinary);
                return;
            }
            Lock chosen;
            try {
                chosen = choose(key, ordinary);
            } catch (KeyFailure tooLarge) {
                if (committedBefore(key) != null) {
                    throw tooLarge;
                }
                fallBack();
                txn.putLock(key, ordinary);
                return;
            }
            minCommitTs = Ts.max(minCommitTs, chosen.minCommitTs());
            if (protocol == CommitProtocol.ASYNC) {
                txn.putLock(key, chosen);
            } else {
                onePhase.put(key, ordinary);
            }
        }

        /** With a commit timestamp that no reader has passed (P4). */
        private Lock choose(MvccKey key, Lock ordinary) {
            Lock.Builder lock = ordinary.toBuilder();
            if (protocol == CommitProtocol.ASYNC) {
                lock.asyncCommit(ordinary.isPrimary(key) ? secondaries() : List.of());
            } else {
                lock.onePc();
            }
            Lock chosen = concurrency.put(key, maxTs -> {
                long above = Ts.max(maxTs, Ts.max(rules.startTs(), rules.forUpdateTs())) + 1;
                long min = Ts.max(above, ordinary.minCommitTs());
                if (request.getMaxCommitTs() != 0 && Ts.isAfter(min, request.getMaxCommitTs())) {
                    throw KeyFailure.commitTsTooLarge(key, rules.startTs(), min);
                }
                return lock.minCommitTs(min).build();
            });
            inMemory.add(key);
            return chosen;
        }

        private List<ByteKey> secondaries() {
            return request.getSecondariesList().stream().map(ByteKey::of).toList();
        }

        /** From here on ordinary locks; what 1PC had meant to commit becomes one too, what async commit has locked stays. */
        private void fallBack() {
            protocol = CommitProtocol.TWO_PHASE;
            minCommitTs = 0;
            onePhase.forEach(txn::putLock);
            onePhase.clear();
        }

        private PrewriteResponse prewritten() {
            return PrewriteResponse.newBuilder()
                    .setMinCommitTs(protocol == CommitProtocol.ASYNC ? minCommitTs : 0)
                    .build();
        }

        private PrewriteResponse commitAtOnce() {
            if (onePhase.isEmpty()) {
                return PrewriteResponse.getDefaultInstance();
            }
            onePhase.forEach((key, lock) -> {
                txn.commit(key, lock, minCommitTs);
                Lock pessimistic = replaced.get(key);
                if (pessimistic != null) {
                    txn.unlock(key, pessimistic, minCommitTs);
                }
            });
            return PrewriteResponse.newBuilder()
                    .setOnePcCommitTs(minCommitTs)
                    .setMinCommitTs(request.getUseAsyncCommit() ? minCommitTs : 0)
                    .build();
        }

        /** A repeated request whose transaction has committed meanwhile has succeeded, all of it (P5). */
        private @Nullable PrewriteResponse ifCommitted(MvccKey key, KeyFailure failure) {
            if (!FORGIVEN.contains(failure.kind())) {
                return null;
            }
            Long commitTs = committedBefore(key);
            if (commitTs == null) {
                return null;
            }
            txn.clear();
            return PrewriteResponse.newBuilder()
                    .setMinCommitTs(request.getUseAsyncCommit() ? commitTs : 0)
                    .setOnePcCommitTs(request.getTryOnePc() ? commitTs : 0)
                    .build();
        }

        private @Nullable Long committedBefore(MvccKey key) {
            return reader.recordOf(key, rules.startTs()) instanceof OwnRecord.Committed committed
                    ? committed.version().ts()
                    : null;
        }
    }

    /** What may be in the way only because the transaction has committed already. */
    private static final Set<KeyFailure.Kind> FORGIVEN = Set.of(
            KeyFailure.Kind.LOCKED,
            KeyFailure.Kind.WRITE_CONFLICT,
            KeyFailure.Kind.PESSIMISTIC_LOCK_NOT_FOUND,
            KeyFailure.Kind.COMMIT_TS_TOO_LARGE);
}
