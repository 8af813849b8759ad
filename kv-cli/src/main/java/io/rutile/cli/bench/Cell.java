package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Figures;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * One row of the report: a load on a subject, measured several times. Field names are those of the JSON report.
 *
 * @param id what was measured
 * @param runs in order, one for each repeat
 */
record Cell(Id id, List<Figures> runs) {

    /**
     * What makes a cell another one.
     *
     * @param operation what was done
     * @param subject to what
     * @param clients how many did it at the same time
     * @param rate operations meant to begin in a second; 0 in a closed loop
     * @param regions that the keys lie in, as arranged; 0 if nobody has arranged them. Of a subject without Regions: of what it was
     *     measured beside
     * @param valueBytes length of a value
     */
    record Id(String operation, String subject, int clients, double rate, int regions, int valueBytes) {}

    Cell {
        runs = List.copyOf(runs);
    }

    double median(ToDoubleFunction<Figures> figure) {
        return medianOf(runs.stream().mapToDouble(figure).toArray());
    }

    double min(ToDoubleFunction<Figures> figure) {
        return runs.stream().mapToDouble(figure).min().orElse(0);
    }

    double max(ToDoubleFunction<Figures> figure) {
        return runs.stream().mapToDouble(figure).max().orElse(0);
    }

    /** By kind, over all runs; in the order of kinds. */
    Map<String, Long> errors() {
        Map<String, Long> all = new TreeMap<>();
        runs.forEach(run -> run.errors().forEach((kind, times) -> all.merge(kind, times, Long::sum)));
        return all;
    }

    boolean hasErrors() {
        return runs.stream().anyMatch(run -> run.errorCount() > 0);
    }

    /** True if it was never known what the servers have used. */
    boolean lacksServerCpu() {
        return runs.stream().allMatch(run -> run.serverCpu().isEmpty());
    }

    /** Of an even number, the mean of the two in the middle. */
    static double medianOf(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        if (sorted.length == 0) {
            return 0;
        }
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
