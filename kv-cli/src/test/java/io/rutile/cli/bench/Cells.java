package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Figures;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Cells as they could have been measured. */
final class Cells {

    static final Map<String, String> MACHINE = Map.of("processors", "2");
    static final Map<String, String> SETTINGS = Map.of("keys", "100");

    private Cells() {}

    static Figures figures(double operationsPerSecond) {
        return figures(operationsPerSecond, 0.05, Map.of());
    }

    static Figures figures(double operationsPerSecond, double nodeCpu, Map<String, Long> errors) {
        return new Figures(
                1_000,
                1_000 / operationsPerSecond,
                operationsPerSecond,
                1,
                2,
                3,
                4,
                5,
                Map.of("node", nodeCpu, "pd", 0.001),
                0.02,
                errors,
                errors.isEmpty() ? Map.of() : Map.of("BUSY", "too much"));
    }

    static Cell cell(String subject, String operation, double... operationsPerSecond) {
        return new Cell(
                new Cell.Id(operation, subject, 64, 0, 1, 1_024),
                Arrays.stream(operationsPerSecond).mapToObj(Cells::figures).toList());
    }

    static Cell failed(String subject, String operation) {
        return new Cell(
                new Cell.Id(operation, subject, 64, 0, 1, 1_024),
                List.of(figures(100, 0.05, Map.of("BUSY", 3L)), figures(100), figures(100)));
    }

    static BenchReport report(Cell... cells) {
        return new BenchReport(
                BenchReport.FORMAT, "2026-01-01T00:00:00Z", MACHINE, SETTINGS, List.of(cells), null, List.of());
    }
}
