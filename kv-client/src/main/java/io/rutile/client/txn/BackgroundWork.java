package io.rutile.client.txn;

import io.rutile.client.rpc.Futures;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is left to do once a transaction's fate is sealed: its secondary keys. Nobody has to wait for it, and if it fails, readers
 * will do it. Bounded: past the bound, whoever brings work waits for it to end. Safe from any thread.
 */
final class BackgroundWork {

    private static final Logger LOG = LoggerFactory.getLogger(BackgroundWork.class);

    /** Transactions whose work runs at the same time. */
    static final int RUNNING_MAX = 512;

    private final TxnMetrics metrics;
    private int running;
    private CompletableFuture<Void> idle = CompletableFuture.completedFuture(null);

    BackgroundWork(TxnMetrics metrics) {
        this.metrics = metrics;
        metrics.watchBackground(this);
    }

    synchronized int running() {
        return running;
    }

    /**
     * Starts the work.
     *
     * @param what for the log, if it fails
     * @return when its owner may go on; never fails
     */
    CompletableFuture<Void> run(String what, Supplier<CompletableFuture<Void>> work) {
        boolean full;
        synchronized (this) {
            full = running >= RUNNING_MAX;
            if (running == 0) {
                idle = new CompletableFuture<>();
            }
            running++;
        }
        CompletableFuture<Void> ended = new CompletableFuture<>();
        Futures.whenDone(work.get(), (done, failure) -> {
            if (failure != null) {
                metrics.leftover();
                LOG.info(
                        "action=locks_left what={} reason=\"{}\"",
                        what,
                        Futures.causeOf(failure).getMessage());
            }
            end();
            ended.complete(null);
        });
        if (full) {
            metrics.backgroundFull();
            return ended;
        }
        return CompletableFuture.completedFuture(null);
    }

    private void end() {
        CompletableFuture<Void> nowIdle = null;
        synchronized (this) {
            running--;
            if (running == 0) {
                nowIdle = idle;
            }
        }
        if (nowIdle != null) {
            nowIdle.complete(null);
        }
    }

    /** Blocks until nothing runs, or the time is over. */
    void awaitIdle(Duration timeout) {
        CompletableFuture<Void> now;
        synchronized (this) {
            now = idle;
        }
        try {
            now.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException stillRunning) {
            LOG.warn("action=close_with_work_running transactions={}", running());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
