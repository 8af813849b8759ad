package io.rutile.raft.disruptor;

import com.lmax.disruptor.EventHandler;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Who runs the rings of one store's groups: one thread those of logs, round after round, and as few as the work needs those of state
 * machines. Rings of other kinds, and of whoever brings no threads, are on pools of the process ({@link ConsumerPools}).
 */
public final class RingThreads implements AutoCloseable {

    /** What is done with the logs of a store. */
    public interface Logs {

        /** Goes around the handler of each log's ring. */
        <T> EventHandler<T> around(EventHandler<T> handler);

        /** After some logs have had their turn, each once; on the same thread. */
        void settle();
    }

    private static final String LOG_KIND = "LogManagerImpl";
    private static final String STATE_MACHINE_KIND = "FSMCallerImpl";
    private static final int CPUS = Runtime.getRuntime().availableProcessors();

    /** State machines that may be at something long, an image or a stalled disk, without keeping others from theirs. */
    private static final int STATE_MACHINES_AT_ONCE_MAX = Math.max(8, 2 * CPUS);

    /** Threads that work is divided among when it is too much for one; the other half of the processors belongs to everything else. */
    private static final int STATE_MACHINES_AT_ONCE = Math.max(1, CPUS / 2);

    private static final ThreadLocal<@Nullable RingThreads> CURRENT = new ThreadLocal<>();

    private final Logs logs;
    private final RoundExecutor logThread;
    private final FewThreads stateMachineThreads;

    /**
     * @param suffix of the names of threads
     * @param pool of which the threads of state machines are
     * @param timer looks whether one of them is stuck; nothing waits on it
     */
    public RingThreads(String suffix, Logs logs, ExecutorService pool, ScheduledExecutorService timer) {
        this.logs = logs;
        this.logThread = new RoundExecutor("raft-log" + suffix, logs::settle);
        this.stateMachineThreads = new FewThreads(pool, timer, STATE_MACHINES_AT_ONCE, STATE_MACHINES_AT_ONCE_MAX);
    }

    /** Threads that the pool of state machines must have. */
    public static int stateMachineThreadsMax() {
        return STATE_MACHINES_AT_ONCE_MAX;
    }

    /** Runs the body; rings that are made in it, on this thread, are on these threads. */
    public void during(Runnable body) {
        RingThreads outer = CURRENT.get();
        CURRENT.set(this);
        try {
            body.run();
        } finally {
            if (outer == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(outer);
            }
        }
    }

    /** Ends the log's thread when it has done what was asked of it until now. Every ring must have been shut down before. */
    @Override
    public void close() {
        logThread.close();
    }

    /**
     * Where rings of a kind run.
     *
     * @param onAnyThread whether a publisher may run the consumer when its {@link Turn} is over
     * @param yields before a consumer goes idle: what is about to be published is cheaper to wait for than to be woken for, unless
     *     the thread has others to go to
     * @param batchesPerTurn after which the thread goes to another ring first
     */
    record Home(
            Executor pool,
            boolean onAnyThread,
            int yields,
            int batchesPerTurn,
            @Nullable Logs logs) {

        <T> EventHandler<T> around(EventHandler<T> handler) {
            return logs == null ? handler : logs.around(handler);
        }
    }

    /** @param kind simple name of the class that owns the ring */
    static Home home(String kind) {
        RingThreads mine = CURRENT.get();
        if (mine != null && kind.equals(LOG_KIND)) {
            return new Home(mine.logThread, false, 0, 1, mine.logs);
        }
        if (mine != null && kind.equals(STATE_MACHINE_KIND)) {
            return new Home(mine.stateMachineThreads, false, 0, 1, null);
        }
        return new Home(ConsumerPools.of(kind), ConsumerPools.mayRunOnAnyThread(kind), 2, 4, null);
    }
}
