package io.rutile.cli.bench;

import io.rutile.cli.bench.load.Arrivals;
import io.rutile.cli.bench.load.Arrivals.Phase;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Distribution;
import io.rutile.cli.bench.load.Fate;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.Tally;
import io.rutile.cli.bench.load.Workload;
import io.rutile.cli.bench.stress.OverloadFigures;
import io.rutile.cli.bench.stress.OverloadFigures.Second;
import io.rutile.cli.bench.stress.ProcessWatch;
import io.rutile.cli.cluster.JavaRuntime;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile bench overload}: twice of what a cluster can do is asked of it, and then half. Exit code 1 if it does not go on accepting what
 * it can, loses a process, fails in another way than by ServerIsBusy or a deadline, or does not recover.
 */
@Command(
        name = "overload",
        mixinStandardHelpOptions = true,
        description =
                "Offer twice the peak to a cluster of its own, by an open loop; exit code 1 if it does not stand it.")
final class OverloadCommand implements Callable<Integer> {

    private static final String HALF = "half of the peak";
    private static final String TWICE = "twice the peak";
    private static final String AFTER = "half of the peak, after it";

    /** Enough for a p99: thousands of requests. */
    private static final Duration HALF_LASTS = Duration.ofSeconds(20);

    /** Thrice what the bar grants, to tell late from never. */
    private static final Duration AFTER_LASTS = Duration.ofSeconds(15);

    private static final Duration SECOND = Duration.ofSeconds(1);

    private static final int HEAP_MIB_MIN = 128;
    private static final int HEAP_MIB_MAX = 1 << 20;

    @Mixin
    private StressOptions options = new StressOptions();

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long twice the peak is offered; the bar is about 10 (default: 10).")
    private double minutes;

    @Option(
            names = "--keys",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Keys to load and to overwrite (default: 100000).")
    private int keyCount;

    @Option(
            names = "--heap",
            paramLabel = "MIB",
            defaultValue = "512",
            description = "Java heap of each process of the cluster; the bar is about 512 (default: 512).")
    private int heapMib;

    @Override
    public Integer call() throws Exception {
        options.check(minutes);
        StressOptions.require(
                heapMib >= HEAP_MIB_MIN && heapMib <= HEAP_MIB_MAX,
                "--heap must be " + HEAP_MIB_MIN + " to " + HEAP_MIB_MAX);
        Dataset data = Dataset.loaded(options.keys(keyCount));
        StressReport report = StressHouse.with(options, List.of("-Xmx" + heapMib + "m"), house -> measure(house, data));
        System.out.print(report.markdown());
        System.out.flush();
        if (options.json != null) {
            report.write(options.json);
        }
        return report.isMet() ? 0 : 1;
    }

    private StressReport measure(StressHouse house, Dataset data) throws Exception {
        String began = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        house.furnish(data.keys(), Workload.PUT);
        try (ProcessWatch watch = ProcessWatch.begin(house.cluster().processes(), JavaRuntime.current(), SECOND)) {
            long peakBegan = System.nanoTime();
            Figures peak = house.peak(Workload.PUT, data);
            long peakEnded = System.nanoTime();
            double rate = peak.operationsPerSecond();
            List<Phase> phases = List.of(
                    new Phase(HALF, rate / 2, HALF_LASTS),
                    new Phase(TWICE, rate * 2, StressOptions.seconds(minutes * 60)),
                    new Phase(AFTER, rate / 2, AFTER_LASTS));
            BenchRuns.progress(String.format(
                    Locale.ROOT,
                    "peak %,.0f a second; offering half, twice for %.1f min, and half again",
                    rate,
                    minutes));
            Arrivals arrivals = new Arrivals(
                    new RawRequests(house.client().raw(), data, Distribution.UNIFORM, 0),
                    options.clients,
                    options.deadline(),
                    SECOND);
            Map<String, Long> repeatsBefore = house.repeats();
            Duration cpuBefore = ownCpu();
            long openBegan = System.nanoTime();
            List<Arrivals.Result> results = arrivals.run(phases, options.seed);
            double cores = (double) ownCpu().minus(cpuBefore).toNanos() / (System.nanoTime() - openBegan);

            List<StressReport.Row> rows = new ArrayList<>();
            rows.add(peakRow(peak, StressReport.Row.resident(watch, peakBegan, peakEnded)));
            results.forEach(result -> rows.add(StressReport.Row.of(result, watch)));
            return new StressReport(
                    StressReport.FORMAT,
                    began,
                    BenchRuns.machine(),
                    settings(),
                    rows,
                    watch.samples(),
                    StressReport.since(repeatsBefore, house.repeats()),
                    figures(rate, results, watch).judge(),
                    remarks(house, cores));
        }
    }

    private static OverloadFigures figures(double peak, List<Arrivals.Result> results, ProcessWatch watch) {
        Tally all = Tally.sum(
                results.stream().flatMap(result -> result.windows().stream()).toList());
        return new OverloadFigures(
                peak,
                results.get(1).acceptedPerSecond(),
                all.of(Fate.OTHER),
                all.firstOther(),
                ProcessWatch.lost(watch.samples()),
                ProcessWatch.restarts(watch.samples()),
                results.get(0).total().percentileMs(99),
                results.get(2).windows().stream()
                        .map(second -> new Second(second.due(), second.of(Fate.ACCEPTED), second.percentileMs(99)))
                        .toList());
    }

    /** A closed loop offers what is accepted. */
    private static StressReport.Row peakRow(Figures peak, Map<String, Long> residentMib) {
        Map<Fate, Long> fates = new TreeMap<>();
        Stream.of(Fate.values()).forEach(fate -> fates.put(fate, fate == Fate.ACCEPTED ? peak.operations() : 0L));
        return new StressReport.Row(
                "peak, closed loop",
                peak.operationsPerSecond(),
                peak.operationsPerSecond(),
                fates,
                peak.p50Ms(),
                peak.p99Ms(),
                residentMib);
    }

    private List<String> remarks(StressHouse house, double cores) {
        List<String> remarks = new ArrayList<>();
        remarks.add(String.format(
                Locale.ROOT,
                "The load generator shares the machine's %d processors with the cluster; it took %.2f of them while the open"
                        + " loop ran, which the cluster had not. The closed loop's took its part, too.",
                Runtime.getRuntime().availableProcessors(),
                cores));
        BenchHouse.memoryOnly(house.cluster().layout().dataDir()).ifPresent(remarks::add);
        return List.copyOf(remarks);
    }

    private Map<String, String> settings() {
        Map<String, String> settings = options.settings(minutes, keyCount);
        settings.put("heap", Integer.toString(heapMib));
        return settings;
    }

    private static Duration ownCpu() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
