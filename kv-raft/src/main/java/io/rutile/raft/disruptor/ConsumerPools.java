package io.rutile.raft.disruptor;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The pools of rings that are on no threads of their store ({@link RingThreads}), one for each class of JRaft that owns some. A ring is at most once in its pool's queue, so queues are bounded by
 * the number of groups.
 */
final class ConsumerPools {

    private static final int CPUS = Runtime.getRuntime().availableProcessors();

    /** Threads by the kind of ring. */
    private static final Map<String, Integer> THREADS = Map.of("NodeImpl", Math.max(4, CPUS), "ReadOnlyServiceImpl", 1);

    /** Rings whose consumer any thread may run that holds no lock: it waits for no disk, and what it does is short. */
    private static final Set<String> ANY_THREAD = Set.of("NodeImpl");

    /** Slots of rings that nothing is put into but their own end: a ring is full of events from the beginning, in each group. */
    private static final Map<String, Integer> SLOTS_MAX = Map.of("ReadOnlyServiceImpl", 2);

    private static final int THREADS_OTHER = 2;
    private static final ConcurrentHashMap<String, Executor> POOLS = new ConcurrentHashMap<>();

    private ConsumerPools() {}

    static Executor of(String kind) {
        return POOLS.computeIfAbsent(kind, ConsumerPools::open);
    }

    static boolean mayRunOnAnyThread(String kind) {
        return ANY_THREAD.contains(kind);
    }

    /** @param asked a power of two */
    static int slots(String kind, int asked) {
        return Math.min(asked, SLOTS_MAX.getOrDefault(kind, asked));
    }

    private static Executor open(String kind) {
        int threads = THREADS.getOrDefault(kind, THREADS_OTHER);
        AtomicInteger count = new AtomicInteger();
        ThreadPoolExecutor pool =
                new ThreadPoolExecutor(threads, threads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Runnable work = mayRunOnAnyThread(kind)
                            ? task
                            : () -> {
                                Turn.never();
                                task.run();
                            };
                    Thread thread = new Thread(work, "raft-ring-" + kind + "-" + count.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }
}
