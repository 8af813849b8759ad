package io.rutile.trace.spring;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.function.Supplier;

/**
 * Counts spans where they are made and where they leave. The SDK's queue between the two is bounded and drops what does not fit: what is made
 * and neither exported nor failed for longer than a few seconds has been dropped (R10).
 */
final class SpanMetrics {

    private SpanMetrics() {}

    private static Counter counter(Supplier<MeterRegistry> metrics, String outcome) {
        return Counter.builder("kv.trace.spans")
                .description("Spans of traced requests: made, exported to the collector, or not taken by it")
                .tag("outcome", outcome)
                .register(metrics.get());
    }

    /** Sees every span end. */
    static final class Made implements SpanProcessor {

        private final Counter made;

        Made(Supplier<MeterRegistry> metrics) {
            made = counter(metrics, "made");
        }

        @Override
        public void onStart(Context parent, ReadWriteSpan span) {}

        @Override
        public boolean isStartRequired() {
            return false;
        }

        @Override
        public void onEnd(ReadableSpan span) {
            made.increment();
        }

        @Override
        public boolean isEndRequired() {
            return true;
        }
    }

    /** Sees every batch leave. */
    static final class Exported implements SpanExporter {

        private final SpanExporter exporter;
        private final Counter exported;
        private final Counter failed;

        Exported(SpanExporter exporter, Supplier<MeterRegistry> metrics) {
            this.exporter = exporter;
            exported = counter(metrics, "exported");
            failed = counter(metrics, "failed");
        }

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            int count = spans.size();
            CompletableResultCode result = exporter.export(spans);
            return result.whenComplete(() -> (result.isSuccess() ? exported : failed).increment(count));
        }

        @Override
        public CompletableResultCode flush() {
            return exporter.flush();
        }

        @Override
        public CompletableResultCode shutdown() {
            return exporter.shutdown();
        }
    }
}
