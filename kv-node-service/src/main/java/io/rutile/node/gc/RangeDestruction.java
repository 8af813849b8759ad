package io.rutile.node.gc;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeRequest;
import io.rutile.protocol.kvrpcpb.UnsafeDestroyRangeResponse;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineException;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.SstFiles;
import io.rutile.storage.mvcc.MvccKey;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * UnsafeDestroyRange: deletes a range of transactional keys from this store's disk at once, past every Region, its log and its
 * readers, after a table has been dropped. The caller sends it to every store. What lies in the raw column families stays.
 *
 * <p>One daemon thread, {@code range-destruction}; so many requests wait for it, more are answered with {@code ServerIsBusy} (R10).
 */
public final class RangeDestruction implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(RangeDestruction.class);

    private static final List<Cf> FAMILIES = List.of(Cf.LOCK, Cf.WRITE, Cf.DEFAULT);
    private static final int WAITING_MAX = 16;
    private static final long BUSY_BACKOFF_MS = 1_000;
    private static final long CLOSE_PATIENCE_MS = 5_000;

    private final RocksEngine engine;
    private final ThreadPoolExecutor thread;
    private final Counter destroyed;
    private final Counter refused;
    private volatile boolean closed;

    public RangeDestruction(RocksEngine engine, MeterRegistry metrics) {
        this.engine = engine;
        this.thread = new ThreadPoolExecutor(1, 1, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(WAITING_MAX), task -> {
            Thread own = new Thread(task, "range-destruction");
            own.setDaemon(true);
            return own;
        });
        thread.allowCoreThreadTimeOut(true);
        this.destroyed = Counter.builder("kv.gc.ranges.destroyed")
                .description("ranges deleted past their Regions")
                .register(metrics);
        this.refused = Counter.builder("kv.gc.ranges.refused")
                .description("orders to destroy a range refused because too many waited")
                .register(metrics);
    }

    /**
     * Destroys {@code [start_key, end_key)} of the user's keys. Both must be there: an open end would be every other table. A range
     * that ends before it begins holds nothing.
     *
     * @return never fails: a missing bound or a failing disk is the response's {@code error}, too many orders or a passed deadline
     *     its {@code region_error}
     */
    public CompletableFuture<UnsafeDestroyRangeResponse> destroy(KvContext ctx, UnsafeDestroyRangeRequest request) {
        if (request.getStartKey().isEmpty() || request.getEndKey().isEmpty()) {
            return CompletableFuture.completedFuture(failed("start_key and end_key must both be given"));
        }
        KeyRange range = new KeyRange(
                MvccKey.of(request.getStartKey()).encoded(),
                MvccKey.of(request.getEndKey()).encoded());
        try {
            return CompletableFuture.supplyAsync(() -> destroy(ctx, range), thread);
        } catch (RejectedExecutionException full) {
            refused.increment();
            return CompletableFuture.completedFuture(
                    refusal(RegionErrors.serverIsBusy("too many ranges wait to be destroyed", BUSY_BACKOFF_MS)));
        }
    }

    private UnsafeDestroyRangeResponse destroy(KvContext ctx, KeyRange range) {
        if (closed) {
            return refusal(RegionErrors.serverIsBusy("the store is stopping", BUSY_BACKOFF_MS));
        }
        if (ctx.isExpired()) {
            return refusal(RegionErrors.deadlineExceeded());
        }
        if (range.isEmpty()) {
            return UnsafeDestroyRangeResponse.getDefaultInstance();
        }
        long began = System.nanoTime();
        try {
            SstFiles.clear(engine, range, FAMILIES);
        } catch (EngineException e) {
            log.warn("event=range_destruction_failed", e);
            return failed(String.valueOf(e.getMessage()));
        }
        destroyed.increment();
        log.info("event=range_destroyed millis={}", TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began));
        return UnsafeDestroyRangeResponse.getDefaultInstance();
    }

    private static UnsafeDestroyRangeResponse failed(String why) {
        return UnsafeDestroyRangeResponse.newBuilder().setError(why).build();
    }

    private static UnsafeDestroyRangeResponse refusal(RegionException why) {
        return UnsafeDestroyRangeResponse.newBuilder()
                .setRegionError(why.error())
                .build();
    }

    /** Takes no more orders; those that wait are refused, the one under way comes to its end. */
    @Override
    public void close() {
        closed = true;
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                log.warn("event=range_destruction_still_under_way");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
