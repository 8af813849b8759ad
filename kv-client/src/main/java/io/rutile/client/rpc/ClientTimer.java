package io.rutile.client.rpc;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client's one timer thread. Tasks hand over and return; they never block.
 *
 * <p>After {@link #close} a new task runs at once in its caller, so that whoever waits for it learns that the client is closed
 * instead of waiting for ever; tasks already waiting still run when their time comes.
 */
public final class ClientTimer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ClientTimer.class);

    private final ScheduledThreadPoolExecutor executor;

    public ClientTimer(String threadName) {
        executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, threadName);
            thread.setDaemon(true);
            return thread;
        });
        executor.setRemoveOnCancelPolicy(true);
    }

    /** A task that waits for its time. */
    public interface Alarm {

        /** Once it runs, or has run, this does nothing. */
        void cancel();
    }

    /** Runs the task once, after the delay. */
    public Alarm after(long delayNanos, Runnable task) {
        try {
            Future<?> waiting = executor.schedule(guarded(task), Math.max(0, delayNanos), TimeUnit.NANOSECONDS);
            return () -> waiting.cancel(false);
        } catch (RejectedExecutionException closed) {
            guarded(task).run();
            return () -> {};
        }
    }

    /** Runs a step of the owner once, after the delay. If it throws, which is a bug, the owner fails. */
    public Alarm after(long delayNanos, CompletableFuture<?> owner, Runnable step) {
        return after(delayNanos, () -> {
            try {
                step.run();
            } catch (RuntimeException | Error bug) {
                owner.completeExceptionally(bug);
            }
        });
    }

    /** Runs the task again and again, with this pause in between, until the timer is closed. */
    public void every(Duration pause, Runnable task) {
        var unused =
                executor.scheduleWithFixedDelay(guarded(task), pause.toNanos(), pause.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void close() {
        executor.shutdown();
    }

    /** A task that throws is a bug, but it must not end a repetition or vanish without a word. */
    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException bug) {
                LOG.error("action=timer_task_failed", bug);
            }
        };
    }
}
