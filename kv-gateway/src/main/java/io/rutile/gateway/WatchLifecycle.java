package io.rutile.gateway;

import io.rutile.gateway.kv.Watches;
import org.springframework.context.SmartLifecycle;

/** Ends watches before the ports wait for their calls to end: these would not by themselves. Used by Spring's shutdown thread. */
final class WatchLifecycle implements SmartLifecycle {

    private final Watches watches;
    private volatile boolean running;

    WatchLifecycle(Watches watches) {
        this.watches = watches;
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        watches.close();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** The first to stop. */
    @Override
    public int getPhase() {
        return DEFAULT_PHASE;
    }
}
