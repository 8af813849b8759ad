package io.rutile.raft;

import io.rutile.raft.transport.Answers;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs tasks one at a time, in order, on a shared pool. Lets go of the pool's thread after a few, so that no group holds it. */
final class SerialExecutor implements Answers {

    private static final Logger LOG = LoggerFactory.getLogger(SerialExecutor.class);
    private static final int TASKS_PER_TURN = 64;

    private final Executor pool;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    SerialExecutor(Executor pool) {
        this.pool = pool;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (waiting.getAndIncrement() == 0) {
            pool.execute(this::drain);
        }
    }

    /** Runs the task on this thread if nothing of this executor runs or waits; else it waits its turn as any other. */
    @Override
    public void executeHere(Runnable task) {
        if (!waiting.compareAndSet(0, 1)) {
            execute(task);
            return;
        }
        run(task);
        if (waiting.decrementAndGet() != 0) {
            // Whoever came meanwhile relied on a drain.
            pool.execute(this::drain);
        }
    }

    private void drain() {
        for (int done = 1; ; done++) {
            Runnable task = tasks.poll();
            if (task != null) {
                run(task);
            }
            if (waiting.decrementAndGet() == 0) {
                return;
            }
            if (done >= TASKS_PER_TURN) {
                pool.execute(this::drain);
                return;
            }
        }
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // The next task is somebody else's.
            LOG.error("task failed", e);
        }
    }
}
