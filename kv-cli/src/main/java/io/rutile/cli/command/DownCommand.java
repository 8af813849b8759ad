package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.UpLock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code rutile down}: stops what {@code up} has started, in order. */
@Command(
        name = "down",
        mixinStandardHelpOptions = true,
        description = "Stop the cluster that the data directory holds.")
public final class DownCommand implements Callable<Integer> {

    /** Three roles at twenty seconds each, and some. */
    private static final long UP_WAIT_SECONDS = 90;

    @Mixin
    private DataDir data = new DataDir();

    @Override
    public Integer call() throws InterruptedException {
        LocalCluster cluster = data.cluster(JavaRuntime.current());
        Optional<ProcessHandle> up = UpLock.heldBy(cluster.layout());
        if (up.isPresent()) {
            stop(up.get());
        } else if (cluster.running().isEmpty()) {
            Terminal.progress("nothing is running in " + cluster.layout().dataDir());
            return 0;
        }
        List<String> killed = cluster.stop(Terminal::progress);
        if (!killed.isEmpty()) {
            throw new ClusterException(String.join(", ", killed) + " did not stop in time and had to be killed");
        }
        Terminal.progress("stopped");
        return 0;
    }

    /** An {@code up} that looks after the cluster stops it itself: told once, it does what Ctrl-C does. */
    private static void stop(ProcessHandle up) throws InterruptedException {
        up.destroy();
        try {
            up.onExit().get(UP_WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new ClusterException("rutile up (process " + up.pid() + ") does not stop", e);
        }
    }
}
