package io.rutile.raft.disruptor;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work that a thread is asked for while it may hold locks, done by the same thread as soon as it holds none: cheaper than to wake another one.
 *
 * <p>A turn is what one call of {@link #run} does. What is {@linkplain #defer deferred} in it runs when its body has returned, in order, and may
 * defer more; beyond {@link #TASKS_MAX} a turn gives the rest to where it would have gone without one. Outside of a turn nothing is
 * deferred. A thread that waits for the disk, or that others wait for, takes no turns ({@link #never}).
 *
 * <p>Threads: each has its own.
 */
public final class Turn {

    static final int TASKS_MAX = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Turn.class);
    private static final ThreadLocal<Turn> MINE = ThreadLocal.withInitial(Turn::new);

    private record Deferred(Runnable task, Executor pool) {}

    private final ArrayDeque<Deferred> deferred = new ArrayDeque<>();
    private boolean open;
    private boolean barred;

    private Turn() {}

    /** This thread takes no turns from now on: whatever it asks for goes to pools. */
    static void never() {
        MINE.get().barred = true;
    }

    /** Runs the body and then what was deferred in it. Inside another turn it only runs the body. */
    public static void run(Runnable body) {
        Turn mine = MINE.get();
        if (mine.open || mine.barred) {
            body.run();
            return;
        }
        mine.open = true;
        try {
            body.run();
        } finally {
            try {
                mine.finish();
            } finally {
                mine.open = false;
            }
        }
    }

    /**
     * Leaves a task to the end of this thread's turn.
     *
     * @param pool where it goes if the turn has done enough
     * @return false if this thread is in no turn: the caller does with the task what it likes
     */
    public static boolean defer(Runnable task, Executor pool) {
        Turn mine = MINE.get();
        if (!mine.open) {
            return false;
        }
        mine.deferred.add(new Deferred(task, pool));
        return true;
    }

    /** Whether this thread is in a turn: then it belongs to somebody who waits for something else, and is not to be kept. */
    public static boolean isOpen() {
        return MINE.get().open;
    }

    private void finish() {
        int done = 0;
        Deferred next;
        while ((next = deferred.poll()) != null) {
            if (++done > TASKS_MAX) {
                next.pool().execute(next.task());
                continue;
            }
            try {
                next.task().run();
            } catch (RuntimeException | Error e) {
                // The next task is somebody else's.
                LOG.error("deferred task failed", e);
            }
        }
    }
}
