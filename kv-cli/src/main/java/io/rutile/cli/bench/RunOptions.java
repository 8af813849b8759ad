package io.rutile.cli.bench;

import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a run is made, and on what. */
final class RunOptions {

    private static final int REPEATS_MAX = 100;
    private static final double DURATION_SECONDS_MIN = 0.1;
    private static final double DURATION_SECONDS_MAX = 86_400;

    @Option(
            names = {"--endpoint", "--target"},
            paramLabel = "HOST:PORT",
            split = ",",
            description =
                    "Placement Driver members of a cluster that speaks TiKV's protocol (default: those of the local"
                            + " cluster in --data).")
    List<String> endpoints = List.of();

    @Option(names = "--rest", paramLabel = "URL", description = "The gateway (default: that of the local cluster).")
    @Nullable String restUrl;

    @Option(
            names = "--gateway-grpc",
            paramLabel = "HOST:PORT",
            description = "The gateway's gRPC (default: that of the local cluster).")
    @Nullable String gatewayGrpc;

    @Option(
            names = "--etcd",
            paramLabel = "HOST:PORT",
            split = ",",
            description = "Members of an etcd to be measured beside.")
    List<String> etcd = List.of();

    @Option(
            names = "--etcd-pids",
            paramLabel = "PID",
            split = ",",
            description = "Processes of that etcd, if they are on this machine: their processor time is measured.")
    List<Long> etcdPids = List.of();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Data directory: of the running local cluster (default: .rutile), or of the one that is started.")
    @Nullable Path data;

    @Option(
            names = "--base-port",
            paramLabel = "P",
            defaultValue = "27000",
            description = "The port that all others of a cluster started here follow from, as in up (default: 27000).")
    int basePort;

    @Option(
            names = "--duration",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "Of each measurement, 0.1 or more (default: 10).")
    double durationSeconds;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            defaultValue = "3",
            description = "Before each measurement, and eight times as long for each cell at first (default: 3).")
    double warmUpSeconds;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of keys and values (default: 1).")
    long seed;

    @Option(
            names = "--floor-dir",
            paramLabel = "DIR",
            description =
                    "Where floors write; on the disk of the cluster's data, or they are no floors (default: below --data).")
    @Nullable Path floorDir;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there too.")
    @Nullable Path json;

    void check(int repeats) {
        if (!(durationSeconds >= DURATION_SECONDS_MIN && durationSeconds <= DURATION_SECONDS_MAX)
                || !(warmUpSeconds >= 0 && warmUpSeconds <= DURATION_SECONDS_MAX)) {
            throw new ClusterException(
                    "--duration must be at least 0.1 seconds, --warm-up not negative, both a day at most");
        }
        if (repeats < 1 || repeats > REPEATS_MAX) {
            throw new ClusterException("--repeats must be 1 to " + REPEATS_MAX + ", not " + repeats);
        }
        if (!etcdPids.isEmpty() && etcd.isEmpty()) {
            throw new ClusterException("--etcd-pids says whose processor time to measure, but --etcd is missing");
        }
    }

    BenchRun.Timing timing(int repeats) {
        return new BenchRun.Timing(seconds(warmUpSeconds), seconds(durationSeconds), repeats);
    }

    private static Duration seconds(double seconds) {
        return Duration.ofMillis(Math.round(seconds * 1_000));
    }

    /** What a report says of it. */
    Map<String, String> settings(int repeats) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("duration", Double.toString(durationSeconds));
        settings.put("warm-up", Double.toString(warmUpSeconds));
        settings.put("repeats", Integer.toString(repeats));
        settings.put("seed", Long.toString(seed));
        return settings;
    }
}
