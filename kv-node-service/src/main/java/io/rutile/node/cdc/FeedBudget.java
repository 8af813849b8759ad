package io.rutile.node.cdc;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Memory for changes on their way (R10): a store's, and of that a stream's share, so that one slow client doesn't take all of it. Safe
 * from every thread; never waits.
 */
final class FeedBudget {

    private final @Nullable FeedBudget whole;
    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();

    private FeedBudget(FeedBudget whole, long bytesMax) {
        this.whole = whole;
        this.bytesMax = bytesMax;
    }

    FeedBudget(long bytesMax, MeterRegistry metrics) {
        this.whole = null;
        this.bytesMax = bytesMax;
        Gauge.builder("kv.cdc.memory", taken, AtomicLong::get)
                .baseUnit("bytes")
                .description("memory for changes that are on their way and for locks of watched Regions")
                .register(metrics);
    }

    /** What one stream may take of it. */
    FeedBudget share() {
        return new FeedBudget(this, bytesMax / 2);
    }

    boolean tryTake(long bytes) {
        if (taken.addAndGet(bytes) <= bytesMax && (whole == null || whole.tryTake(bytes))) {
            return true;
        }
        taken.addAndGet(-bytes);
        return false;
    }

    void giveBack(long bytes) {
        taken.addAndGet(-bytes);
        if (whole != null) {
            whole.giveBack(bytes);
        }
    }
}
