package io.rutile.client;

import io.rutile.client.pd.PdClient;
import io.rutile.client.raw.RawKv;

/** An open client. Safe from any thread; one per process is enough. */
public final class RutileClient implements AutoCloseable {

    /** @throws KvClientException {@code UNAVAILABLE} if no PD member answers within the connect timeout */
    public static RutileClient connect(RutileClientOptions options) {
        throw new UnsupportedOperationException("not built yet");
    }

    public RawKv raw() {
        throw new UnsupportedOperationException("not built yet");
    }

    public PdClient pd() {
        throw new UnsupportedOperationException("not built yet");
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException("not built yet");
    }
}
