package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.Keyspace;
import io.rutile.client.KvClientException;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.client.raw.RawKv;
import io.rutile.client.txn.TxnKv;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's one client of the cluster, opened in the background: the gateway starts whether or not PD can be reached, and
 * connects by itself when it can. After that the client follows PD and the stores on its own, so a connection is made once.
 *
 * <p>Threads: {@code gateway-connect} lives until the client is open; everything else may be called from anywhere.
 */
public final class ClusterConnection implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ClusterConnection.class);
    private static final long BACKOFF_MS_MIN = 100;
    private static final long BACKOFF_MS_MAX = 5_000;

    private final Supplier<RutileClient> opening;
    private final String target;
    private final Thread connector = new Thread(this::connect, "gateway-connect");
    private final Counter failures;

    private final Object lock = new Object();
    private volatile @Nullable RutileClient client;
    private volatile String lastFailure = "not tried yet";
    private boolean closed;

    public ClusterConnection(RutileClientOptions options, MeterRegistry metrics) {
        this(() -> RutileClient.connect(options, metrics), String.join(",", options.pdEndpoints()), metrics);
    }

    /** @param opening opens the client or throws; called on the connecting thread, again and again until it succeeds */
    ClusterConnection(Supplier<RutileClient> opening, String target, MeterRegistry metrics) {
        this.opening = opening;
        this.target = target;
        connector.setDaemon(true);
        failures = Counter.builder("kv.gateway.connect.failures")
                .description("Attempts to reach the cluster that failed since the gateway started")
                .register(metrics);
        Gauge.builder("kv.gateway.connected", this, it -> it.isConnected() ? 1 : 0)
                .description("1 once the gateway has a client of the cluster")
                .register(metrics);
    }

    public void start() {
        connector.start();
    }

    public boolean isConnected() {
        return client != null;
    }

    /** Why there is no connection, for a person; empty once there is one. */
    public String whyNotConnected() {
        return isConnected() ? "" : "no connection to PD at " + target + ": " + lastFailure;
    }

    /** The raw API, or a future that has failed with {@code UNAVAILABLE}. */
    CompletableFuture<RawKv> raw() {
        return open().thenApply(RutileClient::raw);
    }

    /** The transactional API, or a future that has failed with {@code UNAVAILABLE}. */
    CompletableFuture<TxnKv> txn() {
        return open().thenApply(RutileClient::txn);
    }

    /** A keyspace of API V2, looked up by its name; or a future that has failed as {@link RutileClient#keyspace} says. */
    public CompletableFuture<Keyspace> keyspace(String name) {
        return open().thenCompose(client -> client.keyspace(name));
    }

    private CompletableFuture<RutileClient> open() {
        RutileClient open = client;
        return open != null
                ? CompletableFuture.completedFuture(open)
                : CompletableFuture.failedFuture(
                        new KvClientException(KvClientException.Kind.UNAVAILABLE, whyNotConnected(), null, null));
    }

    private void connect() {
        long backoffMs = BACKOFF_MS_MIN;
        for (int attempt = 1; ; attempt++) {
            try {
                hold(opening.get());
                log.info("connected to cluster pd={} attempts={}", target, attempt);
                return;
            } catch (RuntimeException e) {
                if (isClosed()) {
                    return;
                }
                // Whatever it is, the next attempt may find it mended: a gateway does not give up on its cluster.
                lastFailure = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
                failures.increment();
                if (attempt == 1) {
                    log.warn("cannot reach the cluster yet, trying on pd={} reason=\"{}\"", target, lastFailure);
                } else {
                    log.debug("cannot reach the cluster pd={} attempt={} reason=\"{}\"", target, attempt, lastFailure);
                }
            }
            if (!pause(Duration.ofMillis(
                    backoffMs / 2 + ThreadLocalRandom.current().nextLong(backoffMs / 2 + 1)))) {
                return;
            }
            backoffMs = Math.min(2 * backoffMs, BACKOFF_MS_MAX);
        }
    }

    private boolean isClosed() {
        synchronized (lock) {
            return closed;
        }
    }

    private void hold(RutileClient opened) {
        synchronized (lock) {
            if (!closed) {
                client = opened;
                return;
            }
        }
        opened.close();
    }

    /** @return false if the connection was closed meanwhile */
    private boolean pause(Duration pause) {
        long untilNanos = System.nanoTime() + pause.toNanos();
        synchronized (lock) {
            while (!closed) {
                long leftNanos = untilNanos - System.nanoTime();
                if (leftNanos <= 0) {
                    return true;
                }
                try {
                    lock.wait(Math.max(1, leftNanos / 1_000_000));
                } catch (InterruptedException e) {
                    return false;
                }
            }
            return false;
        }
    }

    /** Waits for nothing: an attempt under way ends by its own deadline and closes what it opened. */
    @Override
    public void close() {
        RutileClient open;
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
            open = client;
            client = null;
        }
        connector.interrupt();
        if (open != null) {
            open.close();
        }
    }
}
