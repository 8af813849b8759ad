package io.rutile.cli.command;

import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.cluster.UpLock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code rutile up}: starts a cluster, says where it is, and looks after it until it is told to stop. Standard output gets exactly
 * three lines: {@code pd}, {@code gateway}, {@code ready}.
 */
@Command(
        name = "up",
        mixinStandardHelpOptions = true,
        description = "Start a cluster on this machine, or the one that the data directory holds; Ctrl-C stops it.")
public final class UpCommand implements Callable<Integer> {

    private static final long SUPERVISION_INTERVAL_MS = 500;

    @Mixin
    private DataDir data = new DataDir();

    @Mixin
    private JavaOption java = new JavaOption();

    @Option(
            names = "--pd",
            paramLabel = "N",
            description = "Members of the Placement Driver: 1, 3, 5 or 7 (default: 1).")
    private @Nullable Integer pds;

    @Option(names = "--nodes", paramLabel = "N", description = "KV nodes, 1 to 64 (default: 3).")
    private @Nullable Integer nodes;

    @Option(
            names = "--base-port",
            paramLabel = "P",
            description =
                    "The port that all others follow from: pd P, nodes P+100, gateway P+400 (default: 2379, 20160, 8080).")
    private @Nullable Integer basePort;

    @Option(
            names = "--api-version",
            paramLabel = "V",
            description =
                    "V1, V1TTL for values that expire, or V2 for key spaces (default: V1). Fixed when the cluster is born.")
    private @Nullable ApiVersion apiVersion;

    @Option(
            names = "--node-property",
            paramLabel = "NAME=VALUE",
            description =
                    "Configuration of every KV node, such as rutile.node.split.size=16MB; may be repeated. NAME= restores the default.")
    private Map<String, String> nodeProperties = Map.of();

    @Option(
            names = "--tls",
            description =
                    "Every port speaks TLS, with certificates that are made for this cluster in its data directory; commands find them there. Fixed when the cluster is born.")
    private boolean tls;

    @Option(names = "--detach", description = "Return when the cluster is ready; rutile down stops it.")
    private boolean detach;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "How long to wait for the cluster to become ready (default: 120).")
    private int timeoutSeconds;

    /** Set by the shutdown hook: from then on a process that ends is no news. */
    private final AtomicBoolean stopping = new AtomicBoolean();

    @Override
    public Integer call() throws InterruptedException {
        ClusterLayout layout = layout();
        try (UpLock lock = UpLock.take(layout)) {
            LocalCluster cluster = new LocalCluster(layout, java.runtime(), RutileHome.current(), List.of());
            requireNoneRunningUnlessDetached(cluster);
            Thread hook = new Thread(() -> stopOnSignal(cluster), "stop-on-signal");
            Runtime.getRuntime().addShutdownHook(hook);
            start(cluster);
            announce(layout);
            if (detach) {
                Runtime.getRuntime().removeShutdownHook(hook);
                return 0;
            }
            return supervise(cluster);
        }
    }

    /** What the directory remembers, changed by what the command line says. */
    private ClusterLayout layout() {
        ClusterLayout before = data.layout().orElse(null);
        ClusterLayout base = before != null ? before : ClusterLayout.standard(data.directory());
        ClusterLayout layout = new ClusterLayout(
                        base.dataDir(),
                        pds != null ? pds : base.pds(),
                        nodes != null ? nodes : base.nodes(),
                        basePort != null ? basePort : base.basePort(),
                        apiVersion != null ? apiVersion : base.apiVersion(),
                        base.nodeProperties(),
                        tls || base.tls())
                .withNodeProperties(nodeProperties);
        if (before != null) {
            requireSame(before, "--pd", before.pds(), layout.pds());
            requireSame(before, "--api-version", before.apiVersion(), layout.apiVersion());
            if (tls && !before.tls()) {
                throw new ClusterException("the cluster in " + before.dataDir()
                        + " was born without --tls; choose another directory with --data");
            }
            if (layout.nodes() < before.nodes()) {
                throw new ClusterException("the cluster in " + before.dataDir() + " has " + before.nodes()
                        + " nodes with data on them; --nodes can only be more than that");
            }
        }
        return layout;
    }

    private static void requireSame(ClusterLayout before, String option, Object was, Object wanted) {
        if (!was.equals(wanted)) {
            throw new ClusterException("the cluster in " + before.dataDir() + " was born with " + option + " " + was
                    + ", not " + wanted + "; choose another directory with --data");
        }
    }

    private void requireNoneRunningUnlessDetached(LocalCluster cluster) {
        List<ServiceProcess> running = cluster.running();
        if (!running.isEmpty() && !detach) {
            throw new ClusterException("the cluster in " + cluster.layout().dataDir() + " is running already ("
                    + running.stream()
                            .map(process -> process.name() + " is process "
                                    + process.pid().orElse(-1L))
                            .collect(Collectors.joining(", "))
                    + "); stop it with rutile down");
        }
    }

    /** Everything started and ready, or everything that was started stopped again. */
    private void start(LocalCluster cluster) throws InterruptedException {
        List<ServiceProcess> started = new ArrayList<>();
        try {
            started.addAll(cluster.start());
            Terminal.progress(
                    "starting " + started.stream().map(ServiceProcess::name).collect(Collectors.joining(", ")));
            cluster.awaitReady(Duration.ofSeconds(timeoutSeconds), Terminal::progress);
        } catch (ClusterException e) {
            if (stopping.get()) {
                Thread.currentThread().join(); // the hook ends this process
            }
            List<ServiceProcess> toStop = started.isEmpty() ? List.of() : started;
            cluster.stop(toStop, line -> {});
            throw e;
        }
    }

    private static void announce(ClusterLayout layout) {
        Terminal.result("pd " + String.join(",", layout.pdEndpoints()));
        Terminal.result("gateway " + layout.gatewayUrl());
        Terminal.result("ready");
    }

    /** Tells of processes that end and come back; returns when none is left. */
    private int supervise(LocalCluster cluster) throws InterruptedException {
        List<ServiceProcess> alive = cluster.running();
        while (!alive.isEmpty()) {
            Thread.sleep(SUPERVISION_INTERVAL_MS);
            List<ServiceProcess> now = cluster.running();
            if (stopping.get()) {
                Thread.currentThread().join(); // the hook ends this process
            }
            for (ServiceProcess process : cluster.processes()) {
                if (alive.contains(process) && !now.contains(process)) {
                    Terminal.progress(process.name() + " has ended; the others go on, rutile start " + process.name()
                            + " starts it again");
                } else if (!alive.contains(process) && now.contains(process)) {
                    Terminal.progress(process.name() + " is running again");
                }
            }
            alive = now;
        }
        throw new ClusterException("every process of the cluster has ended; rutile up starts it again with its data");
    }

    /** Ctrl-C, SIGTERM or a closed terminal. Exit code 0 says that everything was stopped in order. */
    private void stopOnSignal(LocalCluster cluster) {
        if (stopping.getAndSet(true) || cluster.running().isEmpty()) {
            return;
        }
        int status = 1;
        try {
            List<String> killed = cluster.stop(Terminal::progress);
            if (killed.isEmpty()) {
                status = 0;
                Terminal.progress("stopped");
            } else {
                Terminal.progress(
                        "stopped; " + String.join(", ", killed) + " did not stop in time and had to be killed");
            }
        } catch (ClusterException e) {
            Terminal.error(e.getMessage());
        } finally {
            Runtime.getRuntime().halt(status);
        }
    }
}
