package io.rutile.cli.command;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.cluster.JavaRuntime;
import io.rutile.cli.cluster.LocalCluster;
import io.rutile.cli.cluster.RutileHome;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** {@code --data}: which local cluster is meant. */
public final class DataDir {

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = ".rutile",
            description = "Data directory of the cluster (default: ./.rutile).")
    private Path directory = Path.of(".rutile");

    Path directory() {
        return directory.toAbsolutePath().normalize();
    }

    Optional<ClusterLayout> layout() {
        return ClusterLayout.read(directory());
    }

    /** The cluster that this directory holds. @throws ClusterException if it holds none */
    LocalCluster cluster(JavaRuntime java) {
        ClusterLayout layout = layout().orElseThrow(() -> new ClusterException(
                "there is no cluster in " + directory() + "; start one with rutile up, or name another with --data"));
        return new LocalCluster(layout, java, RutileHome.current(), List.of());
    }
}
