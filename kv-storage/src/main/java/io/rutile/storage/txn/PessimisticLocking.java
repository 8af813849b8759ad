package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import io.rutile.storage.command.DeadlockDetection;
import io.rutile.storage.command.LockWait;
import io.rutile.storage.command.LockWaitQueue;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * KvPessimisticLock with its waiting: attempt, wait for whoever holds the key, and either tell the client to start over or, in
 * force-lock mode, attempt again. Blocks no thread. Waiting ends with a release, a deadlock or the time-out, whichever comes first.
 */
public final class PessimisticLocking {

    private final TxnScheduler scheduler;
    private final LockWaitQueue queue;
    private final DeadlockDetection deadlocks;
    private final long waitMaxMs;

    /** @param waitMax what a request that names no time-out waits, and the longest that any may wait */
    public PessimisticLocking(
            TxnScheduler scheduler, LockWaitQueue queue, DeadlockDetection deadlocks, Duration waitMax) {
        this.scheduler = scheduler;
        this.queue = queue;
        this.deadlocks = deadlocks;
        this.waitMaxMs = waitMax.toMillis();
    }

    public CompletableFuture<PessimisticLockResponse> lock(KvContext ctx, PessimisticLockRequest request) {
        return new Waiting(ctx, request).attempt(null);
    }

    /** One request on its way. */
    private final class Waiting {
        private final KvContext ctx;
        private final PessimisticLockRequest request;
        private final long deadlineNanos;

        private Waiting(KvContext ctx, PessimisticLockRequest request) {
            this.ctx = ctx;
            this.request = request;
            long wanted = request.getWaitTimeout();
            long waitMs = wanted > 0 ? Math.min(wanted, waitMaxMs) : wanted == 0 ? waitMaxMs : 0;
            long patience = Math.min(
                    TimeUnit.MILLISECONDS.toNanos(waitMs), Math.max(0, ctx.deadlineNanos() - System.nanoTime()));
            this.deadlineNanos = System.nanoTime() + patience;
        }

        /** @param before what it waited for until now, null the first time */
        CompletableFuture<PessimisticLockResponse> attempt(@Nullable LockWait before) {
            PessimisticLock attempt = new PessimisticLock(request, (key, holder) -> held(key, holder, before));
            return scheduler
                    .run(ctx, attempt)
                    .handle((outcome, failure) -> {
                        if (before != null) {
                            passOn(before, attempt.acquired(), failure == null ? outcome : null);
                        }
                        return failure == null
                                ? follow(outcome)
                                : CompletableFuture.<PessimisticLockResponse>failedFuture(failure);
                    })
                    .thenCompose(answer -> answer);
        }

        /** Under the key's latch. */
        private LockOutcome held(MvccKey key, Lock holder, @Nullable LockWait before) {
            if (request.getWaitTimeout() < 0) {
                return new LockOutcome.Answered(LockAnswers.held(request, key, holder, 0), false);
            }
            return new LockOutcome.MustWait(queue.enqueue(
                    key,
                    request.getStartVersion(),
                    PessimisticLock.isForceLock(request),
                    holder,
                    deadlineNanos,
                    before,
                    request.getContext().getResourceGroupTag()));
        }

        private CompletableFuture<PessimisticLockResponse> follow(LockOutcome outcome) {
            if (outcome instanceof LockOutcome.Answered answered) {
                return CompletableFuture.completedFuture(answered.response());
            }
            LockWait wait = ((LockOutcome.MustWait) outcome).until();
            watchForDeadlock(wait);
            return wait.ended().thenCompose(end -> ended(wait, end));
        }

        private void watchForDeadlock(LockWait wait) {
            if (request.getIsFirstLock()) {
                return; // who holds nothing is waited for by nobody
            }
            DeadlockWatch watch = new DeadlockWatch(deadlocks, wait);
            wait.watch(watch);
            watch.begin();
        }

        private CompletableFuture<PessimisticLockResponse> ended(LockWait wait, LockWait.End end) {
            if (end instanceof LockWait.End.Resumed) {
                return attempt(wait);
            }
            return CompletableFuture.completedFuture(answer(wait, end));
        }

        private PessimisticLockResponse answer(LockWait wait, LockWait.End end) {
            if (end instanceof LockWait.End.Released released) {
                return LockAnswers.released(request, released.lock());
            }
            if (end instanceof LockWait.End.Deadlocked deadlocked) {
                return LockAnswers.deadlock(request, wait.key(), wait.holder(), deadlocked.found());
            }
            return LockAnswers.held(request, wait.key(), wait.holder(), wait.sinceHolderChangedMs());
        }

        /** Who was let go first owes those behind it the lock, or their turn. */
        private void passOn(LockWait before, @Nullable Lock acquired, @Nullable LockOutcome outcome) {
            if (acquired != null && outcome instanceof LockOutcome.Answered answered && answered.locked()) {
                queue.holderChanged(before.key(), acquired);
            } else if (!(outcome instanceof LockOutcome.MustWait)) {
                queue.nextTurn(before.key());
            }
        }
    }
}
