package io.rutile.node.rpc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** How long each RPC takes and how it fails. Thread-safe. */
final class RpcMetrics {

    private final MeterRegistry registry;
    private final ConcurrentHashMap<String, Timer> timers = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Counter> errors = new ConcurrentHashMap<>();

    RpcMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    void answered(String rpc, long tookNanos, String kind) {
        timers.computeIfAbsent(rpc, this::timer).record(tookNanos, TimeUnit.NANOSECONDS);
        if (!kind.equals("none")) {
            errors.computeIfAbsent(rpc + '/' + kind, key -> errorCounter(rpc, kind))
                    .increment();
        }
    }

    Counter counter(String name) {
        return registry.counter(name);
    }

    private Timer timer(String rpc) {
        return Timer.builder("kv.rpc.duration")
                .description("Calls of clients, from the first look at the request to its answer")
                .tag("rpc", rpc)
                .serviceLevelObjectives(
                        Duration.ofMillis(1),
                        Duration.ofMillis(5),
                        Duration.ofMillis(20),
                        Duration.ofMillis(100),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(5))
                .register(registry);
    }

    private Counter errorCounter(String rpc, String kind) {
        return Counter.builder("kv.rpc.errors")
                .description("Answers that carry an error, by its kind")
                .tag("rpc", rpc)
                .tag("kind", kind)
                .register(registry);
    }
}
