package io.rutile.client.pd;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/** What this room counts. */
final class PdMetrics {

    private final MeterRegistry registry;
    private final Counter leaderChanges;
    private final Counter heartbeatsDropped;
    private final Counter heartbeatReconnects;
    private final Counter timestampsRefused;
    private final DistributionSummary timestampBatch;

    PdMetrics(MeterRegistry registry) {
        this.registry = registry;
        leaderChanges = Counter.builder("kv.client.pd.leader.changes")
                .description("Times that the client began to follow another PD leader")
                .register(registry);
        heartbeatsDropped = Counter.builder("kv.client.pd.heartbeats.dropped")
                .description("Region heartbeats not sent: no leader connected, or too many waiting")
                .register(registry);
        heartbeatReconnects = Counter.builder("kv.client.pd.heartbeats.connects")
                .description("Region heartbeat streams opened")
                .register(registry);
        timestampsRefused = Counter.builder("kv.client.pd.tso.refused")
                .description("Timestamp calls refused because too many were waiting")
                .register(registry);
        timestampBatch = DistributionSummary.builder("kv.client.pd.tso.batch")
                .description("Timestamps asked for in one request")
                .register(registry);
    }

    void call(String method, String outcome, long nanos) {
        Timer.builder("kv.client.pd.calls")
                .description("Calls to PD, retries included")
                .tag("method", method)
                .tag("outcome", outcome)
                .register(registry)
                .record(Duration.ofNanos(nanos));
    }

    void retry(String reason) {
        Counter.builder("kv.client.pd.retries")
                .description("Attempts to reach PD that failed and were repeated")
                .tag("reason", reason)
                .register(registry)
                .increment();
    }

    void leaderChanged() {
        leaderChanges.increment();
    }

    void heartbeatDropped() {
        heartbeatsDropped.increment();
    }

    void heartbeatConnected() {
        heartbeatReconnects.increment();
    }

    void timestampRefused() {
        timestampsRefused.increment();
    }

    void timestampsAsked(int count) {
        timestampBatch.record(count);
    }
}
