package io.rutile.cli.bench;

import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.cluster.ClusterException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What overload and soak are told alike. */
final class StressOptions {

    private static final double MINUTES_MAX = 24 * 60;
    private static final int UNDER_WAY_MAX = 100_000;
    private static final int REGIONS_MAX = 1_000;

    @Option(
            names = "--regions",
            paramLabel = "N",
            defaultValue = "10",
            description = "Regions that the keys are cut into, led by all nodes alike (default: 10).")
    int regions;

    @Option(
            names = "--value-size",
            paramLabel = "BYTES",
            defaultValue = "1024",
            description = "Of each value (default: 1024).")
    int valueBytes;

    @Option(
            names = "--peak-clients",
            paramLabel = "N",
            defaultValue = "128",
            description = "Clients of the closed loop that finds the peak (default: 128).")
    int peakClients;

    @Option(
            names = "--windows",
            paramLabel = "N",
            defaultValue = "5",
            description = "The peak is the median of so many (default: 5).")
    int windows;

    @Option(
            names = "--window",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "Of each, and of nine times as much before them to warm up (default: 10).")
    double windowSeconds;

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "16384",
            description =
                    "Requests of the open loop that may be under way; what is due beyond is counted, not sent (default: 16384).")
    int clients;

    @Option(
            names = "--deadline",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "Of each request, the client's own repeats in it (default: 10, the client's own).")
    double deadlineSeconds;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of keys and values (default: 1).")
    long seed;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Empty or new, on a disk; keeps the cluster's data and logs (default: a temporary one in the working directory).")
    @Nullable Path data;

    @Option(
            names = "--base-port",
            paramLabel = "P",
            defaultValue = "27000",
            description = "The port that all others of the cluster follow from, as in up (default: 27000).")
    int basePort;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there too.")
    @Nullable Path json;

    /** @throws ClusterException in one sentence, if it can't be done so */
    void check(double minutes) {
        require(minutes > 0 && minutes <= MINUTES_MAX, "--minutes must be more than 0 and a day at most");
        require(regions >= 1 && regions <= REGIONS_MAX, "--regions must be 1 to " + REGIONS_MAX);
        require(windows >= 1 && windows <= 100, "--windows must be 1 to 100");
        require(windowSeconds >= 0.1 && windowSeconds <= 600, "--window must be 0.1 to 600 seconds");
        require(peakClients >= 1 && peakClients <= 10_000, "--peak-clients must be 1 to 10000");
        require(clients >= 1 && clients <= UNDER_WAY_MAX, "--clients must be 1 to " + UNDER_WAY_MAX);
        require(deadlineSeconds >= 0.1 && deadlineSeconds <= 600, "--deadline must be 0.1 to 600 seconds");
    }

    /** @throws ClusterException with the sentence, unless it is so */
    static void require(boolean met, String sentence) {
        if (!met) {
            throw new ClusterException(sentence);
        }
    }

    KeySpace keys(int count) {
        return BenchCommand.keySpace("bench-", count, valueBytes, seed);
    }

    Duration window() {
        return seconds(windowSeconds);
    }

    Duration deadline() {
        return seconds(deadlineSeconds);
    }

    static Duration seconds(double seconds) {
        return Duration.ofMillis(Math.round(seconds * 1_000));
    }

    /** What a report says of it. */
    Map<String, String> settings(double minutes, int keyCount) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("minutes", Double.toString(minutes));
        settings.put("keys", Integer.toString(keyCount));
        settings.put("value-size", Integer.toString(valueBytes));
        settings.put("regions", Integer.toString(regions));
        settings.put("peak-clients", Integer.toString(peakClients));
        settings.put("windows", Integer.toString(windows));
        settings.put("window", Double.toString(windowSeconds));
        settings.put("clients", Integer.toString(clients));
        settings.put("deadline", Double.toString(deadlineSeconds));
        settings.put("seed", Long.toString(seed));
        return settings;
    }
}
