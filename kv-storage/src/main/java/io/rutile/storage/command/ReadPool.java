package io.rutile.storage.command;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.engine.KvContext;
import io.rutile.storage.engine.KvSnapshot;
import io.rutile.storage.engine.NotCachedException;
import io.rutile.storage.engine.ReplicatedKv;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that read from the disk, and the only ones in this room that may wait for it. What memory answers at once needs none
 * of them. The queue before them is bounded (R10): past it the answer is {@code ServerIsBusy}. A request whose deadline passed while
 * it queued isn't read for.
 *
 * <p>Threads: {@code kv-read-N}, daemons. Safe from every thread.
 */
public final class ReadPool implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReadPool.class);
    private static final long CLOSE_PATIENCE_SECONDS = 5;

    private final ReplicatedKv kv;
    private final ThreadPoolExecutor threads;
    private final Counter refused;
    private final Timer waits;
    private final Counter direct;
    private final HitRate inMemory = new HitRate();

    public ReadPool(ReplicatedKv kv, int threads, int queueMax, MeterRegistry metrics) {
        this.kv = kv;
        AtomicInteger number = new AtomicInteger();
        this.threads = new ThreadPoolExecutor(
                threads, threads, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(queueMax), task -> {
                    Thread thread = new Thread(task, "kv-read-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        this.refused = Counter.builder("kv.command.reads.refused")
                .description("reads answered with ServerIsBusy because the queue was full")
                .register(metrics);
        this.waits = Timer.builder("kv.command.reads.wait")
                .description("how long reads waited for a thread")
                .register(metrics);
        this.direct = Counter.builder("kv.command.reads.direct")
                .description("reads of few keys that memory answered at once, without a thread of the pool")
                .register(metrics);
        Gauge.builder("kv.command.reads.queued", this.threads, t -> t.getQueue().size())
                .description("reads that wait for a thread")
                .register(metrics);
    }

    /** Takes a snapshot of the Region and reads from it, on a thread of this pool. The snapshot is closed afterwards. */
    public <T> CompletableFuture<T> read(KvContext ctx, Function<KvSnapshot, T> reads) {
        Read<T> read = new Read<>(ctx, reads);
        enqueue(read);
        return read.answer;
    }

    /**
     * Reads a few keys: at once, on the caller's thread, as long as memory has them and the snapshot needn't be waited for; else as {@link
     * #read} does.
     *
     * @param reads may be called twice
     */
    public <T> CompletableFuture<T> readFew(KvContext ctx, Function<KvSnapshot, T> reads) {
        Read<T> read = new Read<>(ctx, reads);
        if (inMemory.worthATry() && !threads.isShutdown()) {
            read.tryHere();
        } else {
            enqueue(read);
        }
        return read.answer;
    }

    private void enqueue(Read<?> read) {
        read.queuedNanos = System.nanoTime();
        try {
            threads.execute(read);
        } catch (RejectedExecutionException e) {
            if (!threads.isShutdown()) {
                refused.increment();
            }
            read.abandon(
                    threads.isShutdown()
                            ? RegionErrors.message("the store is closing")
                            : RegionErrors.serverIsBusy("read pool is busy", 0));
        }
    }

    /** Lets what is queued be read for some seconds; fails the rest. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            if (threads.awaitTermination(CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Runnable queued : threads.shutdownNow()) {
            ((Read<?>) queued).abandon(RegionErrors.message("the store is closing"));
        }
        LOG.warn("event=read_pool_close_incomplete running={}", threads.getActiveCount());
    }

    /** A read: queued once for the snapshot, and a second time if the snapshot is not there at once. */
    private final class Read<T> implements Runnable {
        private final KvContext ctx;
        private final Function<KvSnapshot, T> reads;
        private final CompletableFuture<T> answer = new CompletableFuture<>();
        private volatile @Nullable KvSnapshot snapshot;
        /** Written before it is handed to a thread, read by that one. */
        private long queuedNanos;

        private Read(KvContext ctx, Function<KvSnapshot, T> reads) {
            this.ctx = ctx;
            this.reads = reads;
        }

        @Override
        public void run() {
            KvSnapshot taken = snapshot;
            long waitedNanos = System.nanoTime() - queuedNanos;
            waits.record(waitedNanos, TimeUnit.NANOSECONDS);
            ctx.times().queued(waitedNanos);
            if (answer.isDone() || ctx.isExpired()) {
                abandon(RegionErrors.deadlineExceeded());
            } else if (taken != null) {
                readFrom(taken);
            } else {
                takeSnapshot();
            }
        }

        private void takeSnapshot() {
            CompletableFuture<KvSnapshot> coming = snapshot();
            if (isThere(coming)) {
                readFrom(coming.join());
            }
        }

        /** On the caller's thread, which must not wait for the disk. */
        private void tryHere() {
            if (ctx.isExpired()) {
                abandon(RegionErrors.deadlineExceeded());
                return;
            }
            CompletableFuture<KvSnapshot> coming = snapshot();
            if (!isThere(coming)) {
                return;
            }
            KvSnapshot taken = coming.join();
            taken.mayWaitForDisk(false);
            long begunNanos = System.nanoTime();
            T found;
            try {
                found = reads.apply(taken);
            } catch (NotCachedException disk) {
                inMemory.miss();
                taken.mayWaitForDisk(true);
                snapshot = taken;
                enqueue(this);
                return;
            } catch (RuntimeException | Error e) {
                taken.close();
                answer.completeExceptionally(e);
                return;
            }
            taken.close();
            ctx.times().read(System.nanoTime() - begunNanos);
            inMemory.hit();
            direct.increment();
            answer.complete(found);
        }

        private CompletableFuture<KvSnapshot> snapshot() {
            try {
                return kv.snapshot(ctx);
            } catch (RuntimeException e) {
                return CompletableFuture.failedFuture(e);
            }
        }

        /** If not, this read goes on by itself: to a thread once the snapshot comes, or to its end. */
        @SuppressWarnings("FutureReturnValueIgnored") // the answer carries every outcome
        private boolean isThere(CompletableFuture<KvSnapshot> coming) {
            if (coming.isDone() && !coming.isCompletedExceptionally()) {
                return true;
            }
            long askedNanos = System.nanoTime();
            coming.whenComplete((taken, failure) -> {
                ctx.times().snapshot(System.nanoTime() - askedNanos);
                if (failure != null) {
                    answer.completeExceptionally(Failures.unwrap(failure));
                } else {
                    snapshot = taken;
                    enqueue(this);
                }
            });
            return false;
        }

        private void readFrom(KvSnapshot taken) {
            T found;
            long begunNanos = System.nanoTime();
            try (taken) {
                found = reads.apply(taken);
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
                return;
            } finally {
                ctx.times().read(System.nanoTime() - begunNanos);
            }
            answer.complete(found);
        }

        private void abandon(RuntimeException why) {
            KvSnapshot taken = snapshot;
            if (taken != null) {
                taken.close();
            }
            answer.completeExceptionally(why);
        }
    }
}
