package io.rutile.raft.transport;

import io.grpc.stub.CallStreamObserver;
import io.rutile.raft.wire.Call;
import io.rutile.raft.wire.Envelope;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Puts calls of many groups into frames of one stream. Whoever adds a call while nobody sends also sends, for everybody who adds
 * meanwhile. A frame follows the one before it {@link #PAUSE_NANOS} later at the earliest, unless it is full: so a busy stream gathers
 * calls, whose cost is that of frames, and an idle one adds no delay. Stops while the stream is not ready and goes on when it is:
 * nothing piles up inside the network stack.
 *
 * <p>Patient calls, the heartbeats of idle groups, wait {@link #LINGER_MS} for one another, or less if a call that is not patient
 * comes: thousands of idle groups then cost some frames a second and not some for each of them. The order stays that of offering.
 *
 * <p>Bounded in bytes and calls; {@link #offer} says no beyond that.
 */
final class FrameSender {

    private static final int FRAME_BYTES = 1 << 20;
    private static final int FRAME_CALLS = 1_024;
    /** After so many frames a caller's thread is let go and the pool goes on. */
    private static final int FRAMES_PER_TURN = 8;

    /** How long patient calls gather: a fraction of any heartbeat's pause, and a lease counts from the sending anyway. */
    static final long LINGER_MS = 20;

    /**
     * Between two frames. As TiKV's raft-msg-flush-interval; measured with 50 groups, 0, 250 and 1,000 µs: 1,297, 1,571 and 1,581 puts
     * a second.
     */
    static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(250);

    private final CallStreamObserver<Envelope> stream;
    private final Executor pool;
    private final ScheduledExecutorService timer;
    private final long bytesMax;
    private final TransportMetrics metrics;
    private final LongSupplier nanoClock;
    private final ConcurrentLinkedQueue<Call> queue = new ConcurrentLinkedQueue<>();
    private final AtomicLong queuedBytes = new AtomicLong();
    /** Greater than 0: somebody sends, or must look again before leaving. */
    private final AtomicInteger wanted = new AtomicInteger();
    /** True while a wake-up is set for the patient calls in the queue. */
    private final AtomicBoolean gathering = new AtomicBoolean();
    /** True while a wake-up is set for the end of the pause. */
    private final AtomicBoolean pausing = new AtomicBoolean();

    private volatile long lastFrameNanos;

    private volatile boolean closed;

    /** @param timer sends what has gathered; nothing here waits
     * @param nanoClock {@link System#nanoTime}, for the pause between frames */
    FrameSender(
            CallStreamObserver<Envelope> stream,
            Executor pool,
            ScheduledExecutorService timer,
            long bytesMax,
            TransportMetrics metrics,
            LongSupplier nanoClock) {
        this.stream = stream;
        this.pool = pool;
        this.timer = timer;
        this.bytesMax = bytesMax;
        this.metrics = metrics;
        this.nanoClock = nanoClock;
        this.lastFrameNanos = nanoClock.getAsLong() - PAUSE_NANOS;
    }

    /** False if the queue is full or the stream has ended; the call is not sent then. */
    boolean offer(Call call) {
        int size = call.getSerializedSize() + 16;
        if (closed || queuedBytes.get() + size > bytesMax) {
            return false;
        }
        queuedBytes.addAndGet(size);
        metrics.queuedBytes.addAndGet(size);
        queue.add(call);
        if (call.getPatient() && gather()) {
            return true;
        }
        if (queuedBytes.get() >= FRAME_BYTES || !Gathering.take(this)) {
            wake();
        }
        return true;
    }

    /** Sees to it that the queue is sent soon. @return false if there is no timer any more */
    private boolean gather() {
        if (!gathering.compareAndSet(false, true)) {
            return true;
        }
        try {
            // On the timer's thread, for the pool's may all wait for the disk, and a heartbeat has to come in time.
            timer.schedule(
                    () -> {
                        // First, so that whoever adds a call from now on sets the next wake-up.
                        gathering.set(false);
                        wake();
                    },
                    LINGER_MS,
                    TimeUnit.MILLISECONDS);
            return true;
        } catch (RejectedExecutionException closing) {
            return false;
        }
    }

    /** Sends what waits, if the stream takes it: now, or when the pause after the last frame is over. */
    void wake() {
        if (!pause()) {
            send();
        }
    }

    /** @return false if what waits is to be sent at once, by the caller */
    private boolean pause() {
        if (closed || queuedBytes.get() >= FRAME_BYTES) {
            return false;
        }
        long left = lastFrameNanos + PAUSE_NANOS - nanoClock.getAsLong();
        if (left <= 0) {
            return false;
        }
        if (pausing.get() || !pausing.compareAndSet(false, true)) {
            return true;
        }
        try {
            timer.schedule(
                    () -> {
                        // First, so that whoever adds a call from now on sets the next wake-up.
                        pausing.set(false);
                        wake();
                    },
                    left,
                    TimeUnit.NANOSECONDS);
            return true;
        } catch (RejectedExecutionException closing) {
            return false;
        }
    }

    private void send() {
        if (wanted.getAndIncrement() == 0) {
            drain();
        }
    }

    void close() {
        closed = true;
        wake();
    }

    private void drain() {
        int turns = 0;
        int seen = wanted.get();
        while (true) {
            // The pause is asked for here too: what others add while a frame is being sent has to gather as well.
            while (!closed && !queue.isEmpty() && stream.isReady() && !pause()) {
                if (++turns > FRAMES_PER_TURN) {
                    pool.execute(this::drain);
                    return;
                }
                sendFrame();
            }
            if (closed) {
                drop();
            }
            int left = wanted.addAndGet(-seen);
            if (left == 0) {
                return;
            }
            seen = left;
        }
    }

    private void sendFrame() {
        Envelope.Builder frame = Envelope.newBuilder();
        int bytes = 0;
        Call next;
        while (bytes < FRAME_BYTES && frame.getCallsCount() < FRAME_CALLS && (next = take()) != null) {
            bytes += next.getSerializedSize();
            frame.addCalls(next);
        }
        if (frame.getCallsCount() == 0) {
            return;
        }
        lastFrameNanos = nanoClock.getAsLong();
        metrics.frames.increment();
        metrics.callsPerFrame.record(frame.getCallsCount());
        try {
            stream.onNext(frame.build());
        } catch (RuntimeException e) {
            // The stream has just ended; its owner is told by its own callback and fails what waits for answers.
            closed = true;
        }
    }

    private @Nullable Call take() {
        Call call = queue.poll();
        if (call != null) {
            int size = call.getSerializedSize() + 16;
            queuedBytes.addAndGet(-size);
            metrics.queuedBytes.addAndGet(-size);
        }
        return call;
    }

    private void drop() {
        while (take() != null) {
            // Only counted down: whoever waits for an answer is told by the stream's owner.
        }
    }
}
