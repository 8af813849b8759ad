package io.rutile.client;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.client.pd.PdException;
import io.rutile.client.raw.RawKv;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionSender;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.SafePoints;
import io.rutile.client.txn.TxnKv;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** An open client. Safe from any thread; one per process is enough. */
public final class RutileClient implements AutoCloseable {

    private final PdClient pd;
    private final ClientTimer timer;
    private final RegionSender regions;
    private final SafePoints safePoints;
    private final RawKv raw;
    private final TxnKv txn;
    private final RutileClientOptions options;
    private final MeterRegistry registry;

    private RutileClient(
            PdClient pd, @Nullable Keyspace keyspace, RutileClientOptions options, MeterRegistry registry) {
        this.pd = pd;
        this.options = options;
        this.registry = registry;
        timer = new ClientTimer("rutile-client");
        regions = new RegionSender(pd, timer, options.channelsPerStore(), registry, options.tracing());
        safePoints = new SafePoints(pd, timer, registry);
        raw = raw(keyspace == null ? KeySpace.rawV1() : keyspace.raw());
        txn = txn(keyspace == null ? KeySpace.txnV1() : keyspace.txn());
    }

    /** Counts into Micrometer's global registry. @see #connect(RutileClientOptions, MeterRegistry) */
    public static RutileClient connect(RutileClientOptions options) {
        return connect(options, Metrics.globalRegistry);
    }

    /**
     * Waits until a member of PD has named the cluster, its leader and, if the options name one, the keyspace. Stores are reached
     * when they are first needed.
     *
     * @throws KvClientException {@code UNAVAILABLE} if no PD member answers within the connect timeout, {@code SERVER} if the
     *     endpoints belong to different clusters, {@code INVALID} if there is no such keyspace or it is not enabled
     * @throws IllegalArgumentException if an endpoint is not {@code host:port}
     */
    public static RutileClient connect(RutileClientOptions options, MeterRegistry registry) {
        PdClientOptions pdOptions = new PdClientOptions(
                options.pdEndpoints(), options.callTimeout(), options.connectTimeout(), options.credentials());
        PdClient pd;
        try {
            pd = PdClient.connect(pdOptions, registry);
        } catch (PdException refused) {
            throw ofPd(refused);
        }
        try {
            String name = options.keyspace();
            Keyspace keyspace = name == null ? null : await(lookUp(pd, name), options);
            return new RutileClient(pd, keyspace, options, registry);
        } catch (RuntimeException refused) {
            pd.close();
            throw refused;
        }
    }

    private static Keyspace await(CompletableFuture<Keyspace> lookUp, RutileClientOptions options) {
        String failure = "PD did not name the keyspace " + options.keyspace();
        try {
            return lookUp.get(options.connectTimeout().toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KvClientException refused
                    ? refused
                    : new KvClientException(Kind.SERVER, failure, null, e);
        } catch (TimeoutException e) {
            throw new KvClientException(Kind.UNAVAILABLE, failure + " within " + options.connectTimeout(), null, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KvClientException(Kind.UNAVAILABLE, failure + ": interrupted", null, e);
        }
    }

    /** Raw data: of the keyspace that this client was opened for, or over API V1. */
    public RawKv raw() {
        return raw;
    }

    /**
     * Raw data over other keys: another keyspace of API V2.
     *
     * @throws IllegalArgumentException if these are keys of transactions
     */
    public RawKv raw(KeySpace keys) {
        return new RawKv(regions, keys, options.callTimeout());
    }

    /** Transactions: of the keyspace that this client was opened for, or over API V1. Closed with this client. */
    public TxnKv txn() {
        return txn;
    }

    /**
     * Transactions over other keys: another keyspace of API V2. The caller closes it, before this client.
     *
     * @throws IllegalArgumentException if these are raw keys
     */
    public TxnKv txn(KeySpace keys) {
        return new TxnKv(regions, pd, timer, safePoints, keys, options.callTimeout(), registry);
    }

    /**
     * Looks a keyspace of API V2 up by its name. PD is asked every time: keep the answer, an id never changes. Fails with {@link
     * KvClientException}: {@code INVALID} if there is none of that name or it is not enabled, {@code UNAVAILABLE} if PD does not
     * answer in time.
     *
     * @param name {@code DEFAULT} names the one that every cluster has
     */
    public CompletableFuture<Keyspace> keyspace(String name) {
        return lookUp(pd, name);
    }

    private static CompletableFuture<Keyspace> lookUp(PdClient pd, String name) {
        return Futures.bare(pd.keyspace(name)
                .thenApply(Keyspace::enabled)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        Futures.causeOf(failure) instanceof PdException refused ? ofPd(refused) : failure)));
    }

    private static KvClientException ofPd(PdException refused) {
        Kind kind = switch (refused.kind()) {
            case UNAVAILABLE -> Kind.UNAVAILABLE;
            case NOT_FOUND -> Kind.INVALID;
            default -> Kind.SERVER;
        };
        return new KvClientException(kind, String.valueOf(refused.getMessage()), null, refused);
    }

    public PdClient pd() {
        return pd;
    }

    /**
     * Waits until committed transactions are cleaned up, for the call timeout at most. Calls under way then fail with {@code
     * UNAVAILABLE}, or as their outcome is not known.
     */
    @Override
    public void close() {
        txn.close();
        regions.close();
        pd.close();
        timer.close();
    }
}
