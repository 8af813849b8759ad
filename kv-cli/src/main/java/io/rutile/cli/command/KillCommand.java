package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.ServiceProcess;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code rutile kill}: faults by hand. */
@Command(
        name = "kill",
        mixinStandardHelpOptions = true,
        description = "Kill processes of a cluster without warning, or freeze one with --signal STOP.")
public final class KillCommand implements Callable<Integer> {

    @Mixin
    private DataDir data = new DataDir();

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "pd-1, node-2, gateway ...")
    private List<String> names = List.of();

    @Option(
            names = "--signal",
            paramLabel = "SIGNAL",
            defaultValue = "KILL",
            description = "KILL, TERM, STOP, CONT ... (default: KILL).")
    private String signal = "KILL";

    @Override
    public Integer call() {
        LocalCluster cluster = data.cluster(JavaRuntime.current());
        List<ServiceProcess> targets = names.stream().map(cluster::process).toList();
        for (ServiceProcess target : targets) {
            if (!target.isAlive()) {
                throw new ClusterException(target.name() + " is not running");
            }
        }
        targets.forEach(target -> {
            if (signal.equals("KILL")) {
                target.kill();
            } else {
                target.signal(signal);
            }
        });
        return 0;
    }
}
