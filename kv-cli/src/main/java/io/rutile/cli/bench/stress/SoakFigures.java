package io.rutile.cli.bench.stress;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/**
 * What decides whether a cluster stays as it is under a steady load. The run is looked at in six slices, ten minutes each of an hour; the
 * first is for settling. Field names are those of the JSON report.
 *
 * @param sliceSeconds of one slice
 * @param samples of all processes, times counted from the beginning of the load
 * @param p99Ms of each slice
 * @param failed requests that were not accepted, of whatever kind
 * @param liveBytes keys with their values, on all replicas
 * @param dataBytes of the data directories' engines, at each look of the last slice
 */
public record SoakFigures(
        double sliceSeconds,
        List<ProcessSample> samples,
        List<Double> p99Ms,
        long failed,
        long liveBytes,
        List<Long> dataBytes) {

    public static final int SLICES = 6;

    static final double P99_GROWTH_MAX = 1.3;
    static final double SPACE_AMPLIFICATION_MAX = 1.5;

    /** Of what there was when the first slice was over. */
    static final double GROWTH_MAX = 0.05;

    /** Something that must not grow, with what may come and go all the same. */
    private record Measure(String name, ToLongFunction<ProcessSample> of, double slack) {}

    // A young collection more or less in sight, a pool's thread that idled out and came back, the tables of a
    // compaction.
    private static final List<Measure> MEASURES = List.of(
            new Measure("resident MiB", ProcessSample::residentMib, 16),
            new Measure("threads", ProcessSample::threads, 4),
            new Measure("open files", ProcessSample::openFiles, 16));

    /** The bars: one for each of memory, threads and descriptors, then p99, space, and that the load was carried at all. */
    public List<Verdict> judge() {
        List<Verdict> verdicts = new ArrayList<>();
        MEASURES.forEach(measure -> verdicts.add(flat(measure)));
        verdicts.add(steadyP99());
        verdicts.add(space());
        verdicts.add(new Verdict("every request accepted", String.format(Locale.ROOT, "%,d not", failed), failed == 0));
        verdicts.add(new Verdict(
                "no process lost or started anew",
                ProcessWatch.lost(samples) + " lost, " + ProcessWatch.restarts(samples) + " restarts",
                ProcessWatch.lost(samples).isEmpty() && ProcessWatch.restarts(samples) == 0));
        return verdicts;
    }

    /**
     * Flat: the straight line that fits the samples after the first slice best rises by less than five percent, or less than the slack, from
     * its beginning to its end. A line and not two points, because every one of these goes up and down by itself.
     */
    private Verdict flat(Measure measure) {
        String worst = "not seen";
        double worstExcess = Double.NEGATIVE_INFINITY;
        for (String process :
                samples.stream().map(ProcessSample::process).distinct().sorted().toList()) {
            Line line = Line.fit(samples.stream()
                    .filter(sample -> sample.process().equals(process) && !sample.isGone())
                    .filter(sample -> sample.atSeconds() >= sliceSeconds)
                    .map(sample -> new double[] {sample.atSeconds(), measure.of.applyAsLong(sample)})
                    .toList());
            double allowed = Math.max(GROWTH_MAX * line.first(), measure.slack);
            double excess = line.growth() / allowed;
            if (excess > worstExcess) {
                worstExcess = excess;
                worst = String.format(
                        Locale.ROOT,
                        "most in %s: %+.1f from %.0f (%.1f allowed)",
                        process,
                        line.growth(),
                        line.first(),
                        allowed);
            }
        }
        return new Verdict(
                String.format(
                        Locale.ROOT,
                        "%s of no process grow by more than %.0f %% (%.0f at least) after the first sixth",
                        measure.name,
                        100 * GROWTH_MAX,
                        measure.slack),
                worst,
                // Nothing seen is nothing shown.
                worstExcess != Double.NEGATIVE_INFINITY && worstExcess <= 1);
    }

    private Verdict steadyP99() {
        double first = p99Ms.size() < SLICES ? 0 : p99Ms.get(1);
        double last = p99Ms.size() < SLICES ? 0 : p99Ms.get(SLICES - 1);
        double ratio = first == 0 ? Double.POSITIVE_INFINITY : last / first;
        return new Verdict(
                String.format(Locale.ROOT, "p99 of the last sixth ≤ %.1f × that of the second", P99_GROWTH_MAX),
                String.format(Locale.ROOT, "%.2f (%.2f of %.2f ms)", ratio, last, first),
                last > 0 && ratio <= P99_GROWTH_MAX);
    }

    private Verdict space() {
        double amplification =
                dataBytes.isEmpty() || liveBytes == 0 ? Double.POSITIVE_INFINITY : (double) median() / liveBytes;
        return new Verdict(
                String.format(
                        Locale.ROOT,
                        "data on disk ≤ %.1f × what is live, median of the last sixth",
                        SPACE_AMPLIFICATION_MAX),
                String.format(
                        Locale.ROOT,
                        "%.2f (%,d of %,d MiB)",
                        amplification,
                        dataBytes.isEmpty() ? 0 : median() >> 20,
                        liveBytes >> 20),
                amplification <= SPACE_AMPLIFICATION_MAX);
    }

    private long median() {
        return dataBytes.stream().sorted().toList().get(dataBytes.size() / 2);
    }

    /**
     * The straight line of least squares through points; fewer than three show nothing, and so no end of growth.
     *
     * @param first its value at the first point
     * @param growth from there to the last point
     */
    record Line(double first, double growth) {

        /** Two points lie on a line whatever they are. */
        private static final int POINTS_MIN = 3;

        static Line fit(List<double[]> points) {
            if (points.size() < POINTS_MIN) {
                return new Line(0, Double.POSITIVE_INFINITY);
            }
            double begin = points.get(0)[0];
            double span = points.get(points.size() - 1)[0] - begin;
            double meanX = points.stream()
                    .mapToDouble(point -> point[0] - begin)
                    .average()
                    .orElseThrow();
            double meanY =
                    points.stream().mapToDouble(point -> point[1]).average().orElseThrow();
            double covariance = points.stream()
                    .mapToDouble(point -> (point[0] - begin - meanX) * (point[1] - meanY))
                    .sum();
            double variance = points.stream()
                    .mapToDouble(point -> (point[0] - begin - meanX) * (point[0] - begin - meanX))
                    .sum();
            double slope = variance == 0 ? 0 : covariance / variance;
            return new Line(meanY - slope * meanX, slope * span);
        }
    }
}
