package io.rutile.node.gc;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PD's GC safe point as it was known last. It only moves forward, and stays where it is while PD is away (D3). One thread looks;
 * any may ask.
 */
public final class SafePointWatcher {

    private static final Logger log = LoggerFactory.getLogger(SafePointWatcher.class);

    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final Supplier<CompletableFuture<TimeStamp>> pd;
    private volatile TimeStamp safePoint = TimeStamp.ZERO;

    /** @param pd asks the Placement Driver; {@link TimeStamp#ZERO} means that there is no safe point */
    public SafePointWatcher(Supplier<CompletableFuture<TimeStamp>> pd, MeterRegistry metrics) {
        this.pd = pd;
        Gauge.builder("kv.gc.safepoint", this, watcher -> watcher.safePoint.physicalMs() / 1e3)
                .description("up to which versions may be dropped; 0 if there is no safe point")
                .baseUnit("seconds")
                .register(metrics);
    }

    /** {@link TimeStamp#ZERO} until PD has named one. */
    public TimeStamp safePoint() {
        return safePoint;
    }

    /** Asks PD, and waits for its answer up to {@link #PATIENCE}. @return the newest that is known */
    TimeStamp look() throws InterruptedException {
        try {
            TimeStamp seen = pd.get().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (seen.compareTo(safePoint) > 0) {
                log.debug("event=gc_safe_point_moved before={} now={}", safePoint, seen);
                safePoint = seen;
            }
        } catch (ExecutionException | TimeoutException | RuntimeException e) {
            log.debug("event=gc_safe_point_unknown reason={}", String.valueOf(e.getMessage()));
        }
        return safePoint;
    }
}
