package io.rutile.node.raftstore;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;

/** Memory of a store for {@link AppliedLocks}, over all Regions (R10). Safe from every thread. */
final class LockBudget {

    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();
    private final Counter refused;

    LockBudget(long bytesMax, MeterRegistry metrics) {
        this.bytesMax = bytesMax;
        this.refused = Counter.builder("kv.resolved.locks.refusals")
                .description("how often the locks of a Region that is led here were too many to keep in mind")
                .register(metrics);
        Gauge.builder("kv.resolved.locks", taken, AtomicLong::get)
                .baseUnit("bytes")
                .description("memory for the locks of Regions that are led here")
                .register(metrics);
    }

    boolean tryTake(long bytes) {
        if (taken.addAndGet(bytes) <= bytesMax) {
            return true;
        }
        taken.addAndGet(-bytes);
        refused.increment();
        return false;
    }

    void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }
}
