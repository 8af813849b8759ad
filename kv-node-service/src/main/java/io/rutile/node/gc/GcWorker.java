package io.rutile.node.gc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.TimeStamp;
import io.rutile.storage.command.Failures;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.mvcc.GcProgress;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops what nobody may read any more (P7) from the Regions that this store leads, once the safe point has moved: stretch by stretch,
 * by ordinary replicated writes, so that every replica gets rid of the same. What fails is tried again in the next round.
 *
 * <p>The space itself comes back by the engine: tables that are full of deletes are compacted soon, on every replica and not only on
 * the leader, so that nothing is ordered here.
 *
 * <p>One daemon thread, {@code gc-worker}, one stretch at a time, with a pause after each in proportion to what it took: a slow disk
 * slows the collection down.
 */
public final class GcWorker implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GcWorker.class);

    private static final Duration STRETCH_DEADLINE = Duration.ofSeconds(10);
    private static final Duration PAUSE_MAX = Duration.ofSeconds(10);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(1);

    /** One bounded stretch of a Region: {@code Storage::gc}. */
    @FunctionalInterface
    public interface Collection {

        /**
         * Looks and removes.
         *
         * @param from where to begin, an encoded key; empty for the Region's first
         */
        CompletableFuture<GcProgress> collect(KvContext ctx, long safePoint, ByteKey from);
    }

    private final GcOptions options;
    private final Collection storage;
    private final Supplier<List<GcRegion>> ledRegions;
    private final SafePointWatcher safePoints;
    private final Clock clock;
    private final GcHistory history;
    private final Counter removed;
    private final Counter failed;
    private final Timer rounds;
    private final CountDownLatch closing = new CountDownLatch(1);

    /** Guarded by this. */
    private @Nullable Thread thread;

    /** @param ledRegions the Regions that this store leads; asked at the start of a round */
    public GcWorker(
            GcOptions options,
            Collection storage,
            Supplier<List<GcRegion>> ledRegions,
            SafePointWatcher safePoints,
            Clock clock,
            MeterRegistry metrics) {
        this.options = options;
        this.storage = storage;
        this.ledRegions = ledRegions;
        this.safePoints = safePoints;
        this.clock = clock;
        this.history = new GcHistory(options.regionInterval());
        this.removed = Counter.builder("kv.gc.versions.removed")
                .description("records of old versions removed")
                .register(metrics);
        this.failed = Counter.builder("kv.gc.regions.failed")
                .description("Regions left to the next round because of an error")
                .register(metrics);
        this.rounds = Timer.builder("kv.gc.round.duration")
                .description("rounds over the led Regions that had something to look through")
                .register(metrics);
    }

    /** Begins to make rounds; once. */
    public synchronized void start() {
        if (thread != null) {
            throw new IllegalStateException("the worker has been started");
        }
        thread = new Thread(this::makeRounds, "gc-worker");
        thread.setDaemon(true);
        thread.start();
    }

    private void makeRounds() {
        try {
            while (!closing.await(options.pollInterval().toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    round();
                } catch (RuntimeException e) {
                    log.warn("event=gc_round_failed", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Looks where the safe point is and does what is owed. */
    void round() throws InterruptedException {
        TimeStamp safePoint = safePoints.look();
        if (safePoint.equals(TimeStamp.ZERO)) {
            return;
        }
        List<GcRegion> due = history.due(ledRegions.get(), safePoint, clock.millis());
        if (due.isEmpty()) {
            return;
        }
        long began = System.nanoTime();
        long versions = 0;
        for (GcRegion region : due) {
            versions += collect(region, safePoint);
            if (closing.getCount() == 0) {
                return;
            }
        }
        rounds.record(System.nanoTime() - began, TimeUnit.NANOSECONDS);
        log.debug("event=gc_round safePoint={} regions={} versions={}", safePoint, due.size(), versions);
    }

    /** @return records removed, also if it fails half-way */
    private long collect(GcRegion region, TimeStamp safePoint) throws InterruptedException {
        long versions = 0;
        try {
            @Nullable ByteKey from = ByteKey.EMPTY;
            while (from != null) {
                long began = System.nanoTime();
                GcProgress done = await(storage.collect(context(region), safePoint.value(), from));
                versions += done.removedVersions();
                removed.increment((double) done.removedVersions());
                from = done.next();
                if (closing.await(pauseNanos(System.nanoTime() - began), TimeUnit.NANOSECONDS)) {
                    return versions;
                }
            }
            history.collected(region, safePoint);
        } catch (RegionException e) {
            failed.increment(); // moved, split or busy: the next round sees what it is then
        } catch (RuntimeException e) {
            failed.increment();
            log.warn("event=gc_failed region={}", region.id(), e);
        }
        return versions;
    }

    private long pauseNanos(long workedNanos) {
        double proportional = workedNanos * (1 - options.share()) / options.share();
        return Math.min(PAUSE_MAX.toNanos(), (long) proportional);
    }

    private static KvContext context(GcRegion region) {
        return KvContext.of(region.request(), System.nanoTime() + STRETCH_DEADLINE.toNanos());
    }

    /** Twice as long as a stretch's deadline: only a future that is never completed could make it wait longer. */
    private static <T> T await(CompletableFuture<T> stretch) throws InterruptedException {
        try {
            return stretch.get(2 * STRETCH_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = Failures.unwrap(e);
            throw cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
        } catch (TimeoutException e) {
            throw new IllegalStateException("no answer in " + STRETCH_DEADLINE.multipliedBy(2), e);
        }
    }

    /** Stops; what has been handed to the storage room comes to its end there. */
    @Override
    public void close() {
        closing.countDown();
        Thread running = running();
        if (running != null) {
            running.interrupt();
            try {
                running.join(CLOSE_PATIENCE.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized @Nullable Thread running() {
        return thread;
    }
}
