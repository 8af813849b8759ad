package io.rutile.node.cdc;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** Memory of a store for changes on their way, over all streams (R10). Safe from every thread; never waits. */
final class FeedBudget {

    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();

    FeedBudget(long bytesMax, MeterRegistry metrics) {
        this.bytesMax = bytesMax;
        Gauge.builder("kv.cdc.memory", taken, AtomicLong::get)
                .baseUnit("bytes")
                .description("memory for changes that are on their way and for locks of watched Regions")
                .register(metrics);
    }

    boolean tryTake(long bytes) {
        if (taken.addAndGet(bytes) <= bytesMax) {
            return true;
        }
        taken.addAndGet(-bytes);
        return false;
    }

    void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }

    /** For tests and the metric. */
    long takenBytes() {
        return taken.get();
    }
}
