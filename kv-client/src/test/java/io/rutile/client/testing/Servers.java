package io.rutile.client.testing;

import io.grpc.Server;
import java.util.concurrent.TimeUnit;

/** What the fakes do with their gRPC servers. */
final class Servers {

    private Servers() {}

    /**
     * Like kill -9: once it returns, connections are broken and the port refuses. {@link Server#shutdownNow} alone returns before
     * its listener is closed, and until then open connections still get answers.
     */
    static void killNow(Server server) {
        server.shutdownNow();
        try {
            if (!server.awaitTermination(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the server did not end within 10 s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a server was to end", e);
        }
    }
}
