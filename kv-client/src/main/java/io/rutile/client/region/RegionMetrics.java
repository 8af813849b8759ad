package io.rutile.client.region;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;

/** What this room counts. */
public final class RegionMetrics {

    private final MeterRegistry registry;
    private final Counter misses;
    private final Counter joined;
    private final Counter evictions;
    private final Counter replicaReads;
    private final Counter replicaReadsRefused;
    private final DistributionSummary frames;

    public RegionMetrics(MeterRegistry registry) {
        this.registry = registry;
        misses = Counter.builder("kv.client.region.cache.misses")
                .description("Questions to PD about a Region")
                .register(registry);
        joined = Counter.builder("kv.client.region.cache.joined")
                .description("Misses that waited for another's question")
                .register(registry);
        evictions = Counter.builder("kv.client.region.cache.evictions")
                .description("Regions forgotten because the cache was full")
                .register(registry);
        replicaReads = Counter.builder("kv.client.replica.reads")
                .description("Attempts to read from any replica")
                .register(registry);
        replicaReadsRefused = Counter.builder("kv.client.replica.reads.refused")
                .description("Of those, the ones that went on to the leader")
                .register(registry);
        frames = DistributionSummary.builder("kv.client.frame.commands")
                .description("Requests that went to a store in one frame")
                .register(registry);
    }

    /** How many requests each frame to a store has. */
    DistributionSummary frames() {
        return frames;
    }

    // Gauges hold what they watch weakly, so they watch the room's own objects: a bare method reference would be
    // collected, and the
    // gauge would read NaN ever after.

    void watchCache(RegionCache cache) {
        Gauge.builder("kv.client.region.cache.size", cache, RegionCache::size)
                .description("Regions remembered")
                .register(registry);
    }

    void watchHealth(StoreHealth health) {
        Gauge.builder("kv.client.stores.avoided", health, StoreHealth::avoidedCount)
                .description("Stores that failed recently and are not waited for")
                .register(registry);
    }

    void watchStores(StoreChannels stores) {
        Gauge.builder("kv.client.stores.connected", stores, StoreChannels::size)
                .description("Stores with channels, connected or idle")
                .register(registry);
    }

    void cacheMiss() {
        misses.increment();
    }

    void cacheJoined() {
        joined.increment();
    }

    void cacheEvicted() {
        evictions.increment();
    }

    void replicaRead() {
        replicaReads.increment();
    }

    void replicaReadRefused() {
        replicaReadsRefused.increment();
    }

    void retry(Backoff.Reason reason) {
        Counter.builder("kv.client.retries")
                .description("Attempts to reach a Region that were repeated")
                .tag("reason", reason.name().toLowerCase(Locale.ROOT))
                .register(registry)
                .increment();
    }

    void call(String method, String outcome, long nanos) {
        Timer.builder("kv.client.calls")
                .description("Requests to Regions, retries included")
                .tag("method", method)
                .tag("outcome", outcome)
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }
}
