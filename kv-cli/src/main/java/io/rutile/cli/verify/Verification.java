package io.rutile.cli.verify;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.cli.check.Anomaly;
import io.rutile.cli.check.HistoryFile;
import io.rutile.cli.check.WatchChecker;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.fault.Fault;
import io.rutile.cli.fault.Harm;
import io.rutile.cli.fault.Nemesis;
import io.rutile.cli.fault.PlacementOrders;
import io.rutile.cli.fault.RegionLeader;
import io.rutile.cli.fault.RegionSplits;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.workload.ClusterRawStore;
import io.rutile.cli.workload.ClusterStore;
import io.rutile.cli.workload.Protocol;
import io.rutile.cli.workload.RawAppends;
import io.rutile.cli.workload.WatchRun;
import io.rutile.cli.workload.Workload;
import io.rutile.cli.workload.WorkloadRun;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.pd.PdClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Carries out a {@link Plan} on a running cluster: for each protocol, all workloads side by side while the nemesis does harm, each of
 * them watched; then everything is healed, the last reads are made, the histories are judged, and compared with what the watchers were
 * told.
 */
public final class Verification {

    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(5);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration ORDER_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);

    /** Until locks that nobody will commit have outlived their time, and the watcher's feed has seen to them. */
    private static final Duration WATCH_TIMEOUT = Duration.ofMinutes(2);

    private final LocalCluster cluster;
    private final Plan plan;
    private final Path directory;
    private final Consumer<String> progress;
    private final @Nullable Course course;
    private final List<RawResult> rawResults = new ArrayList<>();
    private final Map<Fault, Integer> finishedOrders = new EnumMap<>(Fault.class);
    private volatile @Nullable Nemesis nemesis;

    /**
     * Prepares it.
     *
     * @param cluster of real processes, ready
     * @param directory takes histories, the log of faults and the explanations of anomalies
     * @param progress takes a line now and then
     */
    public Verification(LocalCluster cluster, Plan plan, Path directory, Consumer<String> progress) {
        this(cluster, plan, directory, progress, null);
    }

    /**
     * The same, but something else happens than faults, and it says how long it lasts.
     *
     * @param course played beside the workloads, once for each protocol; null for the plan's faults
     */
    public Verification(
            LocalCluster cluster, Plan plan, Path directory, Consumer<String> progress, @Nullable Course course) {
        this.course = course;
        this.cluster = cluster;
        this.plan = plan;
        this.directory = directory;
        this.progress = progress;
    }

    /** Runs all of it, as long as nothing is found; a round with an anomaly is the last. */
    public List<Result> run() throws IOException, InterruptedException {
        Files.createDirectories(directory);
        List<Result> results = new ArrayList<>();
        for (Protocol protocol : plan.protocols()) {
            List<Result> round = new Round(protocol).run();
            results.addAll(round);
            if (!round.stream().allMatch(Result::isClean)
                    || !rawResults.stream().allMatch(RawResult::isClean)) {
                break;
            }
        }
        return results;
    }

    /** What became of raw pairs, a result for each protocol beside which they were written. */
    public List<RawResult> rawResults() {
        return List.copyOf(rawResults);
    }

    /** How often each order of the Placement Driver was seen to be done. */
    public Map<Fault, Integer> finishedOrders() {
        return Map.copyOf(finishedOrders);
    }

    /** Ends the harm without healing, for a caller that ends the cluster; from any thread. */
    public void abandon() {
        Nemesis active = nemesis;
        if (active != null) {
            active.abandon();
        }
    }

    /** All workloads with one protocol. */
    private final class Round {

        private final Protocol protocol;
        private final List<Part> parts = new ArrayList<>();
        private final List<String> troubles = new ArrayList<>();
        private @Nullable RawAppends raw;
        private @Nullable PlacementOrders orders;

        Round(Protocol protocol) {
            this.protocol = protocol;
        }

        List<Result> run() throws IOException, InterruptedException {
            try {
                for (Subject subject : plan.subjects()) {
                    parts.add(new Part(subject, protocol));
                }
                for (Part part : parts) {
                    part.start();
                }
                startRaw();
                Nemesis harm = happen();
                parts.forEach(part -> part.run().stop());
                finishRaw(harm);
                for (Part part : parts) {
                    part.finish();
                }
                List<Result> results = new ArrayList<>();
                for (Part part : parts) {
                    results.add(part.judge(harm, troubles));
                }
                return results;
            } finally {
                close();
            }
        }

        /** @return who did the harm that was done */
        private @Nullable Nemesis happen() throws IOException, InterruptedException {
            if (course != null) {
                try {
                    course.play(this::isBroken);
                } catch (ClusterException e) {
                    troubles.add(String.valueOf(e.getMessage()));
                }
                return null;
            }
            Nemesis harm = startNemesis();
            await(harm);
            heal(harm);
            return harm;
        }

        private void close() {
            RawAppends writing = raw;
            if (writing != null) {
                writing.close();
            }
            PlacementOrders watching = orders;
            if (watching != null) {
                watching.close();
            }
            parts.forEach(Part::close);
        }

        private List<String> keys() {
            return parts.stream()
                    .flatMap(part -> part.workload.splitKeys().stream())
                    .toList();
        }

        private void startRaw() {
            if (plan.rawClients() > 0) {
                raw = RawAppends.start(
                        new ClusterRawStore(parts.get(0).client.raw().withTimeout(CALL_TIMEOUT)),
                        keys().stream().map(RegionSplits::border).toList(),
                        plan.rawClients(),
                        plan.seedOf("raw-" + protocol.label()));
            }
        }

        private void finishRaw(@Nullable Nemesis harm) throws InterruptedException {
            RawAppends writing = raw;
            if (writing == null) {
                return;
            }
            try {
                rawResults.add(
                        new RawResult(protocol.label(), writing.verify(), harm == null ? List.of() : harm.blackouts()));
            } catch (IllegalStateException e) {
                troubles.add(String.valueOf(e.getMessage()));
            }
        }

        private @Nullable Nemesis startNemesis() {
            if (plan.faults().isEmpty()) {
                return null;
            }
            PdClient pd = parts.get(0).client.pd();
            Harm harm = plan.harm(keys(), "faults-" + protocol.label());
            RegionLeader leader =
                    new RegionLeader(cluster.layout(), pd, harm.keys().get(0));
            Path log = directory.resolve("faults-" + protocol.label() + ".log");
            PlacementOrders watching =
                    new PlacementOrders(new PdHttp(cluster.layout().pdEndpoints(), ORDER_TIMEOUT));
            orders = watching;
            Nemesis started =
                    Nemesis.start(cluster, leader, new RegionSplits(pd), watching, harm, line -> say(log, line));
            nemesis = started;
            return started;
        }

        private void say(Path log, String line) {
            progress.accept(protocol.label() + " " + line);
            try {
                Files.writeString(log, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void await(@Nullable Nemesis harm) throws InterruptedException {
            long startNanos = System.nanoTime();
            long leftNanos = plan.lasting().toNanos();
            while (leftNanos > 0 && !isBroken()) {
                TimeUnit.NANOSECONDS.sleep(Math.min(leftNanos, PROGRESS_INTERVAL.toNanos()));
                long elapsedNanos = System.nanoTime() - startNanos;
                leftNanos = plan.lasting().toNanos() - elapsedNanos;
                progress.accept(String.format(
                        Locale.ROOT,
                        "%s %7.1f s  %s%s",
                        protocol.label(),
                        elapsedNanos / 1e9,
                        parts.stream()
                                .map(part ->
                                        part.subject.label() + " " + part.run().tally())
                                .collect(Collectors.joining("; ")),
                        (raw == null ? "" : "; raw " + raw.progress()) + (harm == null ? "" : "; now: " + harm.now())));
            }
        }

        private boolean isBroken() {
            RawAppends writing = raw;
            return parts.stream().anyMatch(part -> part.run().isBroken()) || (writing != null && writing.isBroken());
        }

        private void heal(@Nullable Nemesis harm) {
            if (harm != null) {
                try {
                    harm.close();
                } catch (RuntimeException e) {
                    troubles.add(String.valueOf(e.getMessage()));
                }
                nemesis = null;
            }
            PlacementOrders watching = orders;
            if (watching != null) {
                watching.close();
                watching.finished().forEach((fault, count) -> finishedOrders.merge(fault, count, Integer::sum));
            }
        }
    }

    /** One workload with one protocol, and a client of its own, which counts how it commits. */
    private final class Part {

        private final Subject subject;
        private final Protocol protocol;
        private final String name;
        private final Workload workload;
        private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
        private final RutileClient client;
        private final List<String> ownTroubles = new ArrayList<>();
        private @Nullable WorkloadRun run;
        private @Nullable WatchRun watch;
        private List<WatchChecker.Seen> seen = List.of();

        Part(Subject subject, Protocol protocol) {
            this.subject = subject;
            this.protocol = protocol;
            name = subject.label() + "-" + protocol.label();
            workload = subject.workload("verify/" + name + "/");
            client = RutileClient.connect(
                    new RutileClientOptions(cluster.layout().pdEndpoints(), CALL_TIMEOUT, CONNECT_TIMEOUT, 2),
                    registry);
        }

        void start() throws IOException, InterruptedException {
            watch = WatchRun.start(client.txn(), "verify/" + name + "/", plan.seedOf("watch-" + name));
            run = WorkloadRun.start(
                    workload,
                    new ClusterStore(client.txn(), protocol),
                    protocol.label(),
                    plan.clients(),
                    plan.pace(),
                    plan.seedOf(name),
                    directory.resolve(name + ".jsonl"));
        }

        WorkloadRun run() {
            WorkloadRun started = run;
            if (started == null) {
                throw new IllegalStateException(name + " has not been started");
            }
            return started;
        }

        /** What fails here is a finding, and the history up to it is judged all the same. */
        void finish() throws IOException, InterruptedException {
            try {
                run().finish();
            } catch (RuntimeException e) {
                ownTroubles.add(String.valueOf(e.getMessage()));
            }
            WatchRun watching = watch;
            if (watching != null) {
                try {
                    seen = watching.finish(WATCH_TIMEOUT);
                } catch (IllegalStateException e) {
                    watch = null;
                    ownTroubles.add(String.valueOf(e.getMessage()));
                }
            }
        }

        Result judge(@Nullable Nemesis harm, List<String> troubles) throws IOException {
            Judgement judgement = Judgement.of(run().file());
            if (!judgement.isClean()) {
                Files.writeString(
                        directory.resolve(name + ".anomalies.txt"),
                        judgement.examples().stream()
                                .map(Anomaly::toString)
                                .collect(Collectors.joining("\n\n", "", "\n")));
            }
            List<String> all = new ArrayList<>(troubles);
            all.addAll(ownTroubles);
            if (watch != null) {
                all.addAll(WatchChecker.check(HistoryFile.read(run().file()).transactions(), seen));
            }
            return new Result(
                    judgement,
                    commits(),
                    harm == null ? Map.of() : harm.done(),
                    harm == null ? 0 : harm.leaderChanges(),
                    all,
                    run().file());
        }

        private Map<String, Long> commits() {
            Map<String, Long> commits = new LinkedHashMap<>();
            for (Timer timer : registry.find("kv.client.txn.commits").timers()) {
                String kind = timer.getId().getTag("kind");
                if (kind != null) {
                    commits.put(kind, timer.count());
                }
            }
            return commits;
        }

        void close() {
            if (watch != null) {
                watch.abandon();
            }
            client.close();
            registry.close();
        }
    }
}
