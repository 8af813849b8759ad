package io.rutile.cli;

import java.util.function.Consumer;
import org.tikv.common.TiConfiguration;
import org.tikv.common.TiSession;

/** The published client org.tikv:tikv-client-java, as an application opens it. */
final class TikvClients {

    /**
     * A call's own deadline, where the client's default of 200 ms is meant for servers that have been compiled long ago: five JVMs that
     * have just started on two cores miss it, and the client would go looking for another leader.
     */
    private static final long CALL_TIMEOUT_MS = 5_000;

    private TikvClients() {}

    static TiSession session(TestHouse house, Consumer<TiConfiguration> settings) {
        return open(TiConfiguration.createRawDefault(pdEndpoints(house)), settings);
    }

    /** For transactions. */
    static TiSession txnSession(TestHouse house) {
        return open(TiConfiguration.createDefault(pdEndpoints(house)), configuration -> {});
    }

    /** For transactions of the default keyspace of a cluster of API V2: this client knows no other. */
    static TiSession txnV2Session(TestHouse house) {
        return open(
                TiConfiguration.createDefault(pdEndpoints(house)),
                configuration -> configuration.setApiVersion(TiConfiguration.ApiVersion.V2));
    }

    private static String pdEndpoints(TestHouse house) {
        return String.join(",", house.cluster().layout().pdEndpoints());
    }

    private static TiSession open(TiConfiguration configuration, Consumer<TiConfiguration> settings) {
        configuration.setTimeout(CALL_TIMEOUT_MS);
        configuration.setForwardTimeout(CALL_TIMEOUT_MS);
        configuration.setRawKVReadTimeoutInMS(20_000);
        configuration.setRawKVWriteTimeoutInMS(20_000);
        configuration.setRawKVBatchReadTimeoutInMS(20_000);
        configuration.setRawKVBatchWriteTimeoutInMS(20_000);
        configuration.setRawKVScanTimeoutInMS(60_000);
        settings.accept(configuration);
        return TiSession.create(configuration);
    }
}
