package io.rutile.cli.bench;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import io.rutile.cli.cluster.ServiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code rutile bench}: every operation, every number of clients, every subject; a table at the end. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measure a running cluster through gRPC and REST, and RocksDB alone beside it.")
public final class BenchCommand implements Callable<Integer> {

    @Option(
            names = "--target",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "Placement Driver members (default: those of the local cluster in --data).")
    private List<String> target = List.of();

    @Option(
            names = "--rest",
            paramLabel = "URL",
            description = "The gateway (default: that of the local cluster in --data).")
    private @Nullable String restUrl;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = ".rutile",
            description = "Data directory of the local cluster.")
    private Path data = Path.of(".rutile");

    @Option(
            names = "--subjects",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "grpc,rest,floor",
            description = "What to measure: grpc, rest, floor (default: all).")
    private List<String> subjects = List.of();

    @Option(
            names = "--ops",
            paramLabel = "OP",
            split = ",",
            defaultValue = "get,put,scan,mixed",
            description = "Operations: get, put, scan, mixed (default: these), txn1, txn2, txn8.")
    private List<Workload> workloads = List.of();

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
            description = "Clients (default: 1,16,64).")
    private List<Integer> clients = List.of();

    @Option(
            names = "--duration",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "Of each measurement (default: 10).")
    private int durationSeconds;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            defaultValue = "3",
            description = "Of each operation at first, and before each measurement (default: 3).")
    private int warmUpSeconds;

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

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of keys and values (default: 1).")
    private long seed;

    @Option(
            names = "--floor-dir",
            paramLabel = "DIR",
            description =
                    "Where the floor's RocksDB goes; on the disk of the cluster's data, or it is no floor (default: below --data).")
    private @Nullable Path floorDir;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there too.")
    private @Nullable Path json;

    @Override
    public Integer call() throws Exception {
        check();
        KeySpace keys = new KeySpace(keyCount, valueBytes, seed);
        ClosedLoop loop = new ClosedLoop(Duration.ofSeconds(warmUpSeconds), Duration.ofSeconds(durationSeconds));
        List<Measurement> measurements = new ArrayList<>();
        List<Subject> opened = new ArrayList<>();
        Path floor = null;
        try {
            for (String name : subjects) {
                if (name.equals("floor")) {
                    floor = freshFloorDir();
                }
                Subject subject = open(name, floor);
                opened.add(subject);
                progress(subject.name() + ": " + (name.equals("rest") ? "looking for" : "loading") + " " + keyCount
                        + " keys");
                subject.load(keys);
            }
            for (Subject subject : opened) {
                progress(subject.name() + ": warming up");
                for (Workload workload :
                        workloads.stream().filter(w -> w.suits(subject)).toList()) {
                    loop.warmUp(subject, workload, keys, Collections.max(clients));
                }
            }
            for (Workload workload : workloads) {
                for (int count : clients) {
                    for (Subject subject :
                            opened.stream().filter(workload::suits).toList()) {
                        Measurement measured = loop.measure(subject, workload, keys, count);
                        measurements.add(measured);
                        progress(String.format(
                                Locale.ROOT,
                                "%s, %d clients, %s: %,.0f ops/s",
                                workload.label(),
                                count,
                                subject.name(),
                                measured.operationsPerSecond()));
                    }
                }
            }
        } finally {
            opened.forEach(Subject::close);
            if (floor != null) {
                delete(floor);
            }
        }
        System.out.print(Report.markdown(measurements));
        System.out.flush();
        if (json != null) {
            Files.writeString(json, Report.json(keys, measurements));
        }
        return measurements.stream().anyMatch(m -> m.latencies().getTotalCount() == 0) ? 1 : 0;
    }

    private void check() {
        if (durationSeconds < 1
                || warmUpSeconds < 0
                || keyCount < 1
                || valueBytes < 1
                || clients.stream().anyMatch(n -> n < 1)) {
            throw new ClusterException("durations, keys, value size and clients must be at least 1");
        }
        // gRPC loads what REST reads.
        if (subjects.contains("rest") && subjects.indexOf("grpc") != 0) {
            throw new ClusterException("--subjects with rest must begin with grpc, which loads the keys");
        }
    }

    private Subject open(String name, @Nullable Path floor) {
        return switch (name) {
            case "grpc" ->
                new GrpcSubject(target.isEmpty() ? local().layout().pdEndpoints() : target, commitWay, serverCpu());
            case "rest" ->
                new RestSubject(restUrl != null ? restUrl : local().layout().gatewayUrl(), serverCpu());
            case "floor" -> new RocksSubject(floor != null ? floor : freshFloorDir());
            default -> throw new ClusterException("there is no subject " + name + "; choose of grpc, rest, floor");
        };
    }

    private ServerCpu serverCpu() {
        return new ServerCpu(target.isEmpty() ? local().processes() : List.<ServiceProcess>of());
    }

    private LocalCluster local() {
        ClusterLayout layout = ClusterLayout.read(data.toAbsolutePath())
                .orElseThrow(() -> new ClusterException("there is no local cluster in " + data
                        + "; start one with rutile up, or name one with --target and --rest"));
        return new LocalCluster(layout, JavaRuntime.current(), RutileHome.current(), List.of());
    }

    private Path freshFloorDir() {
        try {
            Path parent = floorDir != null ? floorDir : data.toAbsolutePath();
            return Files.createTempDirectory(Files.createDirectories(parent), "bench-floor-");
        } catch (IOException e) {
            throw new ClusterException("can't make a directory for the floor's RocksDB: " + e.getMessage(), e);
        }
    }

    private static void delete(Path dir) {
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void progress(String line) {
        System.err.println(line);
    }
}
