package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.KvClientException;
import io.rutile.client.raw.RawKv.Pair;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Outcomes that were written down under idempotency keys. They are data of the cluster like any other, so every gateway finds them, after any
 * restart; {@link IdempotencySweep} takes them away when their life is over. Safe from any thread.
 */
public final class IdempotencyRecords {

    /** What a call with a key may read: it is written down. */
    public static final long READ_BYTES_MAX = 64 << 10;

    private final TxnOperations operations;
    private final Duration life;
    private final Counter first;
    private final Counter repeated;
    private final Counter reused;

    /** @param life how long an outcome is remembered at least */
    public IdempotencyRecords(TxnOperations operations, Duration life, MeterRegistry metrics) {
        this.operations = operations;
        this.life = life;
        first = counter("first", metrics);
        repeated = counter("repeated", metrics);
        reused = counter("reused", metrics);
    }

    private static Counter counter(String outcome, MeterRegistry metrics) {
        return Counter.builder("kv.gateway.idempotency.calls")
                .description(
                        "Writes with an Idempotency-Key: carried out, answered as before, refused as another request's")
                .tag("outcome", outcome)
                .register(metrics);
    }

    /** What the transaction of the call writes under the key. */
    byte[] encode(IdempotencyKey key, TimeStamp startTs, boolean succeeded, List<List<Pair>> results) {
        return new IdempotencyRecord(
                        startTs.physicalMs() + life.toMillis(), key.fingerprint(), startTs, succeeded, results)
                .encode();
    }

    /** The transaction that wrote the outcome is committed. */
    void carriedOut() {
        first.increment();
    }

    /** Whether an outcome was found that holds at this moment. One whose life is over is none: it is written over. */
    boolean isThere(Optional<byte[]> found, TimeStamp now) {
        return found.isPresent() && !IdempotencyRecord.decode(found.get()).isExpired(now);
    }

    /** The outcome that is written down. Fails with {@code IDEMPOTENCY_KEY_REUSED} if it is another request's. */
    CompletableFuture<AtomicCall.Result> before(IdempotencyKey key, Duration timeout) {
        return find(key, timeout)
                .thenApply(found -> found.orElseThrow(() -> new KvClientException(
                        KvClientException.Kind.UNAVAILABLE,
                        "the outcome under the key has just been forgotten",
                        null,
                        null)));
    }

    /** @return empty if there is none */
    CompletableFuture<Optional<AtomicCall.Result>> find(IdempotencyKey key, Duration timeout) {
        return operations
                .latest(key.record(), Deadline.after(timeout))
                .thenApply(found -> found.map(versioned -> {
                    IdempotencyRecord record = IdempotencyRecord.decode(versioned.value());
                    if (!key.matches(record.fingerprint())) {
                        reused.increment();
                        throw new FailureException(Failure.Kind.IDEMPOTENCY_KEY_REUSED.because(
                                "the Idempotency-Key was used before, for a request with another body or path"));
                    }
                    repeated.increment();
                    return record.committedAt(versioned.commitTs());
                }));
    }

    /**
     * The outcome, or if it is a failure that somebody else may have caused by carrying the same out, or that leaves open whether it was
     * carried out: what is written down.
     */
    CompletableFuture<AtomicCall.Result> orBefore(
            IdempotencyKey key, Duration timeout, CompletableFuture<AtomicCall.Result> outcome) {
        return outcome.exceptionallyCompose(failure -> {
            Throwable cause = Futures.causeOf(failure);
            boolean mayBeThere = cause instanceof KvClientException failed
                    && (failed.kind() == KvClientException.Kind.CONFLICT
                            || failed.kind() == KvClientException.Kind.UNDETERMINED);
            return mayBeThere
                    ? find(key, timeout).thenApply(found -> found.orElseThrow(() -> new CompletionException(cause)))
                    : CompletableFuture.failedFuture(cause);
        });
    }
}
