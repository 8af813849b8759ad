package io.rutile.client;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdClientOptions;
import io.rutile.client.pd.PdException;
import io.rutile.client.raw.RawKv;
import io.rutile.client.region.RegionSender;
import io.rutile.client.rpc.ClientTimer;

/** An open client. Safe from any thread; one per process is enough. */
public final class RutileClient implements AutoCloseable {

    private final PdClient pd;
    private final ClientTimer timer;
    private final RegionSender regions;
    private final RawKv raw;

    private RutileClient(PdClient pd, RutileClientOptions options, MeterRegistry registry) {
        this.pd = pd;
        timer = new ClientTimer("rutile-client");
        regions = new RegionSender(pd, timer, options.channelsPerStore(), registry);
        raw = new RawKv(regions, options.callTimeout());
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

    public PdClient pd() {
        return pd;
    }

    /** Calls under way fail with {@code UNAVAILABLE}, or as their outcome is not known. */
    @Override
    public void close() {
        regions.close();
        pd.close();
        timer.close();
    }
}
