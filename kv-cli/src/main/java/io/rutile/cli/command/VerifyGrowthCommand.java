package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.verify.Growth;
import io.rutile.cli.verify.Plan;
import io.rutile.cli.verify.RegionResult;
import io.rutile.cli.verify.RegionTable;
import io.rutile.cli.verify.RegionVerification;
import io.rutile.cli.verify.ResultTable;
import io.rutile.cli.verify.Subject;
import io.rutile.cli.workload.BulkLoad;
import io.rutile.cli.workload.Protocol;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile verify growth}: three nodes are filled, two more come, one is killed; nobody orders anything, and transactions and raw
 * writes run all the time. Standard output gets three tables; exit code 1 if anything did not hold.
 */
@Command(
        name = "growth",
        mixinStandardHelpOptions = true,
        description =
                "Fill three nodes, add two, lose one, under load on a cluster of its own; then check every write and every replica.")
public final class VerifyGrowthCommand implements Callable<Integer> {

    private static final int NODES_FIRST = 3;
    private static final int NODES_IN_THE_END = 5;
    private static final int REPLICAS = 3;
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);

    @Option(
            names = "--mib",
            paramLabel = "N",
            defaultValue = "2048",
            description = "How much is loaded (default: 2048).")
    private long mib;

    @Option(
            names = "--region-mib",
            paramLabel = "N",
            defaultValue = "8",
            description =
                    "What a region should hold: five stores can't be even with few large ones (default: 8; a store's own is 96).")
    private long regionMib;

    @Option(
            names = "--down-after",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long the Placement Driver waits for a node (default: 60; its own is 30 minutes).")
    private long downAfterSeconds;

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "1",
            description = "Clients of each workload, and of raw pairs (default: 1).")
    private int clients;

    @Option(
            names = "--pace",
            paramLabel = "MS",
            defaultValue = "20",
            description =
                    "A client's pause between two transactions: what is to be seen is how the cluster grows, not how much it can do (default: 20).")
    private long paceMillis;

    @Option(
            names = "--rate",
            paramLabel = "N",
            defaultValue = "0",
            description = "Pairs a second of the load (default: 0, as many as are taken).")
    private int pairsPerSecond;

    @Option(
            names = "--store-limit",
            paramLabel = "N",
            defaultValue = "30",
            description = "Replicas a minute that a store may receive (default: 30; the Placement Driver's own is 15).")
    private int replicasPerMinute;

    @Mixin
    private ScratchOptions scratch = new ScratchOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (mib < 1 || regionMib < 1 || downAfterSeconds < 1 || replicasPerMinute < 1) {
            throw new ClusterException("--mib, --region-mib, --down-after and --store-limit must be positive");
        }
        if (paceMillis < 0 || pairsPerSecond < 0) {
            throw new ClusterException("--pace and --rate must not be negative");
        }
        Plan plan = plan();
        Path directory = scratch.directory();
        Map<String, String> properties = new HashMap<>(VerifyRegionsCommand.NODE_PROPERTIES);
        properties.put("rutile.node.split.size", regionMib + "MB");
        ClusterLayout layout = scratch.layout(directory, NODES_IN_THE_END, properties);
        Terminal.progress("seed " + plan.seed() + ", everything in " + directory);
        Growth[] played = new Growth[1];
        RegionResult result = ScratchCluster.use(
                layout,
                scratch.runtime(),
                process -> !newcomers(layout).contains(process.name()),
                cluster -> run(cluster, plan, directory, played));
        Growth growth = played[0];
        Terminal.result(growth.table() + "\n" + ResultTable.markdown(result.histories()) + "\n"
                + RegionTable.markdown(result).strip());
        VerifyFindings.requireNone(result, growth.wrong() == 0, directory);
        scratch.forget(directory);
        return 0;
    }

    private static List<String> newcomers(ClusterLayout layout) {
        return layout.services().stream()
                .filter(service -> service.role() == Role.NODE)
                .skip(NODES_FIRST)
                .map(service -> service.name())
                .toList();
    }

    private ScratchCluster.Use<RegionResult> run(LocalCluster cluster, Plan plan, Path directory, Growth[] played) {
        return new ScratchCluster.Use<>() {
            @Override
            public RegionResult run() throws IOException, InterruptedException {
                try (RutileClient client = RutileClient.connect(
                        new RutileClientOptions(cluster.layout().pdEndpoints(), CALL_TIMEOUT, CONNECT_TIMEOUT, 2))) {
                    List<ServiceProcess> newcomers = newcomers(cluster.layout()).stream()
                            .map(cluster::process)
                            .toList();
                    Growth growth = new Growth(
                            cluster,
                            newcomers,
                            new BulkLoad(client.raw().withTimeout(CALL_TIMEOUT), mib << 20, pairsPerSecond),
                            new Growth.Settings(Duration.ofSeconds(downAfterSeconds), replicasPerMinute),
                            Terminal::progress);
                    played[0] = growth;
                    return new RegionVerification(
                                    cluster, plan, REPLICAS, directory.resolve("histories"), Terminal::progress, growth)
                            .run();
                }
            }

            @Override
            public void abandon() {
                // Nobody does harm beside the course, which ends with this process.
            }
        };
    }

    /** One protocol of transactions: the cluster grows once. */
    private Plan plan() {
        try {
            return new Plan(
                    List.of(Subject.values()),
                    List.of(Protocol.ASYNC),
                    Duration.ofMinutes(1),
                    Set.of(),
                    clients,
                    clients,
                    Duration.ofMillis(paceMillis),
                    scratch.seed());
        } catch (IllegalArgumentException e) {
            throw new ClusterException("this can't be verified: " + e.getMessage(), e);
        }
    }
}
