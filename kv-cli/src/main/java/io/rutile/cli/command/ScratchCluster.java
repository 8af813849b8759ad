package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.cluster.UpLock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A cluster that a command starts for itself, and ends whatever happens. */
public final class ScratchCluster {

    private static final Duration READY_MAX = Duration.ofMinutes(5);

    /** What a command does with it. */
    public interface Use<T> {

        T run() throws IOException, InterruptedException;

        /** Harms nobody any more, and heals nothing: the cluster is being ended. */
        void abandon();
    }

    /** Makes it, before the cluster runs. */
    public interface Maker<U> {
        U on(LocalCluster cluster);
    }

    private ScratchCluster() {}

    /** What other runs have left behind would be read as ours. */
    public static void requireNone(Path directory) {
        if (ClusterLayout.read(directory).isPresent()) {
            throw new ClusterException(directory + " holds a cluster already; --data names a new directory");
        }
    }

    static <T> T use(ClusterLayout layout, JavaRuntime java, Maker<Use<T>> maker)
            throws IOException, InterruptedException {
        return use(layout, java, List.of(), process -> true, maker);
    }

    /**
     * Starts all of it, uses it, ends it.
     *
     * @param flags JVM flags for every process
     */
    public static <T> T use(ClusterLayout layout, JavaRuntime java, List<String> flags, Maker<Use<T>> maker)
            throws IOException, InterruptedException {
        return use(layout, java, flags, process -> true, maker);
    }

    /** @param first who is started at first; the others are whoever uses it to start */
    static <T> T use(ClusterLayout layout, JavaRuntime java, Predicate<ServiceProcess> first, Maker<Use<T>> maker)
            throws IOException, InterruptedException {
        return use(layout, java, List.of(), first, maker);
    }

    private static <T> T use(
            ClusterLayout layout,
            JavaRuntime java,
            List<String> flags,
            Predicate<ServiceProcess> first,
            Maker<Use<T>> maker)
            throws IOException, InterruptedException {
        LocalCluster cluster = new LocalCluster(layout, java, RutileHome.current(), flags);
        Use<T> use = maker.on(cluster);
        try (UpLock lock = UpLock.take(layout)) {
            Thread hook = new Thread(() -> end(use, cluster), "stop-on-signal");
            Runtime.getRuntime().addShutdownHook(hook);
            try {
                List<ServiceProcess> begin =
                        cluster.processes().stream().filter(first).toList();
                cluster.start(begin);
                cluster.awaitReady(begin, READY_MAX, Terminal::progress);
                return use.run();
            } finally {
                Runtime.getRuntime().removeShutdownHook(hook);
                use.abandon();
                cluster.stop(Terminal::progress);
            }
        }
    }

    /** Ctrl-C: nobody needs this cluster any more, and a frozen process would not hear a polite signal. */
    private static void end(Use<?> use, LocalCluster cluster) {
        use.abandon();
        cluster.kill();
    }

    /** All of it. */
    public static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
