package io.rutile.storage.raw;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.storage.command.Command;
import io.rutile.storage.command.CommandResult;
import io.rutile.storage.command.CommandScheduler;
import io.rutile.storage.command.Failures;
import io.rutile.storage.command.LatchSet;
import io.rutile.storage.command.ReadPool;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.WriteBatch;
import java.time.Duration;
import java.util.ArrayList;
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
 * Gives back the space of pairs that have expired: walks over the Regions that this store leads and deletes, by ordinary
 * replicated writes, what no client can see any more. Each delete holds its keys' latches alone and looks again, so that a
 * pair written anew in the meantime stays.
 *
 * <p>One daemon thread, {@code kv-ttl-sweeper}, which waits for the steps it hands to the reading and replicating rooms. Its pace is
 * bounded: so many pairs looked at in a second, one step at a time.
 */
public final class RawTtlSweeper implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RawTtlSweeper.class);
    private static final List<Cf> RAW_FAMILIES = List.of(Cf.RAW, Cf.RAW_LOCK, Cf.RAW_WRITE);
    private static final Duration STEP_DEADLINE = Duration.ofSeconds(10);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(1);
    private static final int STEP_PAIRS_MAX = 2048;
    private static final int STEP_DELETES_MAX = 256;

    private final ReadPool reads;
    private final CommandScheduler scheduler;
    private final RawFormat format;
    private final Duration interval;
    private final int pairsPerSecond;
    private final Counter examined;
    private final Counter removed;
    private final Counter skipped;
    private final CountDownLatch closing = new CountDownLatch(1);

    /** Guarded by this. */
    private @Nullable Thread thread;

    /**
     * @param interval pause between two passes
     * @param pairsPerSecond pairs looked at in a second
     */
    public RawTtlSweeper(
            ReadPool reads,
            CommandScheduler scheduler,
            RawFormat format,
            Duration interval,
            int pairsPerSecond,
            MeterRegistry metrics) {
        this.reads = reads;
        this.scheduler = scheduler;
        this.format = format;
        this.interval = interval;
        this.pairsPerSecond = pairsPerSecond;
        this.examined = counter(metrics, "examined", "pairs that a pass looked at");
        this.removed = counter(metrics, "removed", "expired pairs deleted");
        this.skipped = counter(metrics, "regions.skipped", "Regions left out of a pass because of an error");
    }

    private static Counter counter(MeterRegistry metrics, String name, String description) {
        return Counter.builder("kv.raw.ttl." + name).description(description).register(metrics);
    }

    /**
     * Begins to make passes; once.
     *
     * @param ledRegions what a request to each Region led by this store would say; asked at the start of a pass
     */
    public synchronized void start(Supplier<List<Context>> ledRegions) {
        if (thread != null) {
            throw new IllegalStateException("the sweeper has been started");
        }
        thread = new Thread(() -> passes(ledRegions), "kv-ttl-sweeper");
        thread.setDaemon(true);
        thread.start();
    }

    private void passes(Supplier<List<Context>> ledRegions) {
        try {
            while (!closing.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    pass(ledRegions.get());
                } catch (RuntimeException e) {
                    LOG.warn("event=ttl_pass_failed", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void pass(List<Context> regions) throws InterruptedException {
        for (Context region : regions) {
            try {
                sweep(region);
            } catch (RegionException e) {
                skipped.increment(); // moved, split or busy: its leader will come by again
            } catch (RuntimeException e) {
                skipped.increment();
                LOG.warn("event=ttl_sweep_failed region={}", region.getRegionId(), e);
            }
            if (closing.getCount() == 0) {
                return;
            }
        }
    }

    /**
     * One pass over one Region, at the bounded pace.
     *
     * @return pairs deleted
     */
    long sweep(Context region) throws InterruptedException {
        long deleted = 0;
        for (Cf cf : RAW_FAMILIES) {
            @Nullable ByteKey from = ByteKey.EMPTY;
            while (from != null) {
                Step step = await(look(region, cf, from));
                examined.increment(step.looked());
                if (!step.expired().isEmpty()) {
                    deleted += await(remove(region, cf, step.expired()));
                }
                from = step.next();
                if (closing.await(pauseNanos(step.looked()), TimeUnit.NANOSECONDS)) {
                    return deleted;
                }
            }
        }
        return deleted;
    }

    private long pauseNanos(int looked) {
        return TimeUnit.SECONDS.toNanos(looked) / pairsPerSecond;
    }

    private CompletableFuture<Step> look(Context region, Cf cf, ByteKey from) {
        return reads.read(context(region), snapshot -> {
            long now = format.nowSeconds();
            List<ByteKey> expired = new ArrayList<>();
            int looked = 0;
            try (KvCursor cursor = snapshot.coldCursor(cf, new KeyRange(from, ByteKey.EMPTY))) {
                for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                    if (looked == STEP_PAIRS_MAX || expired.size() == STEP_DELETES_MAX) {
                        return new Step(looked, expired, ByteKey.wrap(cursor.key()));
                    }
                    looked++;
                    if (format.decode(cursor.value()).isExpired(now)) {
                        expired.add(ByteKey.wrap(cursor.key()));
                    }
                }
            }
            return new Step(looked, expired, null);
        });
    }

    private CompletableFuture<Integer> remove(Context region, Cf cf, List<ByteKey> keys) {
        return scheduler
                .run(context(region), new RemoveExpired(format, region.getRegionId(), cf, keys))
                .whenComplete((count, failure) -> {
                    if (failure == null) {
                        removed.increment(count);
                    }
                });
    }

    private static KvContext context(Context region) {
        return KvContext.of(region, System.nanoTime() + STEP_DEADLINE.toNanos());
    }

    /** Twice as long as a step's deadline: only a future that is never completed could make it wait longer. */
    private static <T> T await(CompletableFuture<T> step) throws InterruptedException {
        try {
            return step.get(2 * STEP_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = Failures.unwrap(e);
            throw cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
        } catch (TimeoutException e) {
            throw new IllegalStateException("no answer in " + STEP_DEADLINE.multipliedBy(2), e);
        }
    }

    /** Stops; what has been handed to other rooms comes to its end there. */
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

    /**
     * What one look found.
     *
     * @param next where to go on, or null at the Region's end
     */
    private record Step(
            int looked, List<ByteKey> expired, @Nullable ByteKey next) {}

    /** Deletes those of some keys that are still expired when nobody else can change them. */
    private record RemoveExpired(RawFormat format, long regionId, Cf cf, List<ByteKey> keys)
            implements Command<Integer> {

        @Override
        public LatchSet latches() {
            LatchSet.Builder latches = LatchSet.builder().sharedRange(regionId);
            keys.forEach(key -> latches.exclusive(cf, key));
            return latches.build();
        }

        @Override
        public long writeBytesMax() {
            return keys.stream().mapToLong(key -> key.bytes().length).sum();
        }

        /** A second delete could hit a pair that was written after the first. */
        @Override
        public boolean replayable() {
            return false;
        }

        @Override
        public CommandResult<Integer> process(KvSnapshot snapshot) {
            long now = format.nowSeconds();
            WriteBatch batch = new WriteBatch();
            for (ByteKey key : keys) {
                byte[] stored = snapshot.get(cf, key);
                if (stored != null && format.decode(stored).isExpired(now)) {
                    batch.delete(cf, key);
                }
            }
            return new CommandResult<>(batch, batch.ops().size());
        }
    }
}
