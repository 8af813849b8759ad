package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.gateway.kv.TxnSessionException.Reason;
import io.rutile.protocol.TimeStamp;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transactions that stay open between the requests of their clients. Bounded in number, in bytes and in time (R10): one that is idle
 * or alive for too long is rolled back. A transaction is there only for its owner, whoever else knows its id, and ids cannot be guessed.
 * Requests of one transaction come one at a time; a second one is refused, not queued.
 *
 * <p>What became of the last transactions is remembered, so that a commit whose answer was lost can be asked again: it is answered,
 * never repeated (P5).
 *
 * <p>Safe from any thread; {@code gateway-txn-expiry} looks after what expires. Futures fail with {@link KvClientException} or {@link
 * TxnSessionException}.
 */
public final class TxnSessions implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(TxnSessions.class);
    private static final int ID_BYTES = 16;
    /** What is remembered of a transaction that was rolled back by its client. */
    private static final CompletableFuture<TimeStamp> ROLLED_BACK = notOpen();

    /** What became of a transaction, and whom it concerns. */
    private record Ended(Object owner, CompletableFuture<TimeStamp> outcome) {}

    private static final long SWEEP_MS_MIN = 10;
    private static final long SWEEP_MS_MAX = 1_000;
    /** Locks are kept alive for as long as a session can be open, and for the calls at its end. */
    private static final Duration LIFE_MARGIN = Duration.ofMinutes(1);

    /**
     * What may be open.
     *
     * @param openMax transactions at the same time, at least 1; as many ended ones are remembered
     * @param idleMax how long a transaction may wait for its next request
     * @param lifeMax how long a transaction may be open at all
     * @param bytesMax keys and values that all of them together may have written, at least 1; one of them a quarter of it
     */
    public record Limits(int openMax, Duration idleMax, Duration lifeMax, long bytesMax) {

        public Limits {
            if (openMax < 1 || bytesMax < 1 || idleMax.toNanos() < 1 || lifeMax.toNanos() < 1) {
                throw new IllegalArgumentException("limits are positive: openMax=" + openMax + " idleMax=" + idleMax
                        + " lifeMax=" + lifeMax + " bytesMax=" + bytesMax);
            }
        }
    }

    /**
     * A transaction that was opened.
     *
     * @param id 128 random bits in lower-case hex
     * @param startTs the moment that it reads
     */
    public record Opened(String id, TimeStamp startTs) {}

    private final TxnOperations operations;
    private final IdempotencyRecords records;
    private final Limits limits;
    private final LongSupplier nanoClock;
    private final SecureRandom random = new SecureRandom();
    private final ScheduledThreadPoolExecutor sweeper;

    private final Map<String, TxnSession> open = new ConcurrentHashMap<>();
    private final Map<String, Ended> ended;
    private final AtomicInteger slots = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    /** Of owners with open transactions. Guarded by itself. */
    private final Map<Object, Holding> holdings = new HashMap<>();

    private volatile boolean closed;

    private final Counter expired;
    private final Counter refusedTransactions;
    private final Counter refusedBytes;
    private final Counter refusedCallers;
    private final MeterRegistry metrics;

    /** @param records where commits with a key are written down */
    public TxnSessions(TxnOperations operations, IdempotencyRecords records, Limits limits, MeterRegistry metrics) {
        this(operations, records, limits, System::nanoTime, metrics);
    }

    /** @param nanoClock monotonic, as {@link System#nanoTime} counts */
    TxnSessions(
            TxnOperations operations,
            IdempotencyRecords records,
            Limits limits,
            LongSupplier nanoClock,
            MeterRegistry metrics) {
        this.operations = operations;
        this.records = records;
        this.limits = limits;
        this.nanoClock = nanoClock;
        this.metrics = metrics;
        this.ended = Collections.synchronizedMap(new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Ended> eldest) {
                return size() > limits.openMax();
            }
        });
        this.sweeper = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "gateway-txn-expiry");
            thread.setDaemon(true);
            return thread;
        });
        expired = Counter.builder("kv.gateway.txn.expired")
                .description("Open transactions rolled back because they were idle or alive for too long")
                .register(metrics);
        refusedTransactions = GatewayLimits.refused("transactions", metrics);
        refusedBytes = GatewayLimits.refused("transaction-bytes", metrics);
        refusedCallers = GatewayLimits.refused("caller", metrics);
        Gauge.builder("kv.gateway.txn.open", slots, AtomicInteger::get)
                .description("Transactions that are open between the requests of their clients")
                .register(metrics);
        Gauge.builder("kv.gateway.txn.held", bytes, AtomicLong::get)
                .baseUnit("bytes")
                .description("Keys and values that open transactions have written")
                .register(metrics);
    }

    /** Begins to look after what expires. */
    public void start() {
        long sweepMs =
                Math.max(SWEEP_MS_MIN, Math.min(SWEEP_MS_MAX, limits.idleMax().toMillis() / 4));
        var unused = sweeper.scheduleWithFixedDelay(this::expire, sweepMs, sweepMs, TimeUnit.MILLISECONDS);
    }

    public Limits limits() {
        return limits;
    }

    /**
     * Opens a transaction. Fails with {@link FailureException}, {@code BUSY} or {@code TOO_MANY_REQUESTS}, if as many as allowed are open.
     *
     * @param owner who alone finds it again: whoever equals it
     * @param quota how much the owner may have
     */
    public CompletableFuture<Opened> begin(Object owner, CallerQuota quota, TxnOptions options) {
        if (slots.incrementAndGet() > limits.openMax()) {
            slots.decrementAndGet();
            refusedTransactions.increment();
            return CompletableFuture.failedFuture(GatewayLimits.busy(limits.openMax() + " transactions are open"));
        }
        Holding holding = take(owner, quota);
        if (holding == null) {
            slots.decrementAndGet();
            refusedCallers.increment();
            return CompletableFuture.failedFuture(quota.exceeded(Bound.TRANSACTIONS));
        }
        return operations
                .begin(bounded(options))
                .whenComplete((begun, failure) -> {
                    if (failure != null) {
                        giveBack(owner);
                    }
                })
                .thenApply(transaction -> admit(owner, holding, transaction));
    }

    /** @return null if the owner has as many as they may */
    private @Nullable Holding take(Object owner, CallerQuota quota) {
        synchronized (holdings) {
            Holding holding = holdings.computeIfAbsent(owner, unknown -> new Holding());
            holding.quota = quota;
            if (holding.transactions >= quota.max(Bound.TRANSACTIONS)) {
                return null;
            }
            holding.transactions++;
            return holding;
        }
    }

    private void giveBack(Object owner) {
        slots.decrementAndGet();
        synchronized (holdings) {
            holdings.computeIfPresent(owner, (who, holding) -> --holding.transactions == 0 ? null : holding);
        }
    }

    private TxnOptions bounded(TxnOptions options) {
        Duration life = limits.lifeMax().plus(options.commitTimeout()).plus(LIFE_MARGIN);
        long bytesMax = Math.max(1, Math.min(options.bytesMax(), limits.bytesMax() / 4));
        return options.withLocks(options.lockTtl(), options.lockWait(), life)
                .withBounds(bytesMax, options.entriesMax());
    }

    private Opened admit(Object owner, Holding holding, OpenTransaction transaction) {
        byte[] bits = new byte[ID_BYTES];
        random.nextBytes(bits);
        String id = HexFormat.of().formatHex(bits);
        long bornNanos = nanoClock.getAsLong();
        long lifeNanos = limits.lifeMax().toNanos();
        TxnSession session = new TxnSession(
                owner, transaction, holding, () -> nanoClock.getAsLong() - bornNanos > lifeNanos, bornNanos);
        open.put(id, session);
        if (closed) {
            dropAll();
        }
        return new Opened(id, transaction.startTs());
    }

    /**
     * Does something with an open transaction, which nobody else can use until the future of the call completes.
     *
     * @param call may throw {@link KvClientException}
     */
    public <T> CompletableFuture<T> call(
            Object owner, String id, Function<OpenTransaction, CompletableFuture<T>> call) {
        return entered(
                owner,
                id,
                session -> attempt(session, call).whenComplete((done, failure) -> session.leave(nanoClock.getAsLong())),
                TxnSessions::notOpen);
    }

    /** Commits. Asked again, it answers what it answered before. */
    public CompletableFuture<TimeStamp> commit(Object owner, String id) {
        return commit(owner, id, session -> {}, before -> before == null ? notOpen() : before.copy());
    }

    /**
     * Commits, and writes down under the key that it has: then also another gateway can tell, when this one is gone. Fails with {@link
     * FailureException}, too: {@code IDEMPOTENCY_KEY_REUSED}.
     *
     * @param timeout for asking what was written down
     */
    public CompletableFuture<TimeStamp> commitOnce(Object owner, String id, IdempotencyKey key, Duration timeout) {
        CompletableFuture<TimeStamp> outcome = commit(
                owner,
                id,
                session -> session.record(key.record(), records.encode(key, session.startTs(), true, List.of())),
                before -> before == null
                        ? records.find(key, timeout)
                                .thenCompose(found -> found.isPresent() ? committed(found.get()) : notOpen())
                        : before.copy());
        // Somebody may have taken the key while this transaction was open.
        return records.orBefore(
                        key,
                        timeout,
                        outcome.thenApply(commitTs -> new AtomicCall.Result(true, commitTs, commitTs, List.of())))
                .thenCompose(TxnSessions::committed);
    }

    private static CompletableFuture<TimeStamp> committed(AtomicCall.Result result) {
        return CompletableFuture.completedFuture(Objects.requireNonNull(result.commitTs()));
    }

    /** @param otherwise told what became of the transaction before, null if nothing is known here */
    private CompletableFuture<TimeStamp> commit(
            Object owner,
            String id,
            Consumer<TxnSession> last,
            Function<@Nullable CompletableFuture<TimeStamp>, CompletableFuture<TimeStamp>> otherwise) {
        return entered(
                owner,
                id,
                session -> {
                    CompletableFuture<TimeStamp> outcome = new CompletableFuture<>();
                    end(id, session, outcome);
                    return attempt(session, ending -> {
                                try {
                                    last.accept(session);
                                } catch (RuntimeException refused) {
                                    var unused = ending.rollback();
                                    throw refused;
                                }
                                return ending.commit();
                            })
                            .whenComplete((commitTs, failure) -> {
                                release(session, failure == null ? "committed" : "failed");
                                if (failure == null) {
                                    outcome.complete(commitTs);
                                } else {
                                    outcome.completeExceptionally(Futures.causeOf(failure));
                                }
                            });
                },
                () -> otherwise.apply(outcome(owner, id)));
    }

    /** Rolls back. Harmless when asked again; fails with {@code COMMITTING} if the commit was asked for before. */
    public CompletableFuture<Void> rollback(Object owner, String id) {
        return entered(
                owner,
                id,
                session -> {
                    end(id, session, ROLLED_BACK);
                    return attempt(session, OpenTransaction::rollback)
                            .whenComplete((done, failure) -> release(session, "rolled_back"));
                },
                () -> {
                    CompletableFuture<TimeStamp> before = outcome(owner, id);
                    if (before == ROLLED_BACK) {
                        return CompletableFuture.completedFuture(null);
                    }
                    return before == null ? notOpen() : failed(Reason.COMMITTING);
                });
    }

    /** @param otherwise what is answered when nothing of the owner's is open under the id */
    private <T> CompletableFuture<T> entered(
            Object owner,
            String id,
            Function<TxnSession, CompletableFuture<T>> then,
            Supplier<CompletableFuture<T>> otherwise) {
        TxnSession session = open.get(id);
        if (session == null || !session.belongsTo(owner)) {
            return otherwise.get();
        }
        if (session.expire(nanoClock.getAsLong(), limits.idleMax().toNanos())) {
            drop(id, session);
        }
        Reason refusal = session.enter();
        if (refusal == null) {
            return then.apply(session);
        }
        return refusal == Reason.NOT_OPEN ? otherwise.get() : failed(refusal);
    }

    /** Remembered first: whoever does not find it open any more finds out what became of it. */
    private void end(String id, TxnSession session, CompletableFuture<TimeStamp> outcome) {
        ended.put(id, new Ended(session.owner(), outcome));
        session.over();
        open.remove(id);
    }

    private @Nullable CompletableFuture<TimeStamp> outcome(Object owner, String id) {
        Ended before = ended.get(id);
        return before == null || !before.owner().equals(owner) ? null : before.outcome();
    }

    private static <T> CompletableFuture<T> notOpen() {
        return failed(Reason.NOT_OPEN);
    }

    private static <T> CompletableFuture<T> failed(Reason reason) {
        return CompletableFuture.failedFuture(new TxnSessionException(reason));
    }

    private static <T> CompletableFuture<T> attempt(
            TxnSession session, Function<? super TxnSession, CompletableFuture<T>> call) {
        try {
            return call.apply(session);
        } catch (RuntimeException refused) {
            return CompletableFuture.failedFuture(refused);
        }
    }

    /** Rolls back what has been idle or alive for too long. Called by the sweeper, and by tests. */
    void expire() {
        long now = nanoClock.getAsLong();
        open.forEach((id, session) -> {
            if (session.expire(now, limits.idleMax().toNanos())) {
                drop(id, session);
            }
        });
    }

    private void drop(String id, TxnSession session) {
        open.remove(id);
        expired.increment();
        log.debug("transaction expired startTs={}", session.startTs());
        var unused = attempt(session, OpenTransaction::rollback)
                .whenComplete((done, failure) -> release(session, "expired"));
    }

    private void release(TxnSession session, String outcome) {
        session.letGo();
        giveBack(session.owner());
        Counter.builder("kv.gateway.txn.ended")
                .tag("outcome", outcome)
                .description("Transactions that are not open any more")
                .register(metrics)
                .increment();
    }

    /** Rolls back everything that no call is using; what is used ends by its deadline. */
    @Override
    public void close() {
        closed = true;
        sweeper.shutdownNow();
        dropAll();
    }

    private void dropAll() {
        open.forEach((id, session) -> {
            if (session.enter() == null) {
                end(id, session, ROLLED_BACK);
                var unused = attempt(session, OpenTransaction::rollback)
                        .whenComplete((done, failure) -> release(session, "closed"));
            }
        });
    }

    /** What one owner has. */
    private final class Holding implements TxnSession.Room {

        private volatile CallerQuota quota = CallerQuota.NONE;
        /** Guarded by the map. */
        private int transactions;

        private final AtomicLong own = new AtomicLong();

        @Override
        public void take(long count) {
            if (bytes.addAndGet(count) > limits.bytesMax()) {
                bytes.addAndGet(-count);
                refusedBytes.increment();
                throw GatewayLimits.busy("open transactions would hold more than " + limits.bytesMax() + " bytes");
            }
            if (own.addAndGet(count) > quota.max(Bound.TRANSACTION_BYTES)) {
                giveBack(count);
                refusedCallers.increment();
                throw quota.exceeded(Bound.TRANSACTION_BYTES);
            }
        }

        @Override
        public void giveBack(long count) {
            own.addAndGet(-count);
            bytes.addAndGet(-count);
        }
    }
}
