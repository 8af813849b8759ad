package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Arrivals;
import io.rutile.cli.bench.load.Arrivals.Phase;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Fate;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.Tally;
import io.rutile.cli.bench.load.Workload;
import io.rutile.cli.bench.stress.DiskWatch;
import io.rutile.cli.bench.stress.ProcessSample;
import io.rutile.cli.bench.stress.ProcessWatch;
import io.rutile.cli.bench.stress.SoakFigures;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.Role;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile bench soak}: a steady mixed load at a part of the peak, for an hour. Exit code 1 if memory, threads or descriptors grow, the
 * 99th percentile rises, or more lies on disk than it should.
 */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        description =
                "Put half gets, half puts on a cluster of its own for an hour, at 70 %% of its peak; exit code 1 if it does not stay as it is.")
final class SoakCommand implements Callable<Integer> {

    /** Half reads, half updates, scrambled. */
    private static final Workload WORKLOAD = Workload.YCSB_A;

    private static final int GET_PERCENT = 50;

    /** Looks at processes and disks in one run, an hour's one a minute. */
    private static final int LOOKS = 60;

    private static final Duration LOOK_INTERVAL_MIN = Duration.ofMillis(200);

    @Mixin
    private StressOptions options = new StressOptions();

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "60",
            description = "How long, in six slices; the bars are about 60 (default: 60).")
    private double minutes;

    @Option(
            names = "--percent",
            paramLabel = "N",
            defaultValue = "70",
            description = "Of the peak; the bars are about 70 (default: 70).")
    private int percent;

    @Option(
            names = "--keys",
            paramLabel = "N",
            defaultValue = "400000",
            description =
                    "Keys to load and to overwrite; with few of them what an engine always has shows as amplification (default: 400000).")
    private int keyCount;

    @Override
    public Integer call() throws Exception {
        options.check(minutes);
        StressOptions.require(percent >= 1 && percent <= 100, "--percent must be 1 to 100");
        Dataset data = Dataset.loaded(options.keys(keyCount));
        StressReport report = StressHouse.with(options, List.of(), house -> measure(house, data));
        System.out.print(report.markdown());
        System.out.flush();
        if (options.json != null) {
            report.write(options.json);
        }
        return report.isMet() ? 0 : 1;
    }

    private StressReport measure(StressHouse house, Dataset data) throws Exception {
        String began = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        house.furnish(data.keys(), WORKLOAD);
        Figures peak = house.peak(WORKLOAD, data);
        double rate = peak.operationsPerSecond() * percent / 100;
        Duration slice = StressOptions.seconds(minutes * 60 / SoakFigures.SLICES);
        List<Phase> slices = new ArrayList<>();
        for (int i = 1; i <= SoakFigures.SLICES; i++) {
            slices.add(new Phase(i + " of " + SoakFigures.SLICES, rate, slice));
        }
        BenchRuns.progress(String.format(
                Locale.ROOT,
                "peak %,.0f a second; %d %% of it for %.1f min",
                peak.operationsPerSecond(),
                percent,
                minutes));
        Arrivals arrivals = new Arrivals(
                new RawRequests(house.client().raw(), data, WORKLOAD.distribution(), GET_PERCENT),
                options.clients,
                options.deadline(),
                slice);
        Duration interval = slice.multipliedBy(SoakFigures.SLICES).dividedBy(LOOKS);
        if (interval.compareTo(LOOK_INTERVAL_MIN) < 0) {
            interval = LOOK_INTERVAL_MIN;
        }
        Map<String, Long> repeatsBefore = house.repeats();
        try (ProcessWatch processes = ProcessWatch.begin(house.cluster().processes(), JavaRuntime.current(), interval);
                DiskWatch disks = DiskWatch.begin(nodeDirectories(house), interval)) {
            List<Arrivals.Result> results = arrivals.run(slices, options.seed);
            return report(began, house, data, peak, results, processes, disks, repeatsBefore);
        }
    }

    private StressReport report(
            String began,
            StressHouse house,
            Dataset data,
            Figures peak,
            List<Arrivals.Result> results,
            ProcessWatch processes,
            DiskWatch disks,
            Map<String, Long> repeatsBefore) {
        Tally all = Tally.sum(
                results.stream().flatMap(result -> result.windows().stream()).toList());
        double sliceSeconds = results.get(0).phase().duration().toNanos() / 1e9;
        List<ProcessSample> samples = processes.samples();
        List<DiskWatch.Use> lastUses = disks.uses((SoakFigures.SLICES - 1) * sliceSeconds);
        long live = (long) keyCount
                * (data.keys().key(0).getBytes(StandardCharsets.US_ASCII).length + options.valueBytes)
                * StressHouse.NODES;
        SoakFigures figures = new SoakFigures(
                sliceSeconds,
                samples,
                results.stream().map(result -> result.total().percentileMs(99)).toList(),
                all.due() - all.of(Fate.ACCEPTED),
                live,
                lastUses.stream().map(DiskWatch.Use::dataBytes).toList());
        List<String> remarks = new ArrayList<>();
        remarks.add(String.format(
                Locale.ROOT,
                "Offered: %d %% of a closed loop's %,.0f a second, from the same machine's %d processors.",
                percent,
                peak.operationsPerSecond(),
                Runtime.getRuntime().availableProcessors()));
        remarks.add(processTable(sliceSeconds, samples));
        remarks.add(String.format(
                Locale.ROOT,
                "Raft logs, which are kept up to their bound and are no data: %,d MiB at the end.",
                lastUses.isEmpty() ? 0 : lastUses.get(lastUses.size() - 1).logBytes() >> 20));
        String other = all.firstOther();
        if (other != null) {
            remarks.add("first other error: " + other);
        }
        BenchHouse.memoryOnly(house.cluster().layout().dataDir()).ifPresent(remarks::add);
        return new StressReport(
                StressReport.FORMAT,
                began,
                BenchRuns.machine(),
                settings(),
                results.stream()
                        .map(result -> StressReport.Row.of(result, processes))
                        .toList(),
                samples,
                StressReport.since(repeatsBefore, house.repeats()),
                figures.judge(),
                List.copyOf(remarks));
    }

    private static List<Path> nodeDirectories(StressHouse house) {
        return house.cluster().processes(Role.NODE).stream()
                .map(node -> house.cluster().layout().dataDir().resolve(node.name()))
                .toList();
    }

    /** What every process had at the end of each slice. */
    private static String processTable(double sliceSeconds, List<ProcessSample> samples) {
        StringBuilder text =
                new StringBuilder("| process | resident MiB | threads | open files |\n|---|---|---|---|\n");
        for (String process :
                samples.stream().map(ProcessSample::process).distinct().sorted().toList()) {
            List<ProcessSample> ends = new ArrayList<>();
            for (int i = 1; i <= SoakFigures.SLICES; i++) {
                double end = i * sliceSeconds;
                samples.stream()
                        .filter(sample -> sample.process().equals(process) && sample.atSeconds() <= end)
                        .reduce((before, after) -> after)
                        .ifPresent(ends::add);
            }
            text.append(String.format(
                    "| %s | %s | %s | %s |%n",
                    process,
                    join(ends.stream().map(ProcessSample::residentMib).toList()),
                    join(ends.stream().map(ProcessSample::threads).toList()),
                    join(ends.stream().map(ProcessSample::openFiles).toList())));
        }
        return text.toString();
    }

    private static String join(List<Long> numbers) {
        return String.join(", ", numbers.stream().map(String::valueOf).toList());
    }

    private Map<String, String> settings() {
        Map<String, String> settings = options.settings(minutes, keyCount);
        settings.put("percent", Integer.toString(percent));
        return settings;
    }
}
