package io.rutile.raft;

import io.rutile.raft.disruptor.RingThreads;
import io.rutile.raft.disruptor.Turn;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that the groups of one store share. What waits in a pool's queue is bounded by what other stores may have
 * outstanding (65,536 calls each) and by the proposals that groups admit; a pool's thread may wait for the disk.
 *
 * @param rpc handles what other stores ask and answer
 * @param apply runs state machines; see {@link RingThreads}
 * @param work cuts logs, starts and stops groups
 * @param imagesOut makes and sends images; full when as many as allowed are on their way and a few wait
 * @param imagesIn receives and installs them; apart, so that stores that fetch from each other can't wait in a circle
 * @param timer one thread; hands over
 * @param sends sends what has gathered for other stores; waits for nothing
 * @param heartbeats one thread, which waits for nothing else: many leaders depend on it
 */
record Pools(
        ExecutorService rpc,
        ExecutorService apply,
        ExecutorService work,
        ExecutorService imagesOut,
        ExecutorService imagesIn,
        ScheduledExecutorService timer,
        ScheduledExecutorService sends,
        ScheduledExecutorService heartbeats) {

    static final int RPC_THREADS = Math.max(8, 2 * Runtime.getRuntime().availableProcessors());
    private static final int WORK_THREADS = 4;
    private static final int SEND_THREADS = Math.max(1, Runtime.getRuntime().availableProcessors() / 4);
    private static final int IMAGES_WAITING_MAX = 16;

    /**
     * JRaft's closures of all groups of the process. Shared by every server in it, for JRaft keeps the registration for ever;
     * threads end when they idle.
     */
    static final ThreadPoolExecutor CLOSURES = new Closures();

    static Pools open(long storeId, int imagesAtOnce) {
        String suffix = "-s" + storeId;
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, daemons("raft-timer" + suffix));
        timer.setRemoveOnCancelPolicy(true);
        return new Pools(
                elastic("raft-rpc" + suffix, RPC_THREADS),
                elastic("raft-apply" + suffix, RingThreads.stateMachineThreadsMax()),
                elastic("raft-work" + suffix, WORK_THREADS),
                bounded("raft-image-out" + suffix, imagesAtOnce),
                bounded("raft-image-in" + suffix, imagesAtOnce),
                timer,
                new ScheduledThreadPoolExecutor(SEND_THREADS, daemons("raft-send" + suffix)),
                new ScheduledThreadPoolExecutor(1, daemons("raft-heartbeat" + suffix)));
    }

    /** What a node wants done without its locks, that is in another thread, or in this one when its {@link Turn} is over. */
    private static final class Closures extends ThreadPoolExecutor {

        Closures() {
            super(64, 64, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemons("raft-closure"));
            allowCoreThreadTimeOut(true);
        }

        @Override
        public void execute(Runnable task) {
            if (!Turn.defer(task, super::execute)) {
                super.execute(task);
            }
        }
    }

    private static ThreadPoolExecutor bounded(String name, int threads) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(IMAGES_WAITING_MAX), daemons(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private static ThreadPoolExecutor elastic(String name, int threads) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemons(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    static ThreadFactory daemons(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    void close() {
        for (ExecutorService pool :
                new ExecutorService[] {timer, sends, heartbeats, imagesOut, imagesIn, work, apply, rpc}) {
            pool.shutdown();
        }
        for (ExecutorService pool : new ExecutorService[] {imagesOut, imagesIn, work, apply, rpc}) {
            try {
                if (!pool.awaitTermination(5, TimeUnit.SECONDS)) {
                    pool.shutdownNow();
                }
            } catch (InterruptedException e) {
                pool.shutdownNow();
                Thread.currentThread().interrupt();
            }
        }
    }
}
