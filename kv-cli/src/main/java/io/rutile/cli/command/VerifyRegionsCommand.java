package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.fault.Fault;
import io.rutile.cli.verify.Plan;
import io.rutile.cli.verify.RegionResult;
import io.rutile.cli.verify.RegionTable;
import io.rutile.cli.verify.RegionVerification;
import io.rutile.cli.verify.ResultTable;
import io.rutile.cli.verify.Subject;
import io.rutile.cli.workload.Protocol;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile verify regions}: a cluster of its own whose Regions are split, merged, moved and led by others while its processes die;
 * transactions and raw writes run on it, and in the end all replicas are compared. Standard output gets two tables; exit code 1 if
 * anything did not hold.
 */
@Command(
        name = "regions",
        mixinStandardHelpOptions = true,
        description =
                "Split, merge, move and kill under load on a cluster of its own; then check every write and every replica.")
public final class VerifyRegionsCommand implements Callable<Integer> {

    private static final String ALL = "all";

    /** What PD keeps of a Region unless it is told otherwise. */
    private static final int REPLICAS = 3;

    /** Heartbeats that often show a small cluster's operators soon; a process that restarts is down for a minute at most. */
    static final Map<String, String> NODE_PROPERTIES =
            Map.of("rutile.node.region-heartbeat-interval", "2s", "rutile.node.store-heartbeat-interval", "2s");

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "3",
            description = "How long, a third of it with each protocol of transactions (default: 3).")
    private double minutes;

    @Option(
            names = "--protocol",
            paramLabel = "NAME",
            split = ",",
            defaultValue = ALL,
            description = "2pc, async, 1pc or all, one after the other (default: all).")
    private List<String> protocols = List.of();

    @Option(
            names = "--faults",
            paramLabel = "NAME",
            split = ",",
            defaultValue = ALL,
            description =
                    "kill, pause, hand-over, depose, blackout, split, transfer, move, merge or all (default: all).")
    private List<String> faults = List.of();

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "2",
            description = "Clients of each workload, and of raw pairs (default: 2).")
    private int clients;

    @Option(
            names = "--nodes",
            paramLabel = "N",
            defaultValue = "5",
            description = "KV nodes; with more than three, replicas have somewhere to move (default: 5).")
    private int nodes;

    @Mixin
    private ScratchOptions scratch = new ScratchOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Plan plan = plan();
        if (nodes < REPLICAS) {
            throw new ClusterException("--nodes is " + nodes + ", but a region has " + REPLICAS + " replicas");
        }
        Path directory = scratch.directory();
        ClusterLayout layout = scratch.layout(directory, nodes, NODE_PROPERTIES);
        Terminal.progress("seed " + plan.seed() + ", everything in " + directory);
        RegionResult result = ScratchCluster.use(layout, scratch.runtime(), cluster -> run(cluster, plan, directory));
        Terminal.result(ResultTable.markdown(result.histories()) + "\n"
                + RegionTable.markdown(result).strip());
        VerifyFindings.requireNone(result, true, directory);
        scratch.forget(directory);
        return 0;
    }

    private static ScratchCluster.Use<RegionResult> run(LocalCluster cluster, Plan plan, Path directory) {
        RegionVerification verification =
                new RegionVerification(cluster, plan, REPLICAS, directory.resolve("histories"), Terminal::progress);
        return new ScratchCluster.Use<>() {
            @Override
            public RegionResult run() throws IOException, InterruptedException {
                return verification.run();
            }

            @Override
            public void abandon() {
                verification.abandon();
            }
        };
    }

    private Plan plan() {
        List<Protocol> chosen = VerifyTxnCommand.chosen("--protocol", protocols, Protocol.values(), Protocol::label);
        try {
            return new Plan(
                    List.of(Subject.values()),
                    chosen,
                    Duration.ofMillis(Math.round(minutes * 60_000 / chosen.size())),
                    faults(),
                    clients,
                    clients,
                    Duration.ZERO,
                    scratch.seed());
        } catch (IllegalArgumentException e) {
            throw new ClusterException("this can't be verified: " + e.getMessage(), e);
        }
    }

    private Set<Fault> faults() {
        List<Fault> chosen =
                VerifyTxnCommand.chosen("--faults", faults, Fault.values(), VerifyRegionsCommand::optionName);
        return chosen.isEmpty() ? Set.of() : EnumSet.copyOf(chosen);
    }

    private static String optionName(Fault fault) {
        return fault.label().replace(' ', '-').toLowerCase(Locale.ROOT);
    }
}
