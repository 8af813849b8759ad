package io.rutile.cli.bench;

import io.rutile.cli.bench.BenchRun.Phase;
import io.rutile.cli.bench.BenchRun.Task;
import io.rutile.cli.bench.load.CommitWay;
import io.rutile.cli.bench.load.Distribution;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Workload;
import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile bench}: every operation, every number of clients and Regions, every subject; a table at the end. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measure a cluster through its doors, and the floors under it in the same run.",
        subcommands = {BarsCommand.class, OverloadCommand.class, SoakCommand.class, CompareCommand.class})
public final class BenchCommand implements Callable<Integer> {

    @Mixin
    private RunOptions run = new RunOptions();

    @Option(
            names = "--start",
            description =
                    "Start a cluster for this run, whose Regions and leaders stay where they are put, and end it.")
    private boolean start;

    @Option(
            names = "--subjects",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "grpc,rest,floor",
            description =
                    "What to measure: grpc, txn, rest, gateway, etcd; floor, or some of it: rocksdb, rocksdb-nosync, echo,"
                            + " raft, tso-echo (default: grpc,rest,floor).")
    private List<String> subjects = List.of();

    @Option(
            names = "--ops",
            paramLabel = "OP",
            split = ",",
            defaultValue = "get,put,scan,mixed",
            description = "Operations: get, put, scan, mixed (default: these), scan1000, txn1, txn2, txn8, held-get,"
                    + " held-scan1000, tso, ycsb-a to ycsb-f.")
    private List<String> operations = List.of();

    @Option(
            names = "--distribution",
            paramLabel = "NAME",
            description =
                    "Of keys: uniform, zipfian, scrambled, latest (default: that of the operation, YCSB's for YCSB).")
    private @Nullable Distribution distribution;

    @Option(
            names = "--commit",
            paramLabel = "WAY",
            defaultValue = "onepc",
            description = "How transactions are committed: twopc, async, onepc (default: onepc, where it applies).")
    private CommitWay commitWay = CommitWay.ONEPC;

    @Option(
            names = "--clients",
            paramLabel = "N",
            split = ",",
            defaultValue = "1,16,64",
            description = "Clients; in an open loop the most operations under way at once (default: 1,16,64).")
    private List<Integer> clients = List.of();

    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "0",
            description = "An open loop: so many operations begin in a second, by schedule; latencies count from then"
                    + " (default: 0, a closed loop).")
    private double rate;

    @Option(
            names = "--regions",
            paramLabel = "N",
            split = ",",
            description =
                    "Cut the keys into so many Regions, spread over the stores; several numbers one after the other,"
                            + " each a multiple of the one before (default: as they are).")
    private List<Integer> regions = List.of();

    @Option(
            names = "--repeats",
            paramLabel = "N",
            defaultValue = "1",
            description = "How often each cell is measured; 3 or more for compare (default: 1).")
    private int repeats;

    @Option(
            names = "--keys",
            paramLabel = "N",
            defaultValue = "100000",
            description = "Keys to load (default: 100000).")
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
        List<SubjectName> names = SubjectName.parse(subjects);
        List<Load> loads = loads();
        KeySpace keys = keySpace("bench-", keyCount, valueBytes, run.seed);
        checkRegions(names);
        // gRPC loads what is read through the gateway.
        if (names.stream().anyMatch(SubjectName::isThroughTheGateway) && names.indexOf(SubjectName.GRPC) != 0) {
            throw new ClusterException("--subjects with rest or gateway must begin with grpc, which loads the keys");
        }
        BenchHouse house = new BenchHouse(run);
        BenchHouse.Work work = (benched, floorDir) -> measure(names, loads, keys, benched, floorDir);
        return start
                ? house.inNewCluster(work)
                : house.anywhere(work, names.stream().anyMatch(name -> !name.isFloor() && name != SubjectName.ETCD));
    }

    /** @throws ClusterException if there can be no such keys */
    static KeySpace keySpace(String prefix, int count, int valueBytes, long seed) {
        try {
            return new KeySpace(prefix, count, valueBytes, seed);
        } catch (IllegalArgumentException e) {
            throw new ClusterException("this can't be measured: " + e.getMessage(), e);
        }
    }

    private List<Load> loads() {
        List<Load> loads = new ArrayList<>();
        try {
            for (String option : operations) {
                Workload workload = workload(option);
                for (int count : clients) {
                    loads.add(new Load(
                            workload,
                            distribution != null ? distribution : workload.distribution(),
                            commitWay,
                            count,
                            rate));
                }
            }
        } catch (IllegalArgumentException e) {
            throw new ClusterException("this can't be measured: " + e.getMessage(), e);
        }
        return loads;
    }

    private static Workload workload(String option) {
        return Arrays.stream(Workload.values())
                .filter(workload -> workload.optionName().equals(option))
                .findFirst()
                .orElseThrow(() -> new ClusterException("there is no operation " + option + "; choose of "
                        + Arrays.stream(Workload.values())
                                .map(Workload::optionName)
                                .collect(Collectors.joining(", "))));
    }

    private void checkRegions(List<SubjectName> names) {
        int before = 1;
        for (int count : regions) {
            if (count < before || count % before != 0 || count > 10_000) {
                throw new ClusterException(
                        "--regions are 1 to 10000, each a multiple of the one before it, not " + regions);
            }
            before = count;
        }
        if (!regions.isEmpty() && names.stream().allMatch(name -> name.isFloor() || name == SubjectName.ETCD)) {
            throw new ClusterException("--regions cuts the keys of a cluster, but none is measured");
        }
    }

    private int measure(
            List<SubjectName> names, List<Load> loads, KeySpace keys, Subjects.Benched benched, Path floorDir)
            throws Exception {
        try (Subjects open = new Subjects(benched, floorDir, valueBytes, commitWay)) {
            List<Task> tasks = new ArrayList<>();
            for (Load load : loads) {
                for (SubjectName name : names) {
                    // What has nothing to say is not even started.
                    if (name.suits(load.workload())) {
                        tasks.add(new Task(open.get(name), load, keys));
                    }
                }
            }
            if (tasks.isEmpty()) {
                throw new ClusterException("none of these subjects can do any of these operations");
            }
            List<Phase> phases = (regions.isEmpty() ? List.of(0) : regions)
                    .stream().map(count -> new Phase(count, tasks)).toList();
            return BenchRuns.report(run, repeats, settings(), phases, open, benched, floorDir, null);
        }
    }

    private Map<String, String> settings() {
        Map<String, String> settings = run.settings(repeats);
        settings.put("keys", Integer.toString(keyCount));
        settings.put("value-size", Integer.toString(valueBytes));
        settings.put("commit", commitWay.label());
        return settings;
    }
}
