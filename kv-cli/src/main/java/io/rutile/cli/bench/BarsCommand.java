package io.rutile.cli.bench;

import io.rutile.cli.bench.BenchRun.Phase;
import io.rutile.cli.bench.BenchRun.Task;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile bench bars}: what Rutile must show, on a cluster of its own, beside the floors and in the same run. Exit code 1 if a bar
 * is not met.
 */
@Command(
        name = "bars",
        mixinStandardHelpOptions = true,
        description =
                "Measure every path that has a bar, beside its floor, on a cluster of its own; exit code 1 if one is not met.")
final class BarsCommand implements Callable<Integer> {

    /** Of the rows that scans read. */
    private static final int ROW_BYTES = 100;

    @Mixin
    private RunOptions run = new RunOptions();

    @Option(names = "--only", paramLabel = "BAR", split = ",", description = "Only these bars, by name (default: all).")
    private List<String> only = List.of();

    @Option(
            names = "--repeats",
            paramLabel = "N",
            defaultValue = "5",
            description = "How often each cell is measured (default: 5).")
    private int repeats;

    @Option(
            names = "--keys",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Keys to load, and rows of 100 bytes (default: 100000).")
    private int keyCount;

    @Option(
            names = "--value-size",
            paramLabel = "BYTES",
            defaultValue = "1024",
            description = "Of each value (default: 1024).")
    private int valueBytes;

    @Override
    public Integer call() throws Exception {
        run.check(repeats);
        List<Bar> bars = chosen();
        KeySpace values = BenchCommand.keySpace("bench-", keyCount, valueBytes, run.seed);
        KeySpace rows = BenchCommand.keySpace("rows-", keyCount, ROW_BYTES, run.seed);
        BenchHouse house = new BenchHouse(run);
        BenchHouse.Work work = (benched, floorDir) -> measure(bars, values, rows, benched, floorDir);
        return run.endpoints.isEmpty() ? house.inNewCluster(work) : house.inRunningCluster(work);
    }

    private List<Bar> chosen() {
        List<Bar> all = new ArrayList<>(Bar.ALL);
        if (!run.etcd.isEmpty()) {
            all.add(Bar.ETCD);
        }
        for (String name : only) {
            if (all.stream().noneMatch(bar -> bar.name().equals(name))) {
                throw new ClusterException("there is no bar " + name + "; choose of "
                        + all.stream().map(Bar::name).collect(Collectors.joining(", ")));
            }
        }
        return all.stream()
                .filter(bar -> only.isEmpty() || only.contains(bar.name()))
                .toList();
    }

    private int measure(List<Bar> bars, KeySpace values, KeySpace rows, Subjects.Benched benched, Path floorDir)
            throws Exception {
        try (Subjects subjects = new Subjects(benched, floorDir, valueBytes, CommitWay.ONEPC)) {
            Map<Integer, Map<Bar.Ref, Task>> byRegions = new TreeMap<>();
            for (Bar.Ref ref : refs(bars)) {
                byRegions
                        .computeIfAbsent(ref.regions(), regions -> new LinkedHashMap<>())
                        .put(ref, new Task(subjects.get(ref.subject()), ref.load(), ref.isAboutRows() ? rows : values));
            }
            List<Phase> phases = new ArrayList<>();
            Map<Bar.Ref, Cell.Id> ids = new LinkedHashMap<>();
            byRegions.forEach((regions, tasks) -> {
                Phase phase = new Phase(regions, List.copyOf(tasks.values()));
                phases.add(phase);
                tasks.forEach((ref, task) -> ids.put(ref, BenchRun.id(phase, task)));
            });
            Map<String, String> settings = run.settings(repeats);
            settings.put("keys", Integer.toString(keyCount));
            settings.put("value-size", Integer.toString(valueBytes));
            return BenchRuns.report(
                    run,
                    repeats,
                    settings,
                    phases,
                    subjects,
                    benched,
                    floorDir,
                    cells -> bars.stream()
                            .map(bar -> bar.judge(ref -> cell(cells, ids.get(ref))))
                            .toList());
        }
    }

    /** The cells of all bars, each once; the gateway's behind gRPC, which loads what they read. */
    private Set<Bar.Ref> refs(List<Bar> bars) {
        Set<Bar.Ref> refs = new LinkedHashSet<>();
        for (Bar bar : bars) {
            refs.add(bar.figure());
            Bar.Ref floor = bar.floor();
            if (floor != null) {
                refs.add(floor);
            }
        }
        if (only.isEmpty()) {
            refs.addAll(Bar.BESIDE);
        }
        List<Bar.Ref> ordered = new ArrayList<>(refs);
        ordered.sort(Comparator.comparing(ref -> ref.subject().isThroughTheGateway()));
        return new LinkedHashSet<>(ordered);
    }

    private static Optional<Cell> cell(List<Cell> cells, Cell.@Nullable Id id) {
        return cells.stream().filter(cell -> cell.id().equals(id)).findFirst();
    }
}
