package io.rutile.cli.command;

import io.rutile.cli.check.Anomaly;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.fault.Fault;
import io.rutile.cli.verify.Judgement;
import io.rutile.cli.verify.Plan;
import io.rutile.cli.verify.Result;
import io.rutile.cli.verify.ResultTable;
import io.rutile.cli.verify.Subject;
import io.rutile.cli.verify.Verification;
import io.rutile.cli.workload.Protocol;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile verify txn}: does transactions to a cluster of its own while that suffers, and judges what they saw. Standard output
 * gets one table; exit code 1 if there is an anomaly in it.
 */
@Command(
        name = "txn",
        mixinStandardHelpOptions = true,
        description =
                "Run transactions on a cluster of its own while processes are killed and frozen, and check their histories.")
public final class VerifyTxnCommand implements Callable<Integer> {

    private static final String ALL = "all";
    private static final int NODES = 3;

    @Option(
            names = "--workload",
            paramLabel = "NAME",
            split = ",",
            defaultValue = ALL,
            description = "bank, append, counter or all, side by side (default: all).")
    private List<String> workloads = List.of();

    @Option(
            names = "--protocol",
            paramLabel = "NAME",
            split = ",",
            defaultValue = ALL,
            description = "2pc, async, 1pc or all, one after the other (default: all).")
    private List<String> protocols = List.of();

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "1",
            description = "How long with each protocol; 0.1 is six seconds (default: 1).")
    private double minutes;

    @Option(names = "--faults", description = "Kill, freeze and stop processes meanwhile.")
    private boolean faults;

    @Option(
            names = "--clients",
            paramLabel = "N",
            defaultValue = "4",
            description = "Clients of each workload (default: 4).")
    private int clients;

    @Option(names = "--history", paramLabel = "FILE", description = "Start nothing: judge this history again.")
    private @Nullable Path history;

    @Mixin
    private ScratchOptions scratch = new ScratchOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (history != null) {
            return judgeAgain(history);
        }
        Plan plan = plan();
        Path directory = scratch.directory();
        Terminal.progress("seed " + plan.seed() + ", everything in " + directory);
        List<Result> results = run(plan, directory);
        Terminal.result(ResultTable.markdown(results).strip());
        requireClean(results, directory);
        scratch.forget(directory);
        return 0;
    }

    private Plan plan() {
        try {
            return new Plan(
                    chosen("--workload", workloads, Subject.values(), Subject::label),
                    chosen("--protocol", protocols, Protocol.values(), Protocol::label),
                    Duration.ofMillis(Math.round(minutes * 60_000)),
                    faults ? Fault.WITHOUT_ORDERS : Set.of(),
                    clients,
                    0,
                    Duration.ZERO,
                    scratch.seed());
        } catch (IllegalArgumentException e) {
            throw new ClusterException("this can't be verified: " + e.getMessage(), e);
        }
    }

    /** Of all, those that are named. */
    static <T> List<T> chosen(String option, List<String> names, T[] all, Function<T, String> label) {
        if (names.contains(ALL)) {
            return List.of(all);
        }
        Map<String, T> known = Arrays.stream(all).collect(Collectors.toMap(label, Function.identity()));
        for (String name : names) {
            if (!known.containsKey(name)) {
                throw new ClusterException(option + " is " + name + "; choose of "
                        + Arrays.stream(all).map(label).collect(Collectors.joining(", ")) + ", all");
            }
        }
        return Arrays.stream(all)
                .filter(one -> names.contains(label.apply(one)))
                .toList();
    }

    private List<Result> run(Plan plan, Path directory) throws IOException, InterruptedException {
        ClusterLayout layout = scratch.layout(directory, NODES, Map.of());
        return ScratchCluster.use(layout, scratch.runtime(), cluster -> {
            Verification verification =
                    new Verification(cluster, plan, directory.resolve("histories"), Terminal::progress);
            return new ScratchCluster.Use<List<Result>>() {
                @Override
                public List<Result> run() throws IOException, InterruptedException {
                    return verification.run();
                }

                @Override
                public void abandon() {
                    verification.abandon();
                }
            };
        });
    }

    private static void requireClean(List<Result> results, Path directory) {
        List<Result> suspect =
                results.stream().filter(result -> !result.isClean()).toList();
        if (suspect.isEmpty()) {
            return;
        }
        suspect.forEach(result -> {
            show(result.judgement());
            result.troubles().forEach(Terminal::error);
        });
        throw new ClusterException(suspect.stream()
                        .map(result -> result.judgement().header().workload() + " with "
                                + result.judgement().header().protocol())
                        .collect(Collectors.joining(", "))
                + " did not hold; histories, logs and data are kept in " + directory);
    }

    private static int judgeAgain(Path file) throws IOException {
        Judgement judgement;
        try {
            judgement = Judgement.of(file);
        } catch (IllegalArgumentException e) {
            throw new ClusterException("can't judge " + file + ": " + e.getMessage(), e);
        }
        show(judgement);
        Terminal.result(judgement.header().workload() + " with "
                + judgement.header().protocol() + ", seed "
                + judgement.header().seed() + ": " + judgement.isolation().checked() + " observations, "
                + judgement.anomalies() + " anomalies");
        return judgement.isClean() ? 0 : 1;
    }

    private static void show(Judgement judgement) {
        for (Anomaly anomaly : judgement.examples()) {
            Terminal.progress(anomaly.toString());
        }
    }
}
