package io.rutile.storage.engine;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** An engine's {@link EngineStats} as gauges {@code kv.engine.*}, read at most once a second. After close they stay as they were. */
public final class EngineMetrics implements MeterBinder {

    private static final long FRESH_NANOS = Duration.ofSeconds(1).toNanos();

    private final RocksEngine engine;
    private EngineStats stats;
    private long readNanos;

    public EngineMetrics(RocksEngine engine) {
        this.engine = engine;
        this.stats = engine.stats();
        this.readNanos = System.nanoTime();
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, "keys", "keys", "keys, roughly", EngineStats::keysEstimate);
        gauge(registry, "tables", "bytes", "table files that are current", EngineStats::tableBytes);
        gauge(registry, "tables.on.disk", "bytes", "all table files", EngineStats::tableBytesOnDisk);
        gauge(registry, "memtables", "bytes", "memtables", EngineStats::memtableBytes);
        gauge(registry, "block.cache", "bytes", "block cache in use", EngineStats::blockCacheBytes);
        gauge(registry, "compaction.pending", "bytes", "wait for compaction", EngineStats::compactionPendingBytes);
        gauge(registry, "level0", "files", "tables in the first level", EngineStats::level0Files);
        gauge(
                registry,
                "writes.delayed.rate",
                "bytes",
                "rate to which writes are slowed down, 0 if they are not",
                EngineStats::writesDelayedBytesPerSecond);
        gauge(registry, "writes.stopped", null, "1 while no write is taken", s -> s.writesStopped() ? 1 : 0);
        gauge(registry, "background.errors", null, "failed flushes and compactions", EngineStats::backgroundErrors);
    }

    private void gauge(
            MeterRegistry registry,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<EngineStats> value) {
        Gauge.builder("kv.engine." + name, this, m -> value.applyAsDouble(m.fresh()))
                .baseUnit(unit)
                .description(description)
                // Nobody else holds this object.
                .strongReference(true)
                .register(registry);
    }

    private synchronized EngineStats fresh() {
        long now = System.nanoTime();
        if (now - readNanos > FRESH_NANOS) {
            readNanos = now;
            try {
                stats = engine.stats();
            } catch (EngineException e) {
                if (e.kind() != EngineException.Kind.CLOSED) {
                    throw e;
                }
            }
        }
        return stats;
    }
}
