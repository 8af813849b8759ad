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
import io.rutile.client.txn.TxnKv;

/** An open client. Safe from any thread; one per process is enough. */
public final class RutileClient implements AutoCloseable {

    private final PdClient pd;
    private final ClientTimer timer;
    private final RegionSender regions;
    private final RawKv raw;
    private final TxnKv txn;
    private final RutileClientOptions options;
    private final MeterRegistry registry;

    private RutileClient(PdClient pd, RutileClientOptions options, MeterRegistry registry) {
        this.pd = pd;
        this.options = options;
        this.registry = registry;
        timer = new ClientTimer("rutile-client");
        regions = new RegionSender(pd, timer, options.channelsPerStore(), registry);
        raw = new RawKv(regions, options.callTimeout());
        txn = txn(KeySpace.txnV1());
    }

    /** Counts into Micrometer's global registry. @see #connect(RutileClientOptions, MeterRegistry) */
    public static RutileClient connect(RutileClientOptions options) {
        return connect(options, Metrics.globalRegistry);
    }

    /**
     * Waits until a member of PD has named the cluster and its leader. Stores are reached when they are first needed.
     *
     * @throws KvClientException {@code UNAVAILABLE} if no PD member answers within the connect timeout, {@code SERVER} if the
     *     endpoints belong to different clusters
     * @throws IllegalArgumentException if an endpoint is not {@code host:port}
     */
    public static RutileClient connect(RutileClientOptions options, MeterRegistry registry) {
        PdClientOptions pdOptions =
                new PdClientOptions(options.pdEndpoints(), options.callTimeout(), options.connectTimeout());
        try {
            return new RutileClient(PdClient.connect(pdOptions, registry), options, registry);
        } catch (PdException refused) {
            Kind kind = refused.kind() == PdException.Kind.UNAVAILABLE ? Kind.UNAVAILABLE : Kind.SERVER;
            throw new KvClientException(kind, String.valueOf(refused.getMessage()), null, refused);
        }
    }

    public RawKv raw() {
        return raw;
    }

    /** Transactions over API V1. Closed with this client. */
    public TxnKv txn() {
        return txn;
    }

    /** Transactions over other keys: a keyspace of API V2. The caller closes it, before this client. */
    public TxnKv txn(KeySpace keys) {
        return new TxnKv(regions, pd, timer, keys, options.callTimeout(), registry);
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
