package io.rutile.cli.command;

import io.rutile.cli.cluster.LocalCluster;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile start}: starts processes of a cluster that have ended. */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description = "Start processes of a cluster again that were killed or have ended.")
public final class StartCommand implements Callable<Integer> {

    @Mixin
    private DataDir data = new DataDir();

    @Mixin
    private JavaOption java = new JavaOption();

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "pd-1, node-2, gateway ...")
    private List<String> names = List.of();

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long to wait for each to become ready (default: 60).")
    private int timeoutSeconds;

    @Override
    public Integer call() {
        LocalCluster cluster = data.cluster(java.runtime());
        names.forEach(cluster::start);
        names.forEach(name -> {
            cluster.awaitReady(name, Duration.ofSeconds(timeoutSeconds));
            Terminal.progress(name + " ready");
        });
        return 0;
    }
}
