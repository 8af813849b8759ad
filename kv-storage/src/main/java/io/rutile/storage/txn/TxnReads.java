package io.rutile.storage.txn;

import com.google.protobuf.UnsafeByteOperations;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.BatchGetRequest;
import io.rutile.protocol.kvrpcpb.BatchGetResponse;
import io.rutile.protocol.kvrpcpb.BufferBatchGetRequest;
import io.rutile.protocol.kvrpcpb.BufferBatchGetResponse;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.kvrpcpb.GetResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * KvGet, KvBatchGet and KvBufferBatchGet. A read raises max_ts, then looks at the locks in memory, and only then takes its snapshot
 * (P4). A stale read does neither: whoever promises its snapshot has seen to it long before (P8).
 */
public final class TxnReads {

    private final ReadPool pool;
    private final ConcurrencyManager concurrency;
    private final ApiVersion apiVersion;
    private final long answerBytesMax;

    public TxnReads(ReadPool pool, ConcurrencyManager concurrency, ApiVersion apiVersion, long answerBytesMax) {
        this.pool = pool;
        this.concurrency = concurrency;
        this.apiVersion = apiVersion;
        this.answerBytesMax = answerBytesMax;
    }

    public CompletableFuture<GetResponse> get(KvContext ctx, GetRequest request) {
        MvccKey key = MvccKey.of(request.getKey());
        Optional<KeyError> refusal = apiVersion.refusalOfTxn(ctx.request(), List.of(key));
        ReadView view = new ReadView(ctx.request(), request.getVersion(), request.getNeedCommitTs());
        KeyError failure = refusal.orElseGet(() -> announce(view, List.of(key)));
        if (failure != null) {
            return CompletableFuture.completedFuture(failedGet(failure));
        }
        KvContext reading = ctx.reading(() -> ReplicaReads.of(view.version(), List.of(key)));
        CompletableFuture<GetResponse> read = pool.readFew(reading, snapshot -> {
            try (MvccReader reader = new MvccReader(snapshot)) {
                ReadView.Seen seen = view.see(reader, key, reader.lock(key));
                if (seen == null) {
                    return GetResponse.newBuilder().setNotFound(true).build();
                }
                return GetResponse.newBuilder()
                        .setValue(UnsafeByteOperations.unsafeWrap(seen.value()))
                        .setCommitTs(request.getNeedCommitTs() ? seen.commitTs() : 0)
                        .build();
            } catch (KeyFailure locked) {
                return failedGet(locked.error());
            }
        });
        return ReplicaReads.orLocked(reading, read, TxnReads::failedGet);
    }

    private static GetResponse failedGet(KeyError error) {
        return GetResponse.newBuilder().setError(error).build();
    }

    /** Pairs found, in the order of the request; a key that cannot be read is a pair with nothing but its error. */
    public CompletableFuture<BatchGetResponse> batchGet(KvContext ctx, BatchGetRequest request) {
        List<MvccKey> keys = TxnRequests.keys(ctx.request(), request.getKeysList());
        Optional<KeyError> refusal = apiVersion.refusalOfTxn(ctx.request(), keys);
        ReadView view = new ReadView(ctx.request(), request.getVersion(), request.getNeedCommitTs());
        KeyError failure = refusal.orElseGet(() -> announce(view, keys));
        if (failure != null) {
            return CompletableFuture.completedFuture(failedBatchGet(failure));
        }
        KvContext reading = ctx.reading(() -> ReplicaReads.of(view.version(), keys));
        CompletableFuture<BatchGetResponse> read = pool.read(reading, snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            BatchGetResponse.Builder answer = BatchGetResponse.newBuilder();
            try (MvccReader reader = new MvccReader(snapshot)) {
                for (MvccKey key : keys) {
                    budget.look();
                    KvPair pair = pair(reader, view, key, request.getNeedCommitTs());
                    if (pair != null) {
                        budget.take(pair.getKey().size(), pair.getValue().size());
                        answer.addPairs(pair);
                    }
                }
            }
            return answer.build();
        });
        return ReplicaReads.orLocked(reading, read, TxnReads::failedBatchGet);
    }

    private static BatchGetResponse failedBatchGet(KeyError error) {
        return BatchGetResponse.newBuilder()
                .setError(error)
                .addPairs(KvPair.newBuilder().setError(error))
                .build();
    }

    private static @Nullable KvPair pair(MvccReader reader, ReadView view, MvccKey key, boolean needCommitTs) {
        try {
            ReadView.Seen seen = view.see(reader, key, reader.lock(key));
            return seen == null
                    ? null
                    : KvPair.newBuilder()
                            .setKey(key.user().toByteString())
                            .setValue(UnsafeByteOperations.unsafeWrap(seen.value()))
                            .setCommitTs(needCommitTs ? seen.commitTs() : 0)
                            .build();
        } catch (KeyFailure failure) {
            return KvPair.newBuilder().setError(failure.error()).build();
        }
    }

    /** What a transaction has flushed itself; deletes are empty values, other keys are left out. */
    public CompletableFuture<BufferBatchGetResponse> bufferBatchGet(KvContext ctx, BufferBatchGetRequest request) {
        List<MvccKey> keys = TxnRequests.keys(ctx.request(), request.getKeysList());
        Optional<KeyError> refusal = apiVersion.refusalOfTxn(ctx.request(), keys);
        if (refusal.isPresent()) {
            return CompletableFuture.completedFuture(
                    BufferBatchGetResponse.newBuilder().setError(refusal.get()).build());
        }
        return pool.read(ctx, snapshot -> {
            AnswerBudget budget = new AnswerBudget(ctx, answerBytesMax);
            BufferBatchGetResponse.Builder answer = BufferBatchGetResponse.newBuilder();
            try (MvccReader reader = new MvccReader(snapshot)) {
                for (MvccKey key : keys) {
                    budget.look();
                    Lock lock = reader.lock(key);
                    if (lock == null || lock.startTs() != request.getVersion() || lock.generation() == 0) {
                        continue;
                    }
                    if (lock.kind() == LockKind.PUT || lock.kind() == LockKind.DELETE) {
                        KvPair.Builder pair =
                                KvPair.newBuilder().setKey(key.user().toByteString());
                        if (lock.kind() == LockKind.PUT) {
                            pair.setValue(UnsafeByteOperations.unsafeWrap(reader.value(key, lock)));
                        }
                        budget.take(pair.getKey().size(), pair.getValue().size());
                        answer.addPairs(pair);
                    }
                }
            }
            return answer.build();
        });
    }

    /** Before the snapshot: says at which version these keys are read, and looks who is choosing a commit timestamp for one. */
    private @Nullable KeyError announce(ReadView view, List<MvccKey> keys) {
        if (view.isStale()) {
            return null;
        }
        concurrency.raise(view.version());
        for (MvccKey key : keys) {
            KeyFailure failure = concurrency.at(key, view::refusalBy);
            if (failure != null) {
                return failure.error();
            }
        }
        return null;
    }

    /** The same for a range of encoded keys. */
    static @Nullable KeyError announce(ConcurrencyManager concurrency, ReadView view, KeyRange encoded) {
        if (view.isStale()) {
            return null;
        }
        concurrency.raise(view.version());
        KeyFailure failure = concurrency.first(encoded, view::refusalBy);
        return failure == null ? null : failure.error();
    }
}
