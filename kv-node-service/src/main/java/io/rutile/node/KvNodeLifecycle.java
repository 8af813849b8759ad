package io.rutile.node;

import org.springframework.context.SmartLifecycle;

/**
 * Starts the node after the management port, so that probes are answered while it waits for PD, and stops it before. Used by
 * Spring's main and shutdown threads.
 */
final class KvNodeLifecycle implements SmartLifecycle {

    private final KvNode node;
    private volatile boolean running;

    KvNodeLifecycle(KvNode node) {
        this.node = node;
    }

    @Override
    public void start() {
        node.start();
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        node.close();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** The last to start and the first to stop. */
    @Override
    public int getPhase() {
        return DEFAULT_PHASE;
    }
}
