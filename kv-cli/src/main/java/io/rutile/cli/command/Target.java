package io.rutile.cli.command;

import io.micrometer.core.instrument.Metrics;
import io.rutile.cli.cluster.ApiVersion;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.ClusterLayout;
import io.rutile.cli.placement.PdHttp;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.tls.ClientTls;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsException;
import io.rutile.tls.TlsFiles;
import io.rutile.tls.TransportSecurity;
import java.nio.file.Path;
import java.time.Clock;
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

    @Option(
            names = "--cacert",
            paramLabel = "FILE",
            description =
                    "Speak TLS, and trust servers whose certificates are of these CAs (PEM). A local cluster with TLS needs none of these three.")
    private @Nullable Path cacert;

    @Option(
            names = "--cert",
            paramLabel = "FILE",
            description = "Certificate to show (PEM), with those that vouch for it behind it; wants --key.")
    private @Nullable Path cert;

    @Option(names = "--key", paramLabel = "FILE", description = "Its private key (PEM, PKCS #8 without a password).")
    private @Nullable Path key;

    private @Nullable TransportSecurity security;

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

    /**
     * How connections to the cluster are secured.
     *
     * @throws ClusterException in words, if the files can't be used
     */
    TransportSecurity security() {
        TransportSecurity known = security;
        if (known == null) {
            boolean told = cacert != null || cert != null || key != null;
            known = told
                    ? new TransportSecurity(null, null, tls())
                    : endpoints.isEmpty() ? local().security() : TransportSecurity.PLAINTEXT;
            security = known;
        }
        return known;
    }

    private ClientTls tls() {
        try {
            return Tls.client(new TlsFiles(cacert, cert, key), Clock.systemUTC(), Metrics.globalRegistry);
        } catch (TlsException e) {
            throw new ClusterException("--cacert, --cert and --key: " + e.getMessage(), e);
        }
    }

    /** The Placement Driver's HTTP API. */
    PdHttp pd() {
        return new PdHttp(pdEndpoints(), timeout(), security());
    }

    public RutileClient connect() {
        Duration timeout = timeout();
        RutileClientOptions options = new RutileClientOptions(pdEndpoints(), timeout, timeout, 2)
                .withCredentials(security().channels());
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
