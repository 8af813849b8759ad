package io.rutile.cli.command;

import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What every command takes that verifies something on a {@link ScratchCluster}: where it is, how large, and what it draws from. */
public final class ScratchOptions {

    @Option(
            names = "--pd",
            paramLabel = "N",
            defaultValue = "3",
            description = "Members of the Placement Driver: 1, 3, 5 or 7 (default: 3).")
    private int pds;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Of everything that is drawn (default: another one each time; it is told).")
    private @Nullable Long seed;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description =
                    "Empty or new; keeps the cluster's data and logs and the histories (default: a temporary one, kept if something did not hold).")
    private @Nullable Path data;

    @Option(
            names = "--base-port",
            paramLabel = "P",
            defaultValue = "26000",
            description = "The port that all others of the cluster follow from, as in up (default: 26000).")
    private int basePort;

    @Mixin
    private JavaOption java = new JavaOption();

    long seed() {
        return seed != null ? seed : System.nanoTime();
    }

    /** Where everything goes; without a cluster in it. */
    Path directory() throws IOException {
        Path directory = data != null ? data.toAbsolutePath() : Files.createTempDirectory("rutile-verify-");
        ScratchCluster.requireNone(directory);
        return directory;
    }

    ClusterLayout layout(Path directory, int nodes, Map<String, String> nodeProperties) {
        return new ClusterLayout(directory, pds, nodes, basePort, ApiVersion.V1, nodeProperties, false);
    }

    JavaRuntime runtime() {
        return java.runtime();
    }

    /** All held: nobody needs a temporary directory any more. */
    void forget(Path directory) {
        if (data == null) {
            ScratchCluster.delete(directory);
        }
    }
}
