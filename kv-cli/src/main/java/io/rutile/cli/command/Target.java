package io.rutile.cli.command;

import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.placement.PdHttp;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which cluster a client command talks to: {@code --target}, else the local one that {@code --data} holds. */
public final class Target {

    @Option(
            names = "--target",
            paramLabel = "HOST:PORT",
            split = ",",
            description =
                    "Placement Driver members of the cluster (default: those of the local cluster in --data, else 127.0.0.1:2379).")
    private List<String> endpoints = List.of();

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = ".rutile",
            description = "Data directory of the local cluster that is meant (default: ./.rutile).")
    private Path directory = Path.of(".rutile");

    @Option(
            names = "--keyspace",
            paramLabel = "NAME",
            description = "Keyspace of a cluster of API V2 (default: DEFAULT for a local cluster of V2, else none).")
    private @Nullable String keyspace;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "10",
            description = "How long one operation may take, retries included (default: 10).")
    private int timeoutSeconds = 10;

    /** {@code host:port} of Placement Driver members. */
    public List<String> pdEndpoints() {
        return endpoints.isEmpty() ? local().pdEndpoints() : endpoints;
    }

    /** The gateway of the local cluster. */
    public String gatewayUrl() {
        return local().gatewayUrl();
    }

    /** How long one operation may take. */
    Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds);
    }

    /** The Placement Driver's HTTP API. */
    PdHttp pd() {
        return new PdHttp(pdEndpoints(), timeout());
    }

    public RutileClient connect() {
        Duration timeout = timeout();
        RutileClientOptions options = new RutileClientOptions(pdEndpoints(), timeout, timeout, 2);
        String wanted = keyspace;
        if (wanted == null && endpoints.isEmpty() && local().apiVersion() == ApiVersion.V2) {
            wanted = "DEFAULT";
        }
        return RutileClient.connect(wanted == null ? options : options.withKeyspace(wanted));
    }

    private ClusterLayout local() {
        return ClusterLayout.read(directory).orElseGet(() -> ClusterLayout.standard(directory));
    }

    /** Waits for a call's outcome; a failure is the client's own exception. Calls have deadlines, so the wait has a bound. */
    static <T> T await(CompletableFuture<T> call) {
        try {
            return call.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }
}
