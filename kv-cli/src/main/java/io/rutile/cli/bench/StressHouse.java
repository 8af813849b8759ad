package io.rutile.cli.bench;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.cli.bench.load.Dataset;
import io.rutile.cli.bench.load.Figures;
import io.rutile.cli.bench.load.KeySpace;
import io.rutile.cli.bench.load.Load;
import io.rutile.cli.bench.load.Workload;
import io.rutile.cli.bench.subject.GrpcSubject;
import io.rutile.cli.bench.subject.ServerCpu;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.command.ScratchCluster;
import io.rutile.cli.placement.PdHttp;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A cluster of one Placement Driver, three nodes and a gateway that nobody asks, started for one long run: keys loaded, Regions cut and
 * spread, one client.
 */
final class StressHouse implements AutoCloseable {

    static final int NODES = 3;

    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration PD_TIMEOUT = Duration.ofSeconds(10);

    /** A connection carries 1,024 requests at once; what an overload has under way must not wait for that in this process. */
    private static final int CHANNELS = 8;

    private static final int WARM_UP_WINDOWS = 9;

    private final LocalCluster cluster;
    private final StressOptions options;
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final RutileClient client;
    private final GrpcSubject subject;

    /** What is done there. */
    interface Work<T> {
        T on(StressHouse house) throws Exception;
    }

    private StressHouse(LocalCluster cluster, StressOptions options) {
        this.cluster = cluster;
        this.options = options;
        this.client = RutileClient.connect(
                new RutileClientOptions(cluster.layout().pdEndpoints(), options.deadline(), CONNECT_TIMEOUT, CHANNELS),
                metrics);
        this.subject = new GrpcSubject(client, ServerCpu.ofCluster(cluster.processes()));
    }

    /**
     * Starts it, does the work, ends it.
     *
     * @param flags JVM flags of its processes, besides the usual ones
     */
    static <T> T with(StressOptions options, List<String> flags, Work<T> work) throws Exception {
        Path given = options.data;
        // Below the working directory: where temporary files go there may be no disk, and so no fsync.
        Path directory = given != null
                ? given.toAbsolutePath()
                : Files.createTempDirectory(Path.of("").toAbsolutePath(), ".rutile-bench-");
        ScratchCluster.requireNone(directory);
        ClusterLayout layout = new ClusterLayout(
                directory, 1, NODES, options.basePort, ApiVersion.V1, BenchHouse.NODE_PROPERTIES, false);
        List<String> all = new ArrayList<>(BenchHouse.FLAGS);
        all.addAll(flags);
        T result = ScratchCluster.use(layout, JavaRuntime.current(), all, cluster -> new ScratchCluster.Use<T>() {
            @Override
            public T run() throws IOException, InterruptedException {
                try (StressHouse house = new StressHouse(cluster, options)) {
                    return work.on(house);
                } catch (RuntimeException | IOException | InterruptedException e) {
                    throw e;
                } catch (Exception e) {
                    throw new ClusterException("the run could not be carried out: " + e, e);
                }
            }

            @Override
            public void abandon() {
                // The load ends with this process, or has ended.
            }
        });
        if (given == null) {
            ScratchCluster.delete(directory);
        }
        return result;
    }

    LocalCluster cluster() {
        return cluster;
    }

    /** The options' deadline is each call's. */
    RutileClient client() {
        return client;
    }

    /** Loads the keys and puts them into Regions that all nodes lead alike. */
    void furnish(KeySpace keys, Workload workload) throws Exception {
        BenchRuns.progress(String.format(Locale.ROOT, "loading %,d keys", keys.count()));
        subject.load(keys, workload.actions());
        new RegionLayout(client.pd(), new PdHttp(cluster.layout().pdEndpoints(), PD_TIMEOUT), BenchRuns::progress)
                .arrange(new RegionLayout.Range(keys, false), options.regions);
    }

    /**
     * What a closed loop gets through it.
     *
     * @return the window in the middle, by throughput
     * @throws ClusterException if one of them had errors: such a peak is none
     */
    Figures peak(Workload workload, Dataset data) throws Exception {
        Load load = Load.closed(workload, options.peakClients);
        List<Figures> windows = new ArrayList<>();
        for (int i = 0; i < options.windows; i++) {
            Duration warmUp = i == 0 ? options.window().multipliedBy(WARM_UP_WINDOWS) : Duration.ZERO;
            Figures window = Figures.measure(subject, load, data, warmUp, options.window(), i);
            if (window.errorCount() > 0) {
                throw new ClusterException("the closed loop that was to find the peak had errors: " + window.errors());
            }
            BenchRuns.progress(String.format(
                    Locale.ROOT,
                    "closed loop, %d clients: %,.0f a second",
                    load.clients(),
                    window.operationsPerSecond()));
            windows.add(window);
        }
        windows.sort(Comparator.comparingDouble(Figures::operationsPerSecond));
        return windows.get(windows.size() / 2);
    }

    /** How often the client has repeated attempts so far, by reason: refusals that no outcome shows. */
    Map<String, Long> repeats() {
        Map<String, Long> repeats = new TreeMap<>();
        for (Counter counter : metrics.find("kv.client.retries").counters()) {
            repeats.put(String.valueOf(counter.getId().getTag("reason")), (long) counter.count());
        }
        return repeats;
    }

    @Override
    public void close() {
        client.close();
        metrics.close();
    }
}
