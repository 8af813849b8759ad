package io.rutile.cli.command;

import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.fault.RegionSplits;
import io.rutile.cli.scale.IdleScale;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code rutile scale}: what many Regions cost while nothing happens; a table at the end. */
@Command(
        name = "scale",
        mixinStandardHelpOptions = true,
        description = "Cut an empty cluster of its own into many regions, and tell what idle processes take then.")
public final class ScaleCommand implements Callable<Integer> {

    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(60);

    @Option(
            names = "--regions",
            paramLabel = "N",
            split = ",",
            defaultValue = "100,500,1500",
            description = "How many, one after the other, growing (default: 100,500,1500).")
    private List<Integer> regions = List.of();

    @Option(
            names = "--watch",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long processor time is counted each time (default: 60).")
    private long watchSeconds;

    @Option(names = "--nodes", paramLabel = "N", defaultValue = "3", description = "KV nodes (default: 3).")
    private int nodes;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Empty or new; keeps the cluster's data and logs (default: a temporary one).")
    private @Nullable Path data;

    @Option(
            names = "--base-port",
            paramLabel = "P",
            defaultValue = "26000",
            description = "The port that all others of the cluster follow from, as in up (default: 26000).")
    private int basePort;

    @Mixin
    private JavaOption java = new JavaOption();

    @Override
    public Integer call() throws IOException, InterruptedException {
        check();
        Path directory = data != null ? data.toAbsolutePath() : Files.createTempDirectory("rutile-scale-");
        ScratchCluster.requireNone(directory);
        ClusterLayout layout = new ClusterLayout(directory, 1, nodes, basePort, ApiVersion.V1);
        Terminal.progress("everything in " + directory);
        Terminal.result(
                ScratchCluster.use(layout, java.runtime(), this::measuring).strip());
        if (data == null) {
            ScratchCluster.delete(directory);
        }
        return 0;
    }

    private void check() {
        int before = 0;
        for (int count : regions) {
            if (count <= before) {
                throw new ClusterException("--regions must be positive and grow from one to the next");
            }
            before = count;
        }
        if (regions.isEmpty() || watchSeconds < 1) {
            throw new ClusterException("--regions must name a number, and --watch be positive");
        }
    }

    private ScratchCluster.Use<String> measuring(LocalCluster cluster) {
        return new ScratchCluster.Use<>() {
            @Override
            public String run() throws IOException, InterruptedException {
                try (RutileClient client = RutileClient.connect(
                        new RutileClientOptions(cluster.layout().pdEndpoints(), CALL_TIMEOUT, CONNECT_TIMEOUT, 1))) {
                    IdleScale scale = new IdleScale(
                            cluster,
                            java.runtime(),
                            new RegionSplits(client.pd()),
                            Duration.ofSeconds(watchSeconds),
                            Terminal::progress);
                    for (int count : regions) {
                        scale.measure(count);
                    }
                    return scale.table();
                }
            }

            @Override
            public void abandon() {
                // Nobody is harmed here.
            }
        };
    }
}
