package io.rutile.cli.bench;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Locale;

/** Measurements as a table for people and as JSON for programs. */
final class Report {

    private static final String HEAD = """
            | operation | clients | subject | ops/s | p50 ms | p99 ms | p99.9 ms | server CPU µs/op | errors |
            |---|---:|---|---:|---:|---:|---:|---:|---:|
            """;

    private Report() {}

    /** A Markdown table, a row for each measurement. */
    static String markdown(List<Measurement> measurements) {
        StringBuilder table = new StringBuilder(HEAD);
        for (Measurement m : measurements) {
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %s | %,.0f | %.3f | %.3f | %.3f | %s | %d |%n",
                    m.workload().label(),
                    m.clients(),
                    m.subject(),
                    m.operationsPerSecond(),
                    m.latencyMs(50),
                    m.latencyMs(99),
                    m.latencyMs(99.9),
                    Double.isNaN(m.cpuMicrosPerOperation())
                            ? "–"
                            : String.format(Locale.ROOT, "%.0f", m.cpuMicrosPerOperation()),
                    m.errors()));
        }
        measurements.stream()
                .filter(m -> m.firstError() != null)
                .forEach(m -> table.append(String.format(
                        Locale.ROOT,
                        "%nfirst error of %s, %s, %d clients: %s%n",
                        m.subject(),
                        m.workload().label(),
                        m.clients(),
                        m.firstError())));
        return table.toString();
    }

    static String json(KeySpace keys, List<Measurement> measurements) {
        JsonObject report = new JsonObject();
        report.addProperty("keys", keys.count());
        report.addProperty("valueBytes", keys.valueBytes());
        report.addProperty("seed", keys.seed());
        report.addProperty("processors", Runtime.getRuntime().availableProcessors());
        report.addProperty("java", Runtime.version().toString());
        JsonArray rows = new JsonArray();
        for (Measurement m : measurements) {
            JsonObject row = new JsonObject();
            row.addProperty("operation", m.workload().name().toLowerCase(Locale.ROOT));
            row.addProperty("clients", m.clients());
            row.addProperty("subject", m.subject());
            row.addProperty("operations", m.latencies().getTotalCount());
            row.addProperty("operationsPerSecond", m.operationsPerSecond());
            row.addProperty("p50Ms", m.latencyMs(50));
            row.addProperty("p99Ms", m.latencyMs(99));
            row.addProperty("p999Ms", m.latencyMs(99.9));
            if (!Double.isNaN(m.cpuMicrosPerOperation())) {
                row.addProperty("serverCpuMicrosPerOperation", m.cpuMicrosPerOperation());
            }
            row.addProperty("errors", m.errors());
            row.addProperty("firstError", m.firstError());
            rows.add(row);
        }
        report.add("measurements", rows);
        return new GsonBuilder()
                .setPrettyPrinting()
                .disableHtmlEscaping()
                .create()
                .toJson(report);
    }
}
