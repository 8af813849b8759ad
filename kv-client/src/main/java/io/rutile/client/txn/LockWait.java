package io.rutile.client.txn;

import io.rutile.client.region.Backoff;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.LockInfo;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request's way past locks: each time it met some, they are judged, and where their owner is alive there is a pause, never
 * longer than the owner's locks live. Threads: one step follows the other.
 */
final class LockWait {

    /** A transaction on its way through commit is gone after a few round trips. */
    private static final BackoffCurve PAUSES = new BackoffCurve(Duration.ofMillis(4), Duration.ofMillis(400));

    /** Where the store has waited already, asking again is the wait. */
    private static final BackoffCurve SHORT_PAUSES = new BackoffCurve(Duration.ofMillis(4), Duration.ofMillis(20));

    /** What is left of a deadline must be enough for one more attempt. */
    private static final long ATTEMPT_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final TimeStamp startTs;
    private final @Nullable PassedLocks passed;
    private final BackoffCurve pauses;
    private int rounds;

    private LockWait(
            TxnRequests requests,
            LockResolver resolver,
            TimeStamp startTs,
            @Nullable PassedLocks passed,
            BackoffCurve pauses) {
        this.requests = requests;
        this.resolver = resolver;
        this.startTs = startTs;
        this.passed = passed;
        this.pauses = pauses;
    }

    /**
     * A reader asks live owners to commit after its moment, and then does not wait for them; nor for the locks of those whose fate is
     * known, unless a store that was told of it still stops at them.
     */
    static LockWait ofReader(TxnRequests requests, LockResolver resolver, TimeStamp startTs, PassedLocks passed) {
        return new LockWait(requests, resolver, startTs, passed, PAUSES);
    }

    static LockWait ofWriter(TxnRequests requests, LockResolver resolver, TimeStamp startTs) {
        return new LockWait(requests, resolver, startTs, null, PAUSES);
    }

    static LockWait ofLocker(TxnRequests requests, LockResolver resolver, TimeStamp startTs) {
        return new LockWait(requests, resolver, startTs, null, SHORT_PAUSES);
    }

    /** Completes when the request is worth sending again; fails with {@link KeyLockedException} when its deadline is over. */
    CompletableFuture<Void> clear(List<LockInfo> locks, Backoff backoff) {
        if (backoff.deadline().isOver()) {
            return CompletableFuture.failedFuture(inVain(locks.get(0)));
        }
        return Futures.thenEither(
                judge(locks, backoff),
                verdict -> follow(verdict, locks.get(0), backoff),
                // At the end of the wait, the lock is the reason and not the question about it.
                failure ->
                        CompletableFuture.failedFuture(backoff.deadline().isOver() ? inVain(locks.get(0)) : failure));
    }

    private CompletableFuture<LockResolver.Verdict> judge(List<LockInfo> locks, Backoff backoff) {
        PassedLocks told = passed;
        if (told == null) {
            return resolver.resolve(locks, backoff);
        }
        boolean toldInVain = locks.stream().anyMatch(lock -> told.contains(lock.getLockVersion()));
        return resolver.resolveForReader(locks, startTs, toldInVain, backoff);
    }

    private CompletableFuture<Void> follow(LockResolver.Verdict verdict, LockInfo lock, Backoff backoff) {
        if (passed != null) {
            passed.add(verdict.hidden(), verdict.visible());
        }
        return verdict.waitMs() == 0 ? CompletableFuture.completedFuture(null) : pause(verdict.waitMs(), lock, backoff);
    }

    private CompletableFuture<Void> pause(long ownerLivesMs, LockInfo lock, Backoff backoff) {
        rounds++;
        long pause = Math.min(pauses.delayNanos(rounds), TimeUnit.MILLISECONDS.toNanos(ownerLivesMs));
        long remaining = Math.max(0, backoff.deadline().remainingNanos());
        if (pause + ATTEMPT_NANOS > remaining) {
            return requests.pause(remaining).thenCompose(over -> CompletableFuture.failedFuture(inVain(lock)));
        }
        return requests.pause(pause);
    }

    KeyLockedException inVain(LockInfo lock) {
        ByteKey key = requests.errors().user(lock.getKey());
        return new KeyLockedException(startTs, key, new TimeStamp(lock.getLockVersion()));
    }
}
