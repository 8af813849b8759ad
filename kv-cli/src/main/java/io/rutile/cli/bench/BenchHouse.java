package io.rutile.cli.bench;

import io.rutile.cli.bench.Subjects.Benched;
import io.rutile.cli.bench.subject.ServerCpu;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import io.rutile.cli.command.ScratchCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where a benchmark takes place: a cluster that runs already, or one that is started for it and ended with it. */
final class BenchHouse {

    private static final Path DATA = Path.of(".rutile");
    private static final int NODES = 3;

    /** Nothing splits but what the benchmark splits. */
    static final Map<String, String> NODE_PROPERTIES = Map.of(
            "rutile.node.split.qps", "0",
            "rutile.node.split.bytes-rate", "0",
            "rutile.node.split.size", "1024GB",
            "rutile.node.split.keys", "1000000000");

    /** Nothing moves but what the benchmark moves. */
    static final List<String> FLAGS =
            List.of("-Drutile.pd.schedule.schedulers-off=balance-leader,balance-region,hot-region");

    private final RunOptions options;

    /** What is done there. */
    interface Work {

        /**
         * Does it.
         *
         * @param floorDir fresh; deleted afterwards
         * @return exit code
         */
        int on(Benched benched, Path floorDir) throws Exception;
    }

    BenchHouse(RunOptions options) {
        this.options = options;
    }

    /** In a cluster of one Placement Driver, three nodes and a gateway that is started for it. */
    int inNewCluster(Work work) throws Exception {
        Path given = options.data;
        if (!options.endpoints.isEmpty()) {
            throw new ClusterException("either a cluster is started or --endpoint names one");
        }
        // Below the working directory: where temporary files go there may be no disk, and so no fsync.
        Path directory = given != null
                ? given.toAbsolutePath()
                : Files.createTempDirectory(Path.of("").toAbsolutePath(), ".rutile-bench-");
        ScratchCluster.requireNone(directory);
        ClusterLayout layout =
                new ClusterLayout(directory, 1, NODES, options.basePort, ApiVersion.V1, NODE_PROPERTIES, false);
        int code =
                ScratchCluster.use(layout, JavaRuntime.current(), FLAGS, cluster -> new ScratchCluster.Use<Integer>() {
                    @Override
                    public Integer run() throws IOException, InterruptedException {
                        try {
                            return inFloorDir(work, ofLocal(cluster), directory);
                        } catch (RuntimeException | IOException | InterruptedException e) {
                            throw e;
                        } catch (Exception e) {
                            throw new ClusterException("the benchmark could not be carried out: " + e, e);
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
        return code;
    }

    /** In the local cluster of the data directory, or the one that an option names. */
    int inRunningCluster(Work work) throws Exception {
        Path directory = (options.data != null ? options.data : DATA).toAbsolutePath();
        if (!options.endpoints.isEmpty()) {
            return inFloorDir(
                    work,
                    new Benched(
                            options.endpoints,
                            options.restUrl,
                            options.gatewayGrpc,
                            ServerCpu.unknown(),
                            options.etcd,
                            options.etcdPids),
                    directory);
        }
        return inFloorDir(work, running(directory), directory);
    }

    /** With nothing but floors and etcd no cluster is needed; whoever asks for one all the same is told. */
    int anywhere(Work work, boolean needsCluster) throws Exception {
        Path directory = (options.data != null ? options.data : DATA).toAbsolutePath();
        return needsCluster
                ? inRunningCluster(work)
                : inFloorDir(
                        work,
                        new Benched(List.of(), null, null, ServerCpu.unknown(), options.etcd, options.etcdPids),
                        directory);
    }

    private Benched running(Path directory) {
        ClusterLayout layout = ClusterLayout.read(directory)
                .orElseThrow(() -> new ClusterException("there is no local cluster in " + directory
                        + "; start one with rutile up, let --start start one, or name one with --endpoint"));
        if (layout.apiVersion() == ApiVersion.V2) {
            throw new ClusterException("the cluster in " + directory + " is of API V2; the benchmark speaks V1");
        }
        return ofLocal(new LocalCluster(layout, JavaRuntime.current(), RutileHome.current(), List.of()));
    }

    private Benched ofLocal(LocalCluster cluster) {
        return new Benched(
                cluster.layout().pdEndpoints(),
                options.restUrl != null ? options.restUrl : cluster.layout().gatewayUrl(),
                options.gatewayGrpc != null
                        ? options.gatewayGrpc
                        : cluster.layout().gatewayGrpc(),
                ServerCpu.ofCluster(cluster.processes()),
                options.etcd,
                options.etcdPids);
    }

    private int inFloorDir(Work work, Benched benched, Path data) throws Exception {
        Path parent = options.floorDir != null ? options.floorDir : data;
        Path floorDir;
        try {
            floorDir = Files.createTempDirectory(Files.createDirectories(parent), "bench-floor-");
        } catch (IOException e) {
            throw new ClusterException("can't make a directory for the floors: " + e.getMessage(), e);
        }
        try {
            return work.on(benched, floorDir);
        } finally {
            ScratchCluster.delete(floorDir);
        }
    }

    /** Something that would make fsync free; empty if there is nothing of the kind. */
    static Optional<String> memoryOnly(Path dir) {
        try {
            String type = Files.getFileStore(dir).type();
            return type.equals("tmpfs") || type.equals("ramfs")
                    ? Optional.of(dir + " is in memory (" + type
                            + "): fsync costs nothing there, so floors that write are none")
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.of("what " + dir + " is on can't be told: " + e.getMessage());
        }
    }
}
