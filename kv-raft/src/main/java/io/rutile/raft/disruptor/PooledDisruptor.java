package io.rutile.raft.disruptor;

import com.lmax.disruptor.AlertException;
import com.lmax.disruptor.EventFactory;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.ExceptionHandler;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import com.lmax.disruptor.SequenceBarrier;
import com.lmax.disruptor.WaitStrategy;
import com.lmax.disruptor.dsl.Disruptor;
import com.lmax.disruptor.dsl.EventHandlerGroup;
import com.lmax.disruptor.dsl.ProducerType;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Disruptor with one handler whose consumer is a task on a shared pool.
 *
 * <p>Guarantees what a Disruptor does: events in order, one at a time, the last of a batch marked, and no slot given back before
 * its whole batch is handled. A publisher wakes the consumer if it is idle; the consumer, before it goes idle, looks once more.
 *
 * <p>The consumer of a ring that may run on any thread is run by its publisher, if that is in a {@link Turn}, when the turn is over.
 *
 * @param <T> the event
 */
public final class PooledDisruptor<T> extends Disruptor<T> {

    private static final Logger LOG = LoggerFactory.getLogger(PooledDisruptor.class);
    private static final int BATCH_EVENTS_MAX = 256;

    private static final long SHUTDOWN_NANOS_MAX = TimeUnit.SECONDS.toNanos(30);
    private static final int IDLE = 0;
    private static final int SCHEDULED = 1;

    private final RingThreads.Home home;
    private final WakeUp wakeUp;
    /** The last event that is handled; slots up to here are free. */
    private final Sequence handled = new Sequence();

    private @Nullable EventHandler<? super T> handler;
    private @Nullable ExceptionHandler<? super T> onException;

    /**
     * @param kind simple name of the class that owns the ring: names the pool
     */
    public static <T> PooledDisruptor<T> open(EventFactory<T> events, int size, ProducerType producers, String kind) {
        return new PooledDisruptor<>(
                events, ConsumerPools.slots(kind, size), producers, RingThreads.home(kind), new WakeUp());
    }

    PooledDisruptor(EventFactory<T> events, int size, ProducerType producers, RingThreads.Home home, WakeUp wakeUp) {
        super(
                events,
                size,
                (ThreadFactory) task -> {
                    throw new IllegalStateException("a pooled ring has no thread");
                },
                producers,
                wakeUp);
        this.home = home;
        this.wakeUp = wakeUp;
    }

    @Override
    @SafeVarargs
    @SuppressWarnings({"NullAway", "varargs"}) // Nobody chains handlers here; JRaft ignores what it gets.
    public final EventHandlerGroup<T> handleEventsWith(EventHandler<? super T>... handlers) {
        if (handlers.length != 1 || handler != null) {
            throw new IllegalArgumentException("a pooled ring has one handler");
        }
        handler = handlers[0];
        return null;
    }

    @Override
    public void setDefaultExceptionHandler(ExceptionHandler<? super T> exceptionHandler) {
        onException = exceptionHandler;
    }

    @Override
    public RingBuffer<T> start() {
        EventHandler<? super T> given = handler;
        if (given == null) {
            throw new IllegalStateException("no handler");
        }
        EventHandler<T> consumer = home.around(given::onEvent);
        RingBuffer<T> ring = getRingBuffer();
        ring.addGatingSequences(handled);
        wakeUp.consumer = new Consumer(ring, consumer);
        wakeUp.signalAllWhenBlocking();
        return ring;
    }

    /** Waits until everything published so far is handled; bounded. */
    @Override
    public void shutdown() {
        long deadline = System.nanoTime() + SHUTDOWN_NANOS_MAX;
        RingBuffer<T> ring = getRingBuffer();
        while (handled.get() < ring.getCursor()) {
            if (System.nanoTime() - deadline >= 0) {
                LOG.warn("ring not drained handled={} published={}", handled.get(), ring.getCursor());
                return;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    @Override
    public void shutdown(long timeout, TimeUnit unit) {
        shutdown();
    }

    @Override
    public void halt() {
        wakeUp.consumer = null;
    }

    /** Runs on one pool thread at a time: state passes from one to the next by the idle flag and the pool's queue. */
    private final class Consumer implements Runnable {

        private final RingBuffer<T> ring;
        private final EventHandler<T> consumer;
        private final AtomicInteger state = new AtomicInteger(IDLE);

        Consumer(RingBuffer<T> ring, EventHandler<T> consumer) {
            this.ring = ring;
            this.consumer = consumer;
        }

        void wake() {
            // The publication before this is an ordered store only; it must be seen by a consumer that goes idle now,
            // or we
            // must see that it is idle.
            VarHandle.fullFence();
            if (state.get() == IDLE && state.compareAndSet(IDLE, SCHEDULED)) {
                if (!home.onAnyThread() || !Turn.defer(this, home.pool())) {
                    home.pool().execute(this);
                }
            }
        }

        @Override
        public void run() {
            if (home.onAnyThread()) {
                Turn.run(this::consume);
            } else {
                consume();
            }
        }

        private void consume() {
            int yields = 0;
            int batches = 0;
            while (true) {
                long next = handled.get() + 1;
                long last = lastPublished(next);
                if (last >= next) {
                    if (++batches > home.batchesPerTurn()) {
                        home.pool().execute(this);
                        return;
                    }
                    handle(next, last);
                    yields = 0;
                } else if (yields++ < home.yields()) {
                    Thread.yield();
                } else {
                    state.set(IDLE);
                    VarHandle.fullFence();
                    if (!ring.isPublished(next) || !state.compareAndSet(IDLE, SCHEDULED)) {
                        return;
                    }
                    yields = 0;
                }
            }
        }

        private long lastPublished(long next) {
            long last = next - 1;
            while (last - next + 1 < BATCH_EVENTS_MAX && ring.isPublished(last + 1)) {
                last++;
            }
            return last;
        }

        private void handle(long first, long last) {
            for (long sequence = first; sequence <= last; sequence++) {
                T event = ring.get(sequence);
                try {
                    consumer.onEvent(event, sequence, sequence == last);
                } catch (Throwable e) { // As a Disruptor does: one event's failure is told, and the ring goes on.
                    failed(e, sequence, event);
                }
            }
            handled.set(last);
        }

        private void failed(Throwable cause, long sequence, T event) {
            ExceptionHandler<? super T> told = onException;
            if (told == null) {
                LOG.error("event failed sequence={}", sequence, cause);
            } else {
                told.handleEventException(cause, sequence, event);
            }
        }
    }

    /** Publishers call it after each publication: the one place where a ring can be told apart from a quiet one. */
    static final class WakeUp implements WaitStrategy {

        private volatile PooledDisruptor<?>.@Nullable Consumer consumer;

        @Override
        public void signalAllWhenBlocking() {
            PooledDisruptor<?>.Consumer idle = consumer;
            if (idle != null) {
                idle.wake();
            }
        }

        @Override
        public long waitFor(long sequence, Sequence cursor, Sequence dependent, SequenceBarrier barrier)
                throws AlertException {
            throw new IllegalStateException("nobody waits on a pooled ring");
        }
    }
}
