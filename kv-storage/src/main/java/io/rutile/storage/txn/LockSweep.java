package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.TxnInfo;
import io.rutile.storage.command.AnswerBudget;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The RPCs that find a Region's locks themselves: KvResolveLock without keys, and KVPessimisticRollback without keys. A stretch is
 * looked through without latches, what it holds is resolved under them, and so on to the Region's end; what has changed in between
 * the command sees.
 */
public final class LockSweep {

    /** Locks that are resolved in one write. */
    private static final int LOCKS_AT_A_TIME = 256;

    private final ReadPool pool;
    private final TxnScheduler scheduler;

    public LockSweep(ReadPool pool, TxnScheduler scheduler) {
        this.pool = pool;
        this.scheduler = scheduler;
    }

    public CompletableFuture<ResolveLockResponse> resolve(KvContext ctx, ResolveLockRequest request) {
        if (request.getKeysCount() > 0) {
            return scheduler.run(ctx, new ResolveLockLite(request));
        }
        Map<Long, Long> outcomes = outcomes(request);
        return sweep(
                ctx,
                ByteKey.EMPTY,
                lock -> outcomes.containsKey(lock.startTs()),
                keys -> scheduler.run(ctx, new ResolvedLocks(ctx.request(), keys, outcomes)),
                ResolveLockResponse::hasError,
                ResolveLockResponse.getDefaultInstance());
    }

    /** Commit timestamps by start timestamp, 0 for rolled back; a single transaction hides the list. */
    private static Map<Long, Long> outcomes(ResolveLockRequest request) {
        if (request.getStartVersion() != 0) {
            return Map.of(request.getStartVersion(), request.getCommitVersion());
        }
        Map<Long, Long> outcomes = new HashMap<>();
        for (TxnInfo txn : request.getTxnInfosList()) {
            outcomes.put(txn.getTxn(), txn.getStatus());
        }
        return outcomes;
    }

    public CompletableFuture<PessimisticRollbackResponse> rollback(KvContext ctx, PessimisticRollbackRequest request) {
        if (request.getKeysCount() > 0) {
            return scheduler.run(ctx, new PessimisticRollback(request));
        }
        return sweep(
                ctx,
                ByteKey.EMPTY,
                lock -> PessimisticRollback.isMeant(request, lock),
                keys -> scheduler.run(ctx, new PessimisticRollback(request, keys)),
                answer -> answer.getErrorsCount() > 0,
                PessimisticRollbackResponse.getDefaultInstance());
    }

    private <R> CompletableFuture<R> sweep(
            KvContext ctx,
            ByteKey from,
            Predicate<Lock> meant,
            Function<List<MvccKey>, CompletableFuture<R>> resolve,
            Predicate<R> failed,
            R done) {
        return pool.read(ctx, snapshot -> {
                    List<MvccKey> keys = new ArrayList<>();
                    ByteKey next = null;
                    AnswerBudget budget = new AnswerBudget(ctx, Long.MAX_VALUE);
                    try (KvCursor cursor = snapshot.cursor(Cf.LOCK, new KeyRange(from, ByteKey.EMPTY))) {
                        for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                            budget.look();
                            if (keys.size() == LOCKS_AT_A_TIME) {
                                next = ByteKey.wrap(cursor.key());
                                break;
                            }
                            if (meant.test(Lock.decode(cursor.value()))) {
                                keys.add(MvccKey.ofEncoded(cursor.key()));
                            }
                        }
                    }
                    return new Stretch(keys, next);
                })
                .thenCompose(stretch -> {
                    if (stretch.keys().isEmpty()) {
                        return CompletableFuture.completedFuture(done);
                    }
                    return resolve.apply(stretch.keys()).thenCompose(answer -> {
                        ByteKey next = stretch.next();
                        return next == null || failed.test(answer)
                                ? CompletableFuture.completedFuture(answer)
                                : sweep(ctx, next, meant, resolve, failed, done);
                    });
                });
    }

    /** @param next where the next stretch begins, null at the Region's end */
    private record Stretch(List<MvccKey> keys, @Nullable ByteKey next) {}
}
