package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.client.region.Backoff;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.SharedBytes;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Mutation;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticLockRequest;
import io.rutile.protocol.kvrpcpb.PessimisticLockResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The pessimistic locks of one transaction. Locks are taken at a for-update timestamp: one that met a newer write is tried again at
 * a newer one, so what a locked key held is always the newest there is. The first key to be locked becomes the primary, and from
 * then on the transaction is kept alive.
 *
 * <p>Keys are in wire form. Threads: any; calls follow one another, the state is guarded by this object.
 */
final class PessimisticLocker {

    /** Newer writes that one request yields to before it gives up. */
    private static final int CONFLICTS_MAX = 64;

    /** What the store waits for a lock before it tells us who holds it: its own bound is the same or greater. */
    private static final long STORE_WAIT_MS_MAX = 1_000;

    private static final long NO_WAIT = -1;

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final BackgroundWork background;
    private final TxnMetrics metrics;
    private final TxnOptions options;
    private final TimeStamp startTs;
    private final TtlKeeper keeper;

    /** Locked keys, and whether they held a value then. */
    private final TreeMap<ByteKey, Boolean> locked = new TreeMap<>();

    private CompletableFuture<?> last = CompletableFuture.completedFuture(null);
    private TimeStamp forUpdateTs;
    private @Nullable ByteKey primary;

    PessimisticLocker(
            TxnRequests requests,
            LockResolver resolver,
            BackgroundWork background,
            TxnMetrics metrics,
            TxnOptions options,
            TimeStamp startTs,
            TtlKeeper keeper) {
        this.requests = requests;
        this.resolver = resolver;
        this.background = background;
        this.metrics = metrics;
        this.options = options;
        this.startTs = startTs;
        this.keeper = keeper;
        this.forUpdateTs = startTs;
    }

    /** Null while nothing is locked. */
    synchronized @Nullable ByteKey primary() {
        return primary;
    }

    /** The newest one that was used. */
    synchronized TimeStamp forUpdateTs() {
        return forUpdateTs;
    }

    /** A copy: locked keys, and whether they held a value when they were locked. */
    synchronized Map<ByteKey, Boolean> locked() {
        return new TreeMap<>(locked);
    }

    /**
     * Locks all keys, or fails and lets go of those that this call added.
     *
     * @param sorted in key order
     * @return what they hold, without those that hold nothing; empty if values are not asked for
     */
    CompletableFuture<Map<ByteKey, byte[]>> lock(List<ByteKey> sorted, boolean returnValues) {
        if (sorted.isEmpty()) {
            return CompletableFuture.completedFuture(Map.of());
        }
        synchronized (this) {
            CompletableFuture<Map<ByteKey, byte[]>> turn = last.handle(
                            (done, failure) -> new Locking(sorted, returnValues))
                    .thenCompose(Locking::run);
            last = turn;
            return turn;
        }
    }

    private synchronized void gained(List<ByteKey> keys, PessimisticLockResponse response) {
        for (int i = 0; i < keys.size(); i++) {
            boolean existed = i < response.getNotFoundsCount() && !response.getNotFounds(i);
            locked.put(keys.get(i), existed);
        }
    }

    private synchronized void raise(TimeStamp fresh) {
        if (fresh.compareTo(forUpdateTs) > 0) {
            forUpdateTs = fresh;
        }
    }

    /** Lets go of everything, in the background. Other transactions' locks and later ones of this one are not touched. */
    CompletableFuture<Void> releaseAll() {
        List<ByteKey> keys;
        synchronized (this) {
            keys = List.copyOf(locked.keySet());
            locked.clear();
        }
        return release(keys);
    }

    private CompletableFuture<Void> release(List<ByteKey> keys) {
        if (keys.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        TimeStamp upTo = forUpdateTs();
        return background.run(
                "pessimistic rollback of " + startTs,
                () -> requests.keyBatches((part, backoff) -> requests.send(
                                        requests.calls().pessimisticRollback(part, startTs, upTo), part.get(0), backoff)
                                .thenAccept(answer -> {}))
                        .carryOut(keys, TxnRequests.within(options.callTimeout())));
    }

    /** One call's locks. */
    private final class Locking {

        private final List<ByteKey> sorted;
        private final boolean returnValues;
        private final Backoff backoff = TxnRequests.within(options.callTimeout().plus(options.lockWait()));
        private final Map<ByteKey, byte[]> values = new ConcurrentHashMap<>();

        /** Keys that this transaction held before this call. */
        private final Set<ByteKey> before = locked().keySet();

        Locking(List<ByteKey> sorted, boolean returnValues) {
            this.sorted = sorted;
            this.returnValues = returnValues;
        }

        CompletableFuture<Map<ByteKey, byte[]>> run() {
            CompletableFuture<Void> lockedAll = requests.timestamp(backoff).thenCompose(now -> {
                raise(now);
                return primary() == null ? lockPrimaryThenRest() : lockAll(sorted, false);
            });
            return Futures.thenEither(
                    lockedAll, done -> CompletableFuture.completedFuture(new HashMap<>(values)), this::giveUp);
        }

        /** Others are judged by the primary, so it comes first. */
        private CompletableFuture<Void> lockPrimaryThenRest() {
            ByteKey first = sorted.get(0);
            return lockAll(List.of(first), sorted.size() == 1).thenCompose(done -> {
                synchronized (PessimisticLocker.this) {
                    primary = first;
                }
                keeper.keep(first);
                return lockAll(sorted.subList(1, sorted.size()), false);
            });
        }

        /** Keys whose requests may still arrive are let go as well: locks up to this timestamp, and no later ones. */
        private CompletableFuture<Map<ByteKey, byte[]>> giveUp(Throwable failure) {
            if (failure instanceof WriteConflictException) {
                metrics.conflict();
            }
            TreeSet<ByteKey> added = new TreeSet<>(sorted);
            synchronized (PessimisticLocker.this) {
                before.forEach(added::remove);
                if (primary != null) {
                    added.remove(primary);
                }
                added.forEach(locked::remove);
            }
            return release(List.copyOf(added))
                    .thenCompose(done -> CompletableFuture.<Map<ByteKey, byte[]>>failedFuture(failure));
        }

        private CompletableFuture<Void> lockAll(List<ByteKey> keys, boolean isFirstLock) {
            return requests.keyBatches((part, partBackoff) -> lockPart(
                            part,
                            isFirstLock,
                            LockWait.ofLocker(requests, resolver, startTs),
                            System.nanoTime(),
                            0,
                            partBackoff))
                    .carryOut(keys, backoff.fork());
        }

        private CompletableFuture<Void> lockPart(
                List<ByteKey> part,
                boolean isFirstLock,
                LockWait wait,
                long waitedSinceNanos,
                int conflicts,
                Backoff partBackoff) {
            return requests.send(
                            requests.calls().pessimisticLock(part, request(part, isFirstLock, waitedSinceNanos)),
                            part.get(0),
                            partBackoff)
                    .thenCompose(answer -> {
                        PessimisticLockResponse response = answer.response();
                        if (response.getErrorsCount() == 0) {
                            take(part, response);
                            return CompletableFuture.completedFuture(null);
                        }
                        KeyError first = response.getErrors(0);
                        if (first.hasConflict() && conflicts < CONFLICTS_MAX) {
                            return requests.timestamp(partBackoff).thenCompose(fresh -> {
                                raise(fresh);
                                return lockPart(part, isFirstLock, wait, waitedSinceNanos, conflicts + 1, partBackoff);
                            });
                        }
                        List<LockInfo> held =
                                requests.errors().locks("KvPessimisticLock", response.getErrorsList(), startTs);
                        return passOrFail(held, wait, waitedSinceNanos, partBackoff)
                                .thenCompose(cleared ->
                                        lockPart(part, isFirstLock, wait, waitedSinceNanos, conflicts, partBackoff));
                    });
        }

        /** Dead owners are cleared whatever the wait; for live ones there is as much of it as is left. */
        private CompletableFuture<Void> passOrFail(
                List<LockInfo> held, LockWait wait, long waitedSinceNanos, Backoff partBackoff) {
            boolean waitIsOver = remainingWait(waitedSinceNanos).toMillis() <= 0;
            if (!waitIsOver) {
                return wait.clear(held, partBackoff);
            }
            return resolver.resolve(held, partBackoff)
                    .thenCompose(verdict -> verdict.waitMs() == 0
                            ? CompletableFuture.completedFuture(null)
                            : CompletableFuture.failedFuture(wait.inVain(held.get(0))));
        }

        private Duration remainingWait(long sinceNanos) {
            return options.lockWait().minusNanos(System.nanoTime() - sinceNanos);
        }

        private PessimisticLockRequest request(List<ByteKey> part, boolean isFirstLock, long waitedSinceNanos) {
            ByteKey chosen = primary();
            // An attempt gets a quarter of the deadline: the store must answer well before it is over.
            long storeWaitMs = Math.min(
                    Math.min(STORE_WAIT_MS_MAX, partBackoffMs() / 8),
                    remainingWait(waitedSinceNanos).toMillis());
            PessimisticLockRequest.Builder request = PessimisticLockRequest.newBuilder()
                    .setPrimaryLock((chosen == null ? sorted.get(0) : chosen).toByteString())
                    .setStartVersion(startTs.value())
                    .setForUpdateTs(forUpdateTs().value())
                    .setLockTtl(keeper.lockTtlMs())
                    .setMinCommitTs(forUpdateTs().value() + 1)
                    .setIsFirstLock(isFirstLock)
                    .setWaitTimeout(storeWaitMs > 0 ? storeWaitMs : NO_WAIT)
                    .setReturnValues(returnValues)
                    .setCheckExistence(true);
            for (ByteKey key : part) {
                request.addMutations(
                        Mutation.newBuilder().setOp(Op.PessimisticLock).setKey(key.toByteString()));
            }
            return request.build();
        }

        private long partBackoffMs() {
            return backoff.deadline().timeoutMs();
        }

        private void take(List<ByteKey> part, PessimisticLockResponse response) {
            if (response.getNotFoundsCount() != part.size()) {
                throw new KvClientException(
                        KvClientException.Kind.SERVER,
                        "KvPessimisticLock: answered for " + response.getNotFoundsCount() + " of " + part.size()
                                + " keys",
                        null,
                        null);
            }
            gained(part, response);
            for (int i = 0; returnValues && i < part.size(); i++) {
                if (!response.getNotFounds(i)) {
                    values.put(part.get(i), SharedBytes.of(response.getValues(i)));
                }
            }
        }
    }
}
