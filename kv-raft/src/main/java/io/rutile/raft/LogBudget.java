package io.rutile.raft;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * What the logs of all groups of a store may hold together. A group cuts its log by itself when it has grown enough; but thousands that
 * have written a little and then nothing would keep all of it for ever, beside the data that came of it.
 *
 * <p>Beyond the bound the longest logs are cut, until they hold three quarters of it. A follower that lacks what was cut needs an image, as
 * after any cut: that is why the bound is not small.
 */
final class LogBudget {

    /** A group cut to its last point in one look is cut to the end in the next. */
    private static final double KEPT_SHARE = 0.75;

    private final long bytesMax;
    private volatile long bytes;

    LogBudget(long bytesMax, MeterRegistry meters) {
        this.bytesMax = bytesMax;
        Gauge.builder("kv.raft.log.kept", this, budget -> budget.bytes)
                .description("What the logs of all groups hold, about")
                .baseUnit("bytes")
                .register(meters);
    }

    /** A log, as far as this class has to do with it. */
    interface Log {

        long logBytes();

        /** Has it cut, soon; nothing happens if it is being cut, or must not be. */
        void compactionDue();
    }

    /** Looks, every so often, on a thread that may wait. */
    void look(Collection<? extends Log> logs) {
        // A size may change while they are put in order.
        List<Sized> sizes =
                logs.stream().map(log -> new Sized(log, log.logBytes())).toList();
        bytes = sizes.stream().mapToLong(Sized::bytes).sum();
        if (bytes <= bytesMax) {
            return;
        }
        long over = bytes - (long) (KEPT_SHARE * bytesMax);
        for (Sized longest : sizes.stream()
                .sorted(Comparator.comparingLong(Sized::bytes).reversed())
                .toList()) {
            if (over <= 0) {
                return;
            }
            longest.log().compactionDue();
            over -= longest.bytes();
        }
    }

    private record Sized(Log log, long bytes) {}
}
