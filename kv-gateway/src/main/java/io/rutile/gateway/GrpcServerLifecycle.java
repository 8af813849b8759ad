package io.rutile.gateway;

import io.rutile.gateway.grpc.GrpcServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.context.SmartLifecycle;

/** Opens the gRPC port after everything it stands on, and closes it before. Used by Spring's main and shutdown threads. */
final class GrpcServerLifecycle implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(GrpcServerLifecycle.class);

    private final GrpcServer server;
    private final int port;
    private volatile boolean running;

    GrpcServerLifecycle(GrpcServer server, int port) {
        this.server = server;
        this.port = port;
    }

    /** @throws PortInUseException in the words that Spring Boot has for the other ports */
    @Override
    public void start() {
        try {
            server.start();
        } catch (IOException e) {
            if (e.getCause() instanceof BindException) {
                throw new PortInUseException(port, e);
            }
            throw new UncheckedIOException(e);
        }
        running = true;
        log.info("gRPC listens address={}", server.address());
    }

    @Override
    public void stop() {
        running = false;
        server.close();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** The last to start and the first to stop, but for watches: their calls are ended before it waits for calls to end. */
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 1;
    }
}
