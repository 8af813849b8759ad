package io.rutile.cli.cluster;

import io.rutile.tls.ClientTls;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All processes of a cluster: starts them, waits until they serve, stops them in reverse order. Processes outlive this object; another
 * one for the same directory finds them again.
 */
public final class LocalCluster {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(5);
    /** A node hands its leaderships over and flushes; longer than that is stuck. */
    private static final Duration STOP_WAIT_MAX = Duration.ofSeconds(20);

    private static final Duration REAP_WAIT_MAX = Duration.ofSeconds(1);

    private final ClusterLayout layout;
    private final JavaRuntime java;
    private final RutileHome home;
    private final List<String> extraFlags;
    private final Map<String, ServiceProcess> processes = new LinkedHashMap<>();
    /** Made when it is needed first: before the first start there may be no certificates. */
    private volatile @Nullable HealthProbe probe;

    /**
     * Finds or will start the processes of this layout.
     *
     * @param extraFlags JVM flags for every process, behind the usual ones and those of {@link JvmFlags#MORE}
     */
    public LocalCluster(ClusterLayout layout, JavaRuntime java, RutileHome home, List<String> extraFlags) {
        this.layout = layout;
        this.java = java;
        this.home = home;
        List<String> flags = new ArrayList<>(JvmFlags.more(System.getenv(JvmFlags.MORE)));
        flags.addAll(extraFlags);
        this.extraFlags = List.copyOf(flags);
        layout.services().forEach(spec -> processes.put(spec.name(), new ServiceProcess(layout, spec)));
    }

    public ClusterLayout layout() {
        return layout;
    }

    public List<ServiceProcess> processes() {
        return List.copyOf(processes.values());
    }

    public List<ServiceProcess> processes(Role role) {
        return processes.values().stream()
                .filter(process -> process.spec().role() == role)
                .toList();
    }

    /**
     * The process of this name.
     *
     * @throws ClusterException if there is none
     */
    public ServiceProcess process(String name) {
        ServiceProcess process = processes.get(name);
        if (process == null) {
            throw new ClusterException(
                    "there is no process " + name + " in this cluster; it has " + names(processes()));
        }
        return process;
    }

    /** Processes that are running now, in start order. */
    public List<ServiceProcess> running() {
        return processes.values().stream().filter(ServiceProcess::isAlive).toList();
    }

    /**
     * Starts every process that isn't running and returns at once. Checks disk, ports and jars first, so that it starts all or none.
     *
     * @return the processes that were started
     */
    public List<ServiceProcess> start() {
        return start(processes());
    }

    /** Starts those of them that aren't running; the same otherwise. */
    public synchronized List<ServiceProcess> start(List<ServiceProcess> wanted) {
        prepare();
        List<ServiceProcess> missing =
                wanted.stream().filter(process -> !process.isAlive()).toList();
        missing.forEach(process -> Ports.requireFree(process.spec()));
        missing.forEach(process -> home.executableJar(process.spec().role()));
        missing.forEach(process -> process.start(java, home, extraFlags));
        return missing;
    }

    /** Starts one process of the cluster again and returns at once. */
    public synchronized void start(String name) {
        ServiceProcess process = process(name);
        if (process.isAlive()) {
            throw new ClusterException(
                    name + " is running already (process " + process.pid().orElse(-1L) + ")");
        }
        prepare();
        Ports.requireFree(process.spec());
        process.start(java, home, extraFlags);
    }

    private void prepare() {
        Disk.prepare(layout);
        if (layout.tls() && running().isEmpty()) {
            layout.authority().prepare(java);
        }
    }

    private HealthProbe probe() {
        HealthProbe known = probe;
        if (known == null) {
            ClientTls client = layout.security().outgoing();
            known = new HealthProbe(client == null ? null : client.context());
            probe = known;
        }
        return known;
    }

    /**
     * Waits until every process may serve, every Region has all its replicas, and the gateway reads from them.
     *
     * @param progress takes a line whenever there is something new, and every five seconds
     * @throws ClusterException if a process ends meanwhile, with its last words, or after {@code timeout}
     */
    public void awaitReady(Duration timeout, Consumer<String> progress) {
        awaitReady(processes(), timeout, progress);
    }

    /** The same of a cluster of which only these run. */
    public void awaitReady(List<ServiceProcess> wanted, Duration timeout, Consumer<String> progress) {
        long startNanos = System.nanoTime();
        awaitProcesses(wanted, timeout, progress);
        try (RegionReplicas replicas = RegionReplicas.of(layout, remaining(timeout, startNanos))) {
            await("all replicas of all Regions", wanted, remaining(timeout, startNanos), progress, replicas::complete);
        }
        await(
                "a read through the gateway",
                wanted,
                remaining(timeout, startNanos),
                progress,
                () -> probe().status(layout.gatewayUrl() + "/v1/raw?limit=1") == HttpURLConnection.HTTP_OK);
    }

    /** Waits until one process may serve. @throws ClusterException as {@link #awaitReady(Duration, Consumer)} */
    public void awaitReady(String name, Duration timeout) {
        awaitProcesses(List.of(process(name)), timeout, line -> {});
    }

    /**
     * Stops gateway, nodes and Placement Driver, in this order; whoever is still there after twenty seconds is killed. Safe from any
     * thread; waits for a start that is under way.
     *
     * @return names of processes that had to be killed
     */
    public List<String> stop(Consumer<String> progress) {
        return stop(processes(), progress);
    }

    /** Stops only these, in the same order. */
    public synchronized List<String> stop(List<ServiceProcess> some, Consumer<String> progress) {
        List<String> killed = new ArrayList<>();
        List<ProcessHandle> handles =
                some.stream().flatMap(process -> process.handle().stream()).toList();
        for (Role role : List.of(Role.GATEWAY, Role.NODE, Role.PD)) {
            List<ServiceProcess> stopping = some.stream()
                    .filter(process -> process.spec().role() == role && process.isAlive())
                    .toList();
            if (stopping.isEmpty()) {
                continue;
            }
            progress.accept("stopping " + names(stopping));
            stopping.forEach(ServiceProcess::terminate);
            long startNanos = System.nanoTime();
            for (ServiceProcess process : stopping) {
                if (!process.awaitEnd(remaining(STOP_WAIT_MAX, startNanos))) {
                    process.kill();
                    killed.add(process.name());
                }
            }
        }
        // They have ended; whoever looks for their numbers next should not find what init has yet to clear away.
        Waiting.until(REAP_WAIT_MAX, POLL, () -> handles.stream().noneMatch(ProcessHandle::isAlive));
        some.forEach(ServiceProcess::deletePidFile);
        return killed;
    }

    /** Ends every process at the same moment, like a power cut (SIGKILL), and waits until all are gone. */
    public synchronized void kill() {
        processes.values().forEach(process -> process.handle().ifPresent(ProcessHandle::destroyForcibly));
        processes.values().forEach(ServiceProcess::kill);
    }

    /** Every process as it is now; asks all of them at the same time. */
    public List<ProcessStatus> status() {
        return processes.values().parallelStream().map(this::status).toList();
    }

    private ProcessStatus status(ServiceProcess process) {
        return process.pid()
                .map(pid -> new ProcessStatus(
                        process.spec(),
                        pid,
                        probe().isReady(process.spec()) ? ProcessStatus.State.READY : ProcessStatus.State.STARTING))
                .orElseGet(() -> new ProcessStatus(process.spec(), null, ProcessStatus.State.STOPPED));
    }

    private void awaitProcesses(List<ServiceProcess> awaited, Duration timeout, Consumer<String> progress) {
        List<ServiceProcess> waiting = new ArrayList<>(awaited);
        Progress line = new Progress(progress);
        boolean ready = Waiting.until(timeout, POLL, () -> {
            List<ServiceProcess> now = waiting.stream()
                    .filter(process -> {
                        if (!process.isAlive()) {
                            throw new ClusterException(process.lastWords());
                        }
                        return probe().isReady(process.spec());
                    })
                    .toList();
            if (!now.isEmpty()) {
                waiting.removeAll(now);
                line.say(names(now) + " ready");
            }
            line.tick("waiting for " + names(waiting));
            return waiting.isEmpty();
        });
        if (!ready) {
            throw new ClusterException("not ready after " + timeout.toSeconds() + " s: " + names(waiting)
                    + " did not say that it may serve; see " + layout.logDir());
        }
    }

    private void await(
            String what,
            List<ServiceProcess> wanted,
            Duration timeout,
            Consumer<String> progress,
            BooleanSupplier done) {
        Progress line = new Progress(progress);
        boolean ready = Waiting.until(timeout, POLL, () -> {
            for (ServiceProcess process : wanted) {
                if (!process.isAlive()) {
                    throw new ClusterException(process.lastWords());
                }
            }
            line.tick("waiting for " + what);
            return done.getAsBoolean();
        });
        if (!ready) {
            throw new ClusterException("not ready in time: still waiting for " + what + "; see " + layout.logDir());
        }
    }

    private static Duration remaining(Duration timeout, long startNanos) {
        Duration left = timeout.minusNanos(System.nanoTime() - startNanos);
        return left.isNegative() ? Duration.ZERO : left;
    }

    private static String names(List<ServiceProcess> processes) {
        return processes.stream().map(ServiceProcess::name).collect(Collectors.joining(", "));
    }

    /** Says what is new at once and what lasts every few seconds. */
    private static final class Progress {

        private final Consumer<String> out;
        private final long startNanos = System.nanoTime();
        private long saidNanos = startNanos;

        Progress(Consumer<String> out) {
            this.out = out;
        }

        void say(String line) {
            out.accept(line);
            saidNanos = System.nanoTime();
        }

        void tick(String line) {
            long now = System.nanoTime();
            if (now - saidNanos >= PROGRESS_INTERVAL.toNanos()) {
                say(line + " (" + (now - startNanos) / 1_000_000_000L + " s)");
            }
        }
    }
}
