package io.rutile.client.txn;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;

/** What this room counts. */
final class TxnMetrics {

    /** How a transaction was committed. */
    enum CommitKind {
        TWO_PHASE,
        ASYNC,
        ONE_PHASE,
        /** Nothing was written: nothing was sent. */
        READ_ONLY
    }

    private final MeterRegistry registry;
    private final Counter conflicts;
    private final Counter undetermined;
    private final Counter fallbacks;
    private final Counter tooLarge;
    private final Counter heartbeats;
    private final Counter heartbeatsLost;
    private final Counter secondariesLeft;
    private final Counter backgroundFull;

    TxnMetrics(MeterRegistry registry) {
        this.registry = registry;
        conflicts = counter("kv.client.txn.conflicts", "Commits and locks that met a newer write");
        undetermined = counter("kv.client.txn.undetermined", "Commits whose outcome could not be found out");
        fallbacks = counter("kv.client.txn.fallbacks", "Async or one-phase commits that ended as two-phase ones");
        tooLarge = counter("kv.client.txn.too.large", "Writes refused because the transaction's buffer is full");
        heartbeats = counter("kv.client.txn.heartbeats", "Signs of life sent for locks");
        heartbeatsLost =
                counter("kv.client.txn.heartbeats.lost", "Transactions whose primary lock was gone or too old");
        secondariesLeft = counter("kv.client.txn.leftovers", "Clean-ups that failed: readers will resolve those locks");
        backgroundFull = counter("kv.client.txn.background.full", "Commits that waited because too many clean-ups run");
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    /** The gauge holds what it watches weakly, so it watches the room's own object. */
    void watchBackground(BackgroundWork work) {
        Gauge.builder("kv.client.txn.background", work, BackgroundWork::running)
                .description("Transactions whose secondary keys are being committed or rolled back")
                .register(registry);
    }

    void committed(CommitKind kind, long nanos) {
        Timer.builder("kv.client.txn.commits")
                .description("Commits that succeeded")
                .tag("kind", kind.name().toLowerCase(Locale.ROOT))
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }

    void commitFailed(String outcome) {
        Counter.builder("kv.client.txn.commit.failures")
                .description("Commits that did not succeed")
                .tag("outcome", outcome)
                .register(registry)
                .increment();
    }

    /** @param outcome committed, rolled_back, alive, pushed or gone */
    void lockJudged(String outcome) {
        Counter.builder("kv.client.txn.locks.judged")
                .description("Transactions found in the way, by what their primary says")
                .tag("outcome", outcome)
                .register(registry)
                .increment();
    }

    void conflict() {
        conflicts.increment();
    }

    void undetermined() {
        undetermined.increment();
    }

    void fallback() {
        fallbacks.increment();
    }

    void tooLarge() {
        tooLarge.increment();
    }

    void heartbeat() {
        heartbeats.increment();
    }

    void heartbeatLost() {
        heartbeatsLost.increment();
    }

    void leftover() {
        secondariesLeft.increment();
    }

    void backgroundFull() {
        backgroundFull.increment();
    }
}
