package io.rutile.cli.bench.load;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What one run has shown. Latencies are those of successful operations, 0 if there was none; of an open loop they count from when an
 * operation was meant to begin. Field names are those of the JSON report.
 *
 * @param operations that succeeded
 * @param seconds that it took
 * @param serverCpu processor seconds of the servers for a thousand operations, by kind of process; empty if unknown
 * @param clientCpu the same of this process, which makes the load; of a subject inside this process, that too
 * @param errors failures by kind
 * @param firstErrors what the first of each kind said
 */
public record Figures(
        long operations,
        double seconds,
        double operationsPerSecond,
        double p50Ms,
        double p90Ms,
        double p99Ms,
        double p999Ms,
        double maxMs,
        Map<String, Double> serverCpu,
        double clientCpu,
        Map<String, Long> errors,
        Map<String, String> firstErrors) {

    /** Warm-up, then the load; processor times are those of the load. */
    public static Figures measure(
            Subject subject, Load load, Dataset data, Duration warmUp, Duration duration, long salt) throws Exception {
        if (!warmUp.isZero()) {
            Outcome unused = subject.drive(load, data, warmUp, ~salt);
        }
        Map<String, Duration> serversBefore = subject.cpu();
        Duration clientBefore = ownCpu();
        Outcome outcome = subject.drive(load, data, duration, salt);
        Duration client = ownCpu().minus(clientBefore);
        Map<String, Duration> servers = new LinkedHashMap<>();
        subject.cpu()
                .forEach(
                        (kind, used) -> servers.put(kind, used.minus(serversBefore.getOrDefault(kind, Duration.ZERO))));
        return of(outcome, servers, client);
    }

    static Figures of(Outcome outcome, Map<String, Duration> servers, Duration client) {
        long operations = outcome.latencies().getTotalCount();
        double seconds = outcome.elapsed().toNanos() / 1e9;
        return new Figures(
                operations,
                seconds,
                seconds == 0 ? 0 : operations / seconds,
                ms(outcome, 50),
                ms(outcome, 90),
                ms(outcome, 99),
                ms(outcome, 99.9),
                ms(outcome, 100),
                operations == 0
                        ? Map.of()
                        : servers.entrySet().stream()
                                .collect(Collectors.toUnmodifiableMap(
                                        Map.Entry::getKey, entry -> ofThousand(entry.getValue(), operations))),
                operations == 0 ? 0 : ofThousand(client, operations),
                outcome.errors().counts(),
                outcome.errors().first());
    }

    /** Processor seconds of all servers for a thousand operations; 0 if unknown. */
    public double serverCpuTotal() {
        return serverCpu.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    public long errorCount() {
        return errors.values().stream().mapToLong(Long::longValue).sum();
    }

    private static double ms(Outcome outcome, double percentile) {
        return outcome.latencies().getTotalCount() == 0
                ? 0
                : outcome.latencies().getValueAtPercentile(percentile) / 1e6;
    }

    private static double ofThousand(Duration used, long operations) {
        return Math.max(0, used.toNanos() / 1e9) * 1_000 / operations;
    }

    private static Duration ownCpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
