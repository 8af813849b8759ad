package io.rutile.pd.gc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;

/** What an operator sees of garbage collection. */
public final class GcMetrics {

    private static final List<String> OUTCOMES =
            List.of("done", "waiting", "blocked", "nothing", "not_swept", "failed");

    private final MeterRegistry metrics;

    GcMetrics(MeterRegistry metrics) {
        this.metrics = metrics;
        // There from the beginning: the first time is seen as an increase.
        OUTCOMES.forEach(this::rounds);
    }

    /** Where the safe points are, on every member: their physical part in seconds since the epoch. Called once. */
    public static void show(MetaStore meta, MeterRegistry metrics) {
        Gauge.builder(
                        "kv.pd.gc.safe.point.seconds",
                        meta,
                        store -> seconds(store.state().gc().txnSafePoint()))
                .description("Where the safe point is, in seconds since the epoch")
                .tag("of", "txn")
                .strongReference(true)
                .register(metrics);
        Gauge.builder(
                        "kv.pd.gc.safe.point.seconds",
                        meta,
                        store -> seconds(store.state().gc().gcSafePoint()))
                .description("Where the safe point is, in seconds since the epoch")
                .tag("of", "gc")
                .strongReference(true)
                .register(metrics);
    }

    private static double seconds(long safePoint) {
        return new TimeStamp(safePoint).physicalMs() / 1_000.0;
    }

    /** @param outcome done, waiting, blocked, nothing, not_swept or failed */
    void round(String outcome) {
        rounds(outcome).increment();
    }

    private Counter rounds(String outcome) {
        return Counter.builder("kv.pd.gc.rounds")
                .description("Rounds by what became of them")
                .tag("outcome", outcome)
                .register(metrics);
    }

    void blocked() {
        Counter.builder("kv.pd.gc.blocked")
                .description("Rounds in which a barrier held the txn safe point back")
                .register(metrics)
                .increment();
    }

    void swept(boolean done, Duration duration) {
        Timer.builder("kv.pd.gc.sweep")
                .description("How long it took to resolve the locks of all Regions, or until one resisted")
                .tag("outcome", done ? "done" : "failed")
                .register(metrics)
                .record(duration);
    }

    void locks(String outcome, int locks) {
        Counter.builder("kv.pd.gc.locks")
                .description("Locks resolved, by what was done with them")
                .tag("outcome", outcome)
                .register(metrics)
                .increment(locks);
    }
}
