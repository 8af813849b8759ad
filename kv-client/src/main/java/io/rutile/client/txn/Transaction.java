package io.rutile.client.txn;

import io.opentelemetry.context.Context;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.KeySpace;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.trace.TraceParent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One transaction. Reads see what was committed when it began, and its own writes; writes stay here until {@link #commit}. It ends
 * with {@code commit}, {@link #rollback} or {@link #close}, whichever comes first; calls after that fail with {@code INVALID}.
 *
 * <p>Safe from any thread; writes made while a commit or a scan is under way may be left out of it.
 */
public final class Transaction implements TxnReader, AutoCloseable {

    private enum State {
        ACTIVE,
        COMMITTING,
        COMMITTED,
        /** Rolled back, or its commit failed. */
        ENDED
    }

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final BackgroundWork background;
    private final TxnMetrics metrics;
    private final TxnOptions options;
    private final TimeStamp startTs;
    private final KeySpace keys;
    private final SafePoints.Guard guard;
    private final SnapshotReads reads;
    private final MemBuffer buffer;
    private final TtlKeeper keeper;
    private final PessimisticLocker locker;

    private State state = State.ACTIVE;
    private @Nullable TimeStamp commitTs;

    /**
     * @param guard watches over reads at the start timestamp
     * @param begunNanos when the start timestamp was there, on the monotonic clock
     */
    Transaction(
            TxnRequests requests,
            LockResolver resolver,
            BackgroundWork background,
            TxnMetrics metrics,
            TxnOptions options,
            TimeStamp startTs,
            SafePoints.Guard guard,
            long begunNanos) {
        this.requests = requests;
        this.resolver = resolver;
        this.background = background;
        this.metrics = metrics;
        this.options = options;
        this.startTs = startTs;
        this.guard = guard;
        keys = requests.keys();
        reads = new SnapshotReads(requests, resolver, startTs, guard);
        buffer = new MemBuffer(startTs, options.bytesMax(), options.entriesMax(), metrics);
        keeper = new TtlKeeper(requests, metrics, startTs, begunNanos, options);
        locker = new PessimisticLocker(requests, resolver, background, metrics, options, startTs, keeper);
    }

    @Override
    public TimeStamp startTs() {
        return startTs;
    }

    /**
     * The moment from which others see it; the start timestamp if it wrote nothing.
     *
     * @throws IllegalStateException unless {@link #commit} has succeeded
     */
    public synchronized TimeStamp commitTs() {
        TimeStamp at = commitTs;
        if (at == null) {
            throw new IllegalStateException("transaction " + startTs + " is not committed");
        }
        return at;
    }

    // ---- reads

    @Override
    public CompletableFuture<Optional<byte[]>> get(ByteKey key) {
        return whileActive(() -> {
            ByteKey wire = keys.toWire(key);
            TxnMutation own = buffer.find(wire);
            return own != null ? CompletableFuture.completedFuture(valueOf(own)) : reads.get(wire, backoff());
        });
    }

    private static Optional<byte[]> valueOf(TxnMutation own) {
        return own.op() == Op.Put || own.op() == Op.Insert ? Optional.of(own.value()) : Optional.empty();
    }

    @Override
    public CompletableFuture<Map<ByteKey, byte[]>> batchGet(List<ByteKey> wanted) {
        return whileActive(() -> {
            Map<ByteKey, byte[]> found = new HashMap<>();
            List<ByteKey> elsewhere = new ArrayList<>();
            for (ByteKey key : wanted) {
                TxnMutation own = buffer.find(keys.toWire(key));
                if (own == null) {
                    elsewhere.add(keys.toWire(key));
                } else {
                    valueOf(own).ifPresent(value -> found.put(key, value));
                }
            }
            return reads.batchGet(TxnRequests.sorted(elsewhere), backoff()).thenApply(stored -> {
                stored.forEach((key, value) -> found.put(keys.fromWire(key), value));
                return found;
            });
        });
    }

    @Override
    public CompletableFuture<List<Pair>> scan(ScanRequest request) {
        return whileActive(() -> {
            List<Pair> all = new ArrayList<>();
            Backoff backoff = backoff();
            return scan(TxnSnapshot.bounded(request), backoff::fork, pairs -> {
                        all.addAll(pairs);
                        return CompletableFuture.completedFuture(null);
                    })
                    .thenApply(done -> all);
        });
    }

    @Override
    public CompletableFuture<Void> scan(ScanRequest request, PairConsumer consumer) {
        // Later pages are asked for by whoever takes them.
        Context trace = TraceParent.current();
        return whileActive(() -> scan(request, () -> TxnRequests.within(options.callTimeout(), trace), consumer));
    }

    private CompletableFuture<Void> scan(ScanRequest request, Supplier<Backoff> pageBackoff, PairConsumer consumer) {
        KeyRange range = keys.toWire(request.range());
        if (range.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        BufferedScan merged = new BufferedScan(
                buffer.range(range),
                request.reverse(),
                request.keysOnly(),
                request.limit(),
                pairs -> consumer.accept(TxnSnapshot.pairsToUser(keys, pairs)));
        return new SnapshotScan(reads, range, request.reverse(), request.keysOnly(), pageBackoff, merged)
                .run()
                .thenCompose(done -> merged.finish());
    }

    // ---- writes

    /**
     * Writes a value at commit.
     *
     * @throws TransactionTooLargeException if that would take the transaction past its bounds
     * @throws KvClientException {@code INVALID} if the key is empty or too long, or the transaction has ended
     */
    public void put(ByteKey key, byte[] value) {
        buffer.put(writable(key), value);
    }

    /**
     * Writes a value at commit, which fails with {@link KeyExistsException} if the key is there.
     *
     * @throws KeyExistsException at once, if this transaction has written it
     * @see #put
     */
    public void insert(ByteKey key, byte[] value) {
        if (!buffer.insert(writable(key), value)) {
            throw new KeyExistsException(startTs, key);
        }
    }

    /** Deletes at commit. @see #put */
    public void delete(ByteKey key) {
        buffer.delete(writable(key));
    }

    private ByteKey writable(ByteKey key) {
        KvClientException ended = endedOrNull();
        if (ended != null) {
            throw ended;
        }
        if (key.isEmpty()) {
            throw new KvClientException(Kind.INVALID, "a transaction cannot write the empty key", null, null);
        }
        return keys.toWire(key);
    }

    // ---- locks

    /**
     * Keeps others from writing these keys until this transaction ends. Pessimistic: the locks are held when the future completes;
     * it fails with {@link KeyLockedException}, {@link DeadlockException} or {@link WriteConflictException}. Optimistic: nothing is
     * sent; the commit fails with {@link WriteConflictException} if one of the keys was written since the transaction began.
     */
    public CompletableFuture<Void> lockKeys(List<ByteKey> wanted) {
        return whileActive(() -> {
            List<ByteKey> sorted =
                    TxnRequests.sorted(wanted.stream().map(this::writable).toList());
            if (options.pessimisticLocks()) {
                return locker.lock(sorted, false).thenAccept(done -> {});
            }
            sorted.forEach(buffer::lock);
            return CompletableFuture.completedFuture(null);
        });
    }

    /**
     * Locks a key and reads it. Pessimistic: the newest value there is, which may be newer than what {@link #get} shows. Optimistic:
     * the value that {@code get} shows. This transaction's own write comes first in both.
     */
    public CompletableFuture<Optional<byte[]>> getForUpdate(ByteKey key) {
        return batchGetForUpdate(List.of(key)).thenApply(found -> Optional.ofNullable(found.get(key)));
    }

    /** Locks keys and reads them. Only keys that are there are in the answer. @see #getForUpdate */
    public CompletableFuture<Map<ByteKey, byte[]>> batchGetForUpdate(List<ByteKey> wanted) {
        if (!options.pessimisticLocks()) {
            return Futures.bare(lockKeys(wanted).thenCompose(done -> batchGet(wanted)));
        }
        return whileActive(() -> {
            List<ByteKey> sorted =
                    TxnRequests.sorted(wanted.stream().map(this::writable).toList());
            return locker.lock(sorted, true).thenApply(stored -> {
                Map<ByteKey, byte[]> found = new HashMap<>();
                for (ByteKey wire : sorted) {
                    TxnMutation own = buffer.find(wire);
                    Optional<byte[]> value = own != null ? valueOf(own) : Optional.ofNullable(stored.get(wire));
                    value.ifPresent(bytes -> found.put(keys.fromWire(wire), bytes));
                }
                return found;
            });
        });
    }

    // ---- the end

    /**
     * Commits. All keys become visible at the same moment, or none does (P6). Fails with
     *
     * <ul>
     *   <li>{@code CONFLICT}: {@link WriteConflictException}, {@link KeyExistsException}, {@link TxnLockNotFoundException} — nothing
     *       is written;
     *   <li>{@code INVALID}: {@link SnapshotTooOldException} — it began before the safe point that was last heard of, and nothing
     *       is written;
     *   <li>{@code UNDETERMINED}: {@link UndeterminedException} — it is not known;
     *   <li>{@code UNAVAILABLE}, {@code BUSY} ({@link KeyLockedException}) and other kinds — nothing is written.
     * </ul>
     *
     * @return the moment
     */
    public CompletableFuture<TimeStamp> commit() {
        KvClientException ended = leaveActive(State.COMMITTING);
        if (ended != null) {
            return CompletableFuture.failedFuture(ended);
        }
        CompletableFuture<TimeStamp> outcome;
        try {
            List<TxnMutation> mutations = mutations();
            SnapshotTooOldException tooOld = guard.refusal();
            if (tooOld != null && !mutations.isEmpty()) {
                throw tooOld;
            }
            outcome = mutations.isEmpty()
                    ? nothingToCommit()
                    : committer(mutations).commit();
        } catch (KvClientException refused) {
            keeper.close();
            outcome = locker.releaseAll().thenCompose(done -> CompletableFuture.failedFuture(refused));
        }
        return Futures.bare(outcome.whenComplete((at, failure) -> {
            synchronized (this) {
                commitTs = at;
                state = failure == null ? State.COMMITTED : State.ENDED;
            }
            keeper.close();
        }));
    }

    private CompletableFuture<TimeStamp> nothingToCommit() {
        metrics.committed(TxnMetrics.CommitKind.READ_ONLY, 0);
        return CompletableFuture.completedFuture(startTs);
    }

    private TwoPhaseCommitter committer(List<TxnMutation> mutations) {
        ByteKey primary = locker.primary();
        if (primary == null) {
            primary = mutations.stream()
                    .filter(TxnMutation::locks)
                    .findFirst()
                    .orElse(mutations.get(0))
                    .key();
        }
        TimeStamp forUpdateTs = locker.primary() == null ? TimeStamp.ZERO : locker.forUpdateTs();
        return new TwoPhaseCommitter(
                requests, resolver, background, metrics, options, startTs, keeper, forUpdateTs, primary, mutations);
    }

    /**
     * The buffer's writes and, in a pessimistic transaction, its locks: a locked key that is not written is committed as a lock,
     * which guards it up to the commit.
     */
    private List<TxnMutation> mutations() {
        Map<ByteKey, Boolean> locked = locker.locked();
        if (locked.isEmpty()) {
            return buffer.mutations();
        }
        TreeMap<ByteKey, TxnMutation> all = new TreeMap<>();
        for (TxnMutation write : buffer.mutations()) {
            Boolean existed = locked.get(write.key());
            all.put(write.key(), existed == null ? unlocked(write) : underLock(write, existed));
        }
        locked.keySet().forEach(key -> all.putIfAbsent(key, new TxnMutation(Op.Lock, key, TxnMutation.NO_VALUE, true)));
        return List.copyOf(all.values());
    }

    /** Stores check what was not locked beforehand as in an optimistic transaction, but cannot check for absence alone. */
    private static TxnMutation unlocked(TxnMutation write) {
        return write.op() == Op.CheckNotExists
                ? new TxnMutation(Op.Lock, write.key(), TxnMutation.NO_VALUE, false)
                : write;
    }

    /** Under a lock the key is as it was when it was locked, so existence is known here, and stores do not check it. */
    private TxnMutation underLock(TxnMutation write, boolean existed) {
        boolean mustBeNew = write.op() == Op.Insert || write.op() == Op.CheckNotExists;
        if (mustBeNew && existed) {
            throw new KeyExistsException(startTs, keys.fromWire(write.key()));
        }
        Op op = write.op() == Op.Insert ? Op.Put : write.op() == Op.CheckNotExists ? Op.Lock : write.op();
        return new TxnMutation(op, write.key(), write.value(), true);
    }

    /** Ends it; nothing is written. Locks are let go in the background. Harmless after the end. */
    public CompletableFuture<Void> rollback() {
        if (leaveActive(State.ENDED) != null) {
            return CompletableFuture.completedFuture(null);
        }
        keeper.close();
        return locker.releaseAll();
    }

    /** Rolls back what is not committed; does not wait. */
    @Override
    public void close() {
        var unused = rollback();
    }

    private synchronized @Nullable KvClientException leaveActive(State next) {
        KvClientException ended = endedOrNull();
        if (ended == null) {
            state = next;
        }
        return ended;
    }

    private synchronized @Nullable KvClientException endedOrNull() {
        return state == State.ACTIVE
                ? null
                : new TxnException(Kind.INVALID, "transaction " + startTs + " has ended", startTs, null);
    }

    private <T> CompletableFuture<T> whileActive(Supplier<CompletableFuture<T>> call) {
        KvClientException ended = endedOrNull();
        if (ended != null) {
            return CompletableFuture.failedFuture(ended);
        }
        try {
            return Futures.bare(call.get());
        } catch (KvClientException refused) {
            return CompletableFuture.failedFuture(refused);
        }
    }

    private Backoff backoff() {
        return TxnRequests.within(options.callTimeout());
    }
}
