package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes away outcomes whose life is over: goes through all of them, a page at a time and slowly, and again half a life later, so that each
 * is looked at a few times. Every gateway does; where two meet, one of them fails and goes on. An outcome that was written over meanwhile stays, for the
 * transaction that would take it away fails (P6).
 *
 * <p>One thread, {@code gateway-idempotency}, which waits for nothing: it starts a page and is done.
 */
public final class IdempotencySweep implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(IdempotencySweep.class);

    static final int PAGE_RECORDS = 256;

    /** So many pages a second at most; a round of fewer pages waits. */
    private static final Duration PAGE_PAUSE = Duration.ofMillis(200);

    private static final Duration FIRST_PAUSE = Duration.ofMinutes(5);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);

    private final TxnOperations operations;
    private final Duration roundPause;
    private final Counter removed;
    private final ScheduledThreadPoolExecutor thread;
    private volatile boolean closed;

    /** @param life how long an outcome is remembered at least */
    public IdempotencySweep(TxnOperations operations, Duration life, MeterRegistry metrics) {
        this.operations = operations;
        this.roundPause = life.dividedBy(2);
        this.removed = Counter.builder("kv.gateway.idempotency.removed")
                .description("Outcomes under idempotency keys that were taken away because their life was over")
                .register(metrics);
        this.thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread made = new Thread(task, "gateway-idempotency");
            made.setDaemon(true);
            return made;
        });
    }

    /** The first round begins soon: gateways may be started more often than a round takes. */
    public void start() {
        later(IdempotencyKey.PREFIX, roundPause.compareTo(FIRST_PAUSE) < 0 ? roundPause : FIRST_PAUSE);
    }

    private void later(ByteKey from, Duration pause) {
        if (!closed) {
            var unused = thread.schedule(() -> step(from), pause.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void step(ByteKey from) {
        var unused = page(from).whenComplete((next, failure) -> {
            if (failure != null) {
                log.debug(
                        "outcomes could not be looked through reason=\"{}\"",
                        Futures.causeOf(failure).getMessage());
                later(from, CALL_TIMEOUT);
            } else {
                boolean isRound = next.equals(IdempotencyKey.PREFIX);
                later(next, isRound ? roundPause : PAGE_PAUSE);
            }
        });
    }

    /** Looks at a page, and takes away what is over. @return where the next one begins */
    CompletableFuture<ByteKey> page(ByteKey from) {
        TxnOptions options = TxnOptions.optimistic().withTimeouts(CALL_TIMEOUT, CALL_TIMEOUT);
        KeyRange rest = new KeyRange(from, PrefixRange.of(IdempotencyKey.PREFIX).end());
        return operations.begin(options).thenCompose(transaction -> {
            List<Pair> page = new ArrayList<>();
            return transaction
                    .scan(new ScanRequest(rest, PAGE_RECORDS, false, false), pairs -> {
                        page.addAll(pairs);
                        return CompletableFuture.completedFuture(null);
                    })
                    .thenCompose(done -> takeAway(transaction, page))
                    .thenApply(done -> page.size() < PAGE_RECORDS
                            ? IdempotencyKey.PREFIX
                            : page.get(page.size() - 1).key().next())
                    .whenComplete((done, failure) -> {
                        var unused = transaction.rollback();
                    });
        });
    }

    private CompletableFuture<Void> takeAway(OpenTransaction transaction, List<Pair> page) {
        int over = 0;
        for (Pair pair : page) {
            if (isOver(pair, transaction)) {
                transaction.delete(pair.key());
                over++;
            }
        }
        if (over == 0) {
            return CompletableFuture.completedFuture(null);
        }
        int count = over;
        return transaction
                .commit()
                .<Void>thenApply(commitTs -> {
                    removed.increment(count);
                    return null;
                })
                .exceptionallyCompose(failure -> Futures.causeOf(failure) instanceof KvClientException failed
                                && failed.kind() == KvClientException.Kind.CONFLICT
                        ? CompletableFuture.completedFuture(null) // by another gateway, or written over
                        : CompletableFuture.failedFuture(failure));
    }

    private static boolean isOver(Pair pair, OpenTransaction transaction) {
        try {
            return IdempotencyRecord.decode(pair.value()).isExpired(transaction.startTs());
        } catch (IllegalArgumentException unknown) {
            // Of a newer version: its gateways will look after it.
            return false;
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.shutdownNow();
    }
}
