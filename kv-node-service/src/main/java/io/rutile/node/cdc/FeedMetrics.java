package io.rutile.node.cdc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.function.Supplier;

/** Of the change feed; in words: docs/operations/metrics.md. */
final class FeedMetrics {

    /** Why a Region, or a stream, is not fed any more, or was not from the beginning. */
    enum End {
        /** Its changes did not fit into memory. */
        CONGESTED,
        /** The checkpoint is before the safe point of garbage collection. */
        TOO_OLD,
        /** Not led here, changed, or gone. */
        REGION,
        /** Too many streams or Regions. */
        FULL,
        /** The client takes nothing. */
        SLOW,
        /** Something that a client can't help: a disk, a broken record. */
        FAILED,
        /** A request that makes no sense here. */
        INVALID
    }

    private final MeterRegistry registry;
    private final Counter rows;
    private final Timer scans;

    FeedMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.rows = Counter.builder("kv.cdc.rows")
                .description("rows sent: prewrites, commits, rollbacks, and what scans have found")
                .register(registry);
        this.scans = Timer.builder("kv.cdc.scan.duration")
                .description(
                        "from the first look at a Region's records to the end of its scan, the client's time included")
                .register(registry);
        for (End end : End.values()) {
            counter(end);
        }
    }

    private Counter counter(End end) {
        return Counter.builder("kv.cdc.ends")
                .tag("reason", end.name().toLowerCase(Locale.ROOT))
                .description("Regions and streams that are fed no more, or were refused")
                .register(registry);
    }

    void watch(Supplier<Number> streams, Supplier<Number> regions) {
        Gauge.builder("kv.cdc.streams", streams)
                .description("open streams of changes")
                .register(registry);
        Gauge.builder("kv.cdc.regions", regions)
                .description("Regions that are fed, each stream's counted")
                .register(registry);
    }

    void ended(End end) {
        counter(end).increment();
    }

    void sent(int count) {
        rows.increment(count);
    }

    Timer scans() {
        return scans;
    }
}
