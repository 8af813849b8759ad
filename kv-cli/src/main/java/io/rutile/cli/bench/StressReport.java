package io.rutile.cli.bench;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.rutile.cli.bench.load.Arrivals;
import io.rutile.cli.bench.load.Fate;
import io.rutile.cli.bench.load.Tally;
import io.rutile.cli.bench.stress.ProcessSample;
import io.rutile.cli.bench.stress.ProcessWatch;
import io.rutile.cli.bench.stress.Verdict;
import io.rutile.cli.cluster.ClusterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * All that a long run has to tell. Field names are those of the JSON.
 *
 * @param began when, ISO 8601 in UTC
 * @param machine what it ran on
 * @param settings what it was told, by the names of the options
 * @param rows one for each phase or slice
 * @param samples of processes
 * @param repeats attempts that the client has repeated inside its calls, by reason
 * @param bars what was asked of it
 * @param remarks what whoever reads the figures should know
 */
record StressReport(
        int format,
        String began,
        Map<String, String> machine,
        Map<String, String> settings,
        List<Row> rows,
        List<ProcessSample> samples,
        Map<String, Long> repeats,
        List<Verdict> bars,
        List<String> remarks) {

    static final int FORMAT = 1;

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /**
     * One phase, or one slice of one.
     *
     * @param offeredPerSecond requests that were due
     * @param acceptedPerSecond answers that came while it lasted
     * @param fates requests that were due in it, by what became of them
     * @param residentMib of each process, the most that was seen
     */
    record Row(
            String name,
            double offeredPerSecond,
            double acceptedPerSecond,
            Map<Fate, Long> fates,
            double p50Ms,
            double p99Ms,
            Map<String, Long> residentMib) {

        static Row of(Arrivals.Result result, ProcessWatch watch) {
            return of(
                    result.phase().name(),
                    result.total(),
                    result.phase().duration().toNanos() / 1e9,
                    result.acceptedPerSecond(),
                    resident(watch, result.beganNanos(), result.endedNanos()));
        }

        static Row of(
                String name, Tally tally, double seconds, double acceptedPerSecond, Map<String, Long> residentMib) {
            Map<Fate, Long> fates = new TreeMap<>();
            for (Fate fate : Fate.values()) {
                fates.put(fate, tally.of(fate));
            }
            return new Row(
                    name,
                    tally.due() / seconds,
                    acceptedPerSecond,
                    fates,
                    tally.percentileMs(50),
                    tally.percentileMs(99),
                    residentMib);
        }

        /** The most that was seen of each process between two moments. */
        static Map<String, Long> resident(ProcessWatch watch, long fromNanos, long toNanos) {
            Map<String, Long> most = new TreeMap<>();
            watch.samples().stream()
                    .filter(sample -> sample.atSeconds() >= watch.secondsAt(fromNanos)
                            && sample.atSeconds() <= watch.secondsAt(toNanos))
                    .forEach(sample -> most.merge(sample.process(), sample.residentMib(), Math::max));
            return most;
        }
    }

    /** What was counted between two looks. */
    static Map<String, Long> since(Map<String, Long> before, Map<String, Long> after) {
        Map<String, Long> since = new TreeMap<>();
        after.forEach((reason, times) -> {
            long more = times - before.getOrDefault(reason, 0L);
            if (more > 0) {
                since.put(reason, more);
            }
        });
        return since;
    }

    boolean isMet() {
        return bars.stream().allMatch(Verdict::met);
    }

    void write(Path file) {
        try {
            Files.writeString(file, GSON.toJson(this) + "\n");
        } catch (IOException e) {
            throw new ClusterException("can't write " + file + ": " + e.getMessage(), e);
        }
    }

    /** For people. */
    String markdown() {
        StringBuilder text = new StringBuilder("""
                | | offered/s | accepted/s | accepted | busy | deadline | unreached | other | not begun | p50 ms | p99 ms | resident MiB at most |
                |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|
                """);
        rows.forEach(row -> text.append(line(row)));
        text.append("\n| bar | seen | met |\n|---|---|---|\n");
        bars.forEach(bar ->
                text.append(String.format("| %s | %s | %s |%n", bar.bar(), bar.seen(), bar.met() ? "yes" : "**no**")));
        if (!repeats.isEmpty()) {
            text.append("\nattempts that the client repeated inside its calls: ")
                    .append(repeats.entrySet().stream()
                            .map(repeat -> String.format(Locale.ROOT, "%s %,d", repeat.getKey(), repeat.getValue()))
                            .collect(Collectors.joining(", ")))
                    .append('\n');
        }
        remarks.forEach(remark -> text.append('\n').append(remark).append('\n'));
        return text.toString();
    }

    private static String line(Row row) {
        return String.format(
                Locale.ROOT,
                "| %s | %,.0f | %,.0f | %s | %.2f | %.2f | %s |%n",
                row.name(),
                row.offeredPerSecond(),
                row.acceptedPerSecond(),
                row.fates().values().stream()
                        .map(count -> String.format(Locale.ROOT, "%,d", count))
                        .collect(Collectors.joining(" | ")),
                row.p50Ms(),
                row.p99Ms(),
                row.residentMib().entrySet().stream()
                        .map(entry -> entry.getKey() + " " + entry.getValue())
                        .collect(Collectors.joining(", ")));
    }
}
