package io.rutile.cli.verify;

import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.cli.check.Anomaly;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.fault.Nemesis;
import io.rutile.cli.fault.RegionLeader;
import io.rutile.cli.fault.RegionSplits;
import io.rutile.cli.workload.ClusterStore;
import io.rutile.cli.workload.Protocol;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Carries out a {@link Plan} on a running cluster: for each protocol, all workloads side by side while the nemesis does harm; then
 * everything is healed, the last reads are made, and the histories are judged.
 */
public final class Verification {

    private static final Duration PROGRESS_INTERVAL = Duration.ofSeconds(5);
    private static final Duration CALL_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);

    private final LocalCluster cluster;
    private final Plan plan;
    private final Path directory;
    private final Consumer<String> progress;
    private volatile @Nullable Nemesis nemesis;

    /**
     * Prepares it.
     *
     * @param cluster of real processes, ready
     * @param directory takes histories, the log of faults and the explanations of anomalies
     * @param progress takes a line now and then
     */
    public Verification(LocalCluster cluster, Plan plan, Path directory, Consumer<String> progress) {
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
            if (!round.stream().allMatch(Result::isClean)) {
                break;
            }
        }
        return results;
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
                Nemesis harm = startNemesis();
                await(harm);
                heal(harm);
                parts.forEach(part -> part.run().stop());
                for (Part part : parts) {
                    part.finish();
                }
                List<Result> results = new ArrayList<>();
                for (Part part : parts) {
                    results.add(part.judge(harm, troubles));
                }
                return results;
            } finally {
                parts.forEach(Part::close);
            }
        }

        private @Nullable Nemesis startNemesis() {
            if (!plan.faults()) {
                return null;
            }
            PdClient pd = parts.get(0).client.pd();
            List<String> splitKeys = parts.stream()
                    .flatMap(part -> part.workload.splitKeys().stream())
                    .toList();
            RegionLeader leader = new RegionLeader(cluster.layout(), pd, splitKeys.get(0));
            Path log = directory.resolve("faults-" + protocol.label() + ".log");
            Nemesis started = Nemesis.start(
                    cluster,
                    leader,
                    new RegionSplits(pd),
                    splitKeys,
                    plan.seedOf("faults-" + protocol.label()),
                    line -> say(log, line));
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
            while (leftNanos > 0 && parts.stream().noneMatch(part -> part.run().isBroken())) {
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
                        harm == null ? "" : "; now: " + harm.now()));
            }
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
            run = WorkloadRun.start(
                    workload,
                    new ClusterStore(client.txn(), protocol),
                    protocol.label(),
                    plan.clients(),
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
            client.close();
            registry.close();
        }
    }
}
