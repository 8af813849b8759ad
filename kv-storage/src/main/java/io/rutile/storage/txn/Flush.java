package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.kvrpcpb.FlushRequest;
import io.rutile.protocol.kvrpcpb.FlushResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PrewriteRequest.PessimisticAction;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Write;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * KvFlush: a piece of a transaction that is too large for its client's memory, prewritten as it grows. Later generations overwrite
 * earlier ones, whatever the order in which they arrive. Unlike a prewrite, keys that others have locked don't hold the rest up.
 */
public final class Flush extends TxnCommand<FlushResponse> {

    /** As large as a transaction can be: nobody resolves its locks one by one. */
    private static final long TXN_SIZE = -1L;

    private final FlushRequest request;
    private final KeyPrewrite.Rules rules;

    public Flush(FlushRequest request) {
        super(
                request.getContext(),
                TxnRequests.mutated(request.getContext(), request.getMutationsList()),
                request.getSerializedSize()
                        + (long) request.getMutationsCount()
                                * (64 + request.getPrimaryKey().size()));
        this.request = request;
        this.rules = new KeyPrewrite.Rules(
                ByteKey.of(request.getPrimaryKey()),
                request.getStartTs(),
                0,
                false,
                false,
                request.getContext().getIsRetryRequest(),
                request.getAssertionLevel());
    }

    /** As a prewrite's (P4). */
    @Override
    void announce(ConcurrencyManager concurrency) {
        boolean reads = request.getMutationsList().stream()
                .anyMatch(m -> m.getOp() == Op.Insert || m.getOp() == Op.CheckNotExists);
        if (reads) {
            concurrency.raise(request.getStartTs());
        }
    }

    @Override
    FlushResponse decide(MvccReader reader, MvccTxn txn) {
        if (request.getGeneration() == 0) {
            throw KeyFailure.refused("InvalidGeneration", "generation: 0");
        }
        TxnRequests.checkLengths(keys());
        List<KeyError> locked = new ArrayList<>();
        for (int i = 0; i < keys().size(); i++) {
            try {
                flush(reader, txn, keys().get(i), request.getMutations(i));
            } catch (KeyFailure failure) {
                if (failure.kind() != KeyFailure.Kind.LOCKED) {
                    throw failure;
                }
                locked.add(failure.error());
            }
        }
        return FlushResponse.newBuilder().addAllErrors(locked).build();
    }

    private void flush(MvccReader reader, MvccTxn txn, MvccKey key, Mutation mutation) {
        LockKind kind = KeyPrewrite.lockKind(mutation.getOp());
        KeyPrewrite check = new KeyPrewrite(reader, rules, key, mutation, PessimisticAction.SKIP_PESSIMISTIC_CHECK);
        Lock own = check.ownLock(null);
        if (own == null) {
            check.checkHistory();
        } else if (!Ts.isAfter(request.getGeneration(), own.generation())) {
            return; // late, or a repetition
        } else if (check.mustNotExist() && own.kind() == LockKind.PUT) {
            throw KeyFailure.alreadyExists(key);
        }
        if (kind != null) {
            lock(txn, key, kind, mutation, own);
        }
    }

    private void lock(MvccTxn txn, MvccKey key, LockKind kind, Mutation mutation, @Nullable Lock own) {
        Lock.Builder lock = Lock.builder(kind, rules.primary(), rules.startTs())
                .ttlMs(request.getLockTtl())
                .txnSize(TXN_SIZE)
                .generation(request.getGeneration())
                .minCommitTs(Ts.max(request.getMinCommitTs(), rules.startTs() + 1));
        if (own != null) {
            lock.ttlMs(Ts.max(request.getLockTtl(), own.ttlMs()))
                    .minCommitTs(Ts.max(own.minCommitTs(), rules.startTs() + 1));
            own.rolledBack().forEach(lock::addRolledBack);
        }
        boolean isLong = false;
        if (kind == LockKind.PUT) {
            byte[] value = SharedBytes.of(mutation.getValue());
            isLong = value.length > Write.SHORT_VALUE_BYTES_MAX;
            if (isLong) {
                txn.putValue(key, rules.startTs(), value);
            } else {
                lock.shortValue(value);
            }
        }
        if (!isLong && own != null && own.kind() == LockKind.PUT && own.shortValue() == null) {
            txn.deleteValue(key, rules.startTs());
        }
        txn.putLock(key, lock.build());
    }

    @Override
    FlushResponse refused(KeyError error) {
        return FlushResponse.newBuilder().addErrors(error).build();
    }
}
