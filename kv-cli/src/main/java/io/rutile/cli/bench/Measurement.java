package io.rutile.cli.bench;

import java.time.Duration;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * One cell of the report.
 *
 * @param subject what was measured
 * @param workload what was done
 * @param clients how many did it at the same time
 * @param elapsed for how long, warm-up excluded
 * @param latencies of successful operations, nanoseconds
 * @param errors operations that failed
 * @param firstError what the first of them said
 * @param cpu processor time of the servers meanwhile; zero if unknown
 */
record Measurement(
        String subject,
        Workload workload,
        int clients,
        Duration elapsed,
        Histogram latencies,
        long errors,
        @Nullable String firstError,
        Duration cpu) {

    double operationsPerSecond() {
        return latencies.getTotalCount() / (elapsed.toNanos() / 1e9);
    }

    double latencyMs(double percentile) {
        return latencies.getValueAtPercentile(percentile) / 1e6;
    }

    /** Microseconds of the servers' processors for one operation; NaN if unknown. */
    double cpuMicrosPerOperation() {
        long operations = latencies.getTotalCount();
        return cpu.isZero() || operations == 0 ? Double.NaN : cpu.toNanos() / 1e3 / operations;
    }
}
