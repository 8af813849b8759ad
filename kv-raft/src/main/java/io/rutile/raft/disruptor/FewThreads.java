package io.rutile.raft.disruptor;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks on as few threads of a pool as the work needs. A task that is given while a thread is at work wakes no other: that one
 * takes it next. A further thread joins if tasks wait longer than {@link #PATIENCE_NANOS}, up to some number; and beyond that number,
 * up to the pool's, only if for {@link #LOOK_MS} nothing at all has been finished: then the threads are stuck in something long.
 *
 * <p>Tasks begin in the order of giving. What waits is bounded by whoever gives tasks.
 */
final class FewThreads implements Executor {

    private static final Logger LOG = LoggerFactory.getLogger(FewThreads.class);
    static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    static final long LOOK_MS = 5;
    /** As in {@link RoundExecutor}. */
    private static final int YIELDS = 2;

    private record Waiting(Runnable task, long sinceNanos) {}

    private final ExecutorService pool;
    private final ScheduledExecutorService timer;
    private final int usualMax;
    private final int max;
    private final ConcurrentLinkedQueue<Waiting> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicInteger awake = new AtomicInteger();
    private final AtomicBoolean watched = new AtomicBoolean();
    private final AtomicLong finished = new AtomicLong();

    /**
     * @param pool has at least {@code max} threads and takes whatever it is given
     * @param timer nothing waits on it
     * @param usualMax threads that a mere lot of work is divided among
     * @param max threads, some of them stuck
     */
    FewThreads(ExecutorService pool, ScheduledExecutorService timer, int usualMax, int max) {
        this.pool = pool;
        this.timer = timer;
        this.usualMax = usualMax;
        this.max = max;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(new Waiting(task, System.nanoTime()));
        if (awake.get() == 0 && awake.compareAndSet(0, 1)) {
            start();
        } else {
            watch();
        }
    }

    private void start() {
        try {
            pool.execute(this::work);
        } catch (RejectedExecutionException closing) {
            awake.decrementAndGet();
        }
    }

    private void work() {
        Turn.never();
        int yields = 0;
        Runnable last = null;
        boolean alone = false;
        while (true) {
            Waiting next = tasks.poll();
            if (next == null && alone && yields++ < YIELDS) {
                Thread.yield();
                continue;
            }
            yields = 0;
            if (next == null) {
                awake.decrementAndGet();
                // Whoever has added a task before this thread left relied on it.
                if (tasks.isEmpty() || awake.get() > 0 || !awake.compareAndSet(0, 1)) {
                    return;
                }
                continue;
            }
            if (System.nanoTime() - next.sinceNanos() > PATIENCE_NANOS && !tasks.isEmpty()) {
                join(usualMax);
            }
            alone = next.task() == last;
            last = next.task();
            run(last);
        }
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // The next task is somebody else's.
            LOG.error("task failed", e);
        } finally {
            finished.incrementAndGet();
        }
    }

    /** One thread more, unless there are so many. */
    private void join(int most) {
        int now = awake.get();
        if (now > 0 && now < most && awake.compareAndSet(now, now + 1)) {
            start();
        }
    }

    /** Sees to it that a task does not wait behind another that takes long. */
    private void watch() {
        if (watched.get() || !watched.compareAndSet(false, true)) {
            return;
        }
        long before = finished.get();
        try {
            timer.schedule(() -> look(before), LOOK_MS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException closing) {
            watched.set(false);
        }
    }

    private void look(long finishedBefore) {
        watched.set(false);
        if (tasks.isEmpty()) {
            return;
        }
        if (finished.get() == finishedBefore) {
            join(max);
        }
        watch();
    }
}
