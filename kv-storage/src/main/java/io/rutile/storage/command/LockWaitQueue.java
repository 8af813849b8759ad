package io.rutile.storage.command;

import com.google.protobuf.ByteString;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.ReleasedLock;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for which key's lock, oldest transaction first.
 *
 * <p>A release lets the oldest waiter go at once and, a moment later, those behind it: by then the oldest, if it comes back for
 * the lock, has it, and the others learn early that what they have read is out of date. Up to and including the first that retries
 * by itself: that one takes the lock, and those behind it go on waiting.
 *
 * <p>Waiters are put in under their key's latch, and releases are told under it: none is missed. Waits end on
 * the thread {@code kv-lock-wait}, never on the one that released. Bounded (R10).
 */
public final class LockWaitQueue implements AutoCloseable {

    /** How much later those behind the first waiter are let go. */
    static final long WAKE_UP_DELAY_MS = 20;

    private final ConcurrentHashMap<ByteKey, Queue> queues = new ConcurrentHashMap<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicLong arrivals = new AtomicLong();
    private final int waitersMax;
    private final ScheduledThreadPoolExecutor timer;
    private final Counter refused;
    private final Counter timeOuts;

    /** Oldest first, then in order of arrival. */
    private record Place(long startTs, long arrival) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int order = Long.compareUnsigned(startTs, other.startTs);
            return order != 0 ? order : Long.compareUnsigned(arrival, other.arrival);
        }
    }

    /** The waiters of one key; guarded by the map's bin. */
    private static final class Queue {
        private final TreeMap<Place, LockWait> waits = new TreeMap<>();
        private @Nullable ReleasedLock lastRelease;
    }

    /** @param waitersMax waits at a time; more are refused with {@code ServerIsBusy} */
    public LockWaitQueue(int waitersMax, MeterRegistry metrics) {
        this.waitersMax = waitersMax;
        this.timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kv-lock-wait");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        this.refused = Counter.builder("kv.command.lock.waits.refused")
                .description("lock waits answered with ServerIsBusy because too many waited")
                .register(metrics);
        this.timeOuts = Counter.builder("kv.command.lock.waits.timedout")
                .description("lock waits that ended because nobody released the lock in time")
                .register(metrics);
        Gauge.builder("kv.command.lock.waits", waiting, AtomicInteger::get)
                .description("transactions that wait for a lock")
                .register(metrics);
    }

    /**
     * Begins to wait. The caller holds the key's latch.
     *
     * @param resumable true if it retries by itself when the lock is released
     * @param deadlineNanos {@link System#nanoTime()} at which it gives up
     * @param before what the same request waited for until now
     * @throws io.rutile.protocol.RegionException {@code ServerIsBusy}
     */
    public LockWait enqueue(
            MvccKey key,
            long startTs,
            boolean resumable,
            Lock holder,
            long deadlineNanos,
            @Nullable LockWait before,
            ByteString tag) {
        if (waiting.incrementAndGet() > waitersMax) {
            waiting.decrementAndGet();
            refused.increment();
            throw RegionErrors.serverIsBusy("too many transactions wait for locks", 0);
        }
        Place place = new Place(startTs, arrivals.incrementAndGet());
        LockWait wait = new LockWait(key, startTs, resumable, holder, before, tag, () -> {
            waiting.decrementAndGet();
            remove(key, place);
        });
        queues.compute(key.encoded(), (k, queue) -> {
            Queue into = queue == null ? new Queue() : queue;
            into.waits.put(place, wait);
            return into;
        });
        try {
            wait.timer(timer.schedule(
                    () -> timeOut(wait), Math.max(0, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS));
        } catch (RejectedExecutionException e) {
            wait.end(new LockWait.End.TimedOut());
        }
        return wait;
    }

    private void timeOut(LockWait wait) {
        if (wait.end(new LockWait.End.TimedOut())) {
            timeOuts.increment();
        }
    }

    private void remove(MvccKey key, Place place) {
        queues.computeIfPresent(key.encoded(), (k, queue) -> {
            queue.waits.remove(place);
            return queue.waits.isEmpty() ? null : queue;
        });
    }

    /** Locks are gone, and that can be read. Under their keys' latches. */
    public void released(List<ReleasedLock> locks) {
        if (waiting.get() == 0) {
            return;
        }
        locks.forEach(lock -> {
            queues.computeIfPresent(lock.key().encoded(), (k, queue) -> {
                queue.lastRelease = lock;
                return queue;
            });
            nextTurn(lock.key());
        });
    }

    /** Lets the oldest waiter of a key that nobody holds go, and those behind it in a moment. */
    public void nextTurn(MvccKey key) {
        LockWait[] first = new LockWait[1];
        ReleasedLock[] release = new ReleasedLock[1];
        queues.computeIfPresent(key.encoded(), (k, queue) -> {
            var entry = queue.waits.pollFirstEntry();
            first[0] = entry == null ? null : entry.getValue();
            release[0] = queue.lastRelease;
            return queue.waits.isEmpty() ? null : queue;
        });
        if (first[0] == null) {
            return;
        }
        letGo(first[0], release[0]);
        if (!first[0].resumable()) {
            try {
                timer.schedule(() -> restOf(key, release[0]), WAKE_UP_DELAY_MS, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                restOf(key, release[0]);
            }
        }
    }

    private void restOf(MvccKey key, @Nullable ReleasedLock release) {
        List<LockWait> go = new ArrayList<>();
        queues.computeIfPresent(key.encoded(), (k, queue) -> {
            boolean goOn = true;
            while (goOn && !queue.waits.isEmpty()) {
                LockWait next = queue.waits.pollFirstEntry().getValue();
                go.add(next);
                goOn = !next.resumable();
            }
            return queue.waits.isEmpty() ? null : queue;
        });
        go.forEach(wait -> letGo(wait, release));
    }

    private void letGo(LockWait wait, @Nullable ReleasedLock release) {
        LockWait.End end =
                wait.resumable() || release == null ? new LockWait.End.Resumed() : new LockWait.End.Released(release);
        handOver(() -> {
            // Who ended before its turn came passes it on; others behind it come by themselves, in a moment.
            if (!wait.end(end) && wait.resumable()) {
                nextTurn(wait.key());
            }
        });
    }

    private void handOver(Runnable end) {
        try {
            timer.execute(end);
        } catch (RejectedExecutionException e) {
            end.run(); // whoever waits must not be lost
        }
    }

    /** Another transaction has taken the key's lock: whoever still waits, waits for that one. */
    public void holderChanged(MvccKey key, Lock holder) {
        List<LockWait> behind = new ArrayList<>();
        queues.computeIfPresent(key.encoded(), (k, queue) -> {
            behind.addAll(queue.waits.values());
            return queue;
        });
        behind.forEach(wait -> wait.holderIs(holder));
    }

    /** Everybody who waits now. */
    public List<LockWait> waits() {
        List<LockWait> all = new ArrayList<>();
        queues.keySet()
                .forEach(key -> queues.computeIfPresent(key, (k, queue) -> {
                    all.addAll(queue.waits.values());
                    return queue;
                }));
        return all;
    }

    /** Waits now. */
    public int waiting() {
        return waiting.get();
    }

    /** Ends every wait as if its time were up. */
    @Override
    public void close() {
        timer.shutdown();
        waits().forEach(wait -> wait.end(new LockWait.End.TimedOut()));
    }
}
