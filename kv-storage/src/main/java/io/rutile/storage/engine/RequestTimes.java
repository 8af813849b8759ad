package io.rutile.storage.engine;

import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Where one request has spent its time, in nanoseconds: filled by whoever it waits for, told when it was slow, and told at once to whoever
 * traces it. What is done twice, as when a write is proposed again, adds up.
 *
 * <p>One room at a time has the request, and the futures between them order their writes. Who gives up at the deadline reads while somebody may
 * still write, and tells of a moment ago.
 */
public final class RequestTimes implements LongConsumer {

    /** What a request spends its time on. */
    public enum Phase {
        /** Waiting for latches. */
        LATCH,
        /** Waiting for a thread that reads. */
        QUEUE,
        /** Waiting for a snapshot. */
        SNAPSHOT,
        /** Reading, and deciding on what was read. */
        READ,
        /** From the proposal to the commit. */
        COMMIT,
        /** From the commit until it is applied. */
        APPLY
    }

    /** Hears of a traced request's phases. */
    public interface Listener {

        /**
         * A phase is over. Called on the thread that ended it, also after the request was given up.
         *
         * @param endedNanos on the monotonic clock
         */
        void over(Phase phase, long tookNanos, long endedNanos);
    }

    private final @Nullable Listener listener;
    private long latchNanos;
    private long queueNanos;
    private long snapshotNanos;
    private long readNanos;
    private long commitNanos;
    private long applyNanos;
    /** When the phase began that goes on now: proposed, then committed. */
    private long sinceNanos;
    /** Whether that is the second one. */
    private boolean committed;

    public RequestTimes() {
        this(null);
    }

    /** @param listener of a request that is traced */
    public RequestTimes(@Nullable Listener listener) {
        this.listener = listener;
    }

    /** Waited for latches until now. */
    public void latched(long nanos) {
        latchNanos += nanos;
        tell(Phase.LATCH, nanos);
    }

    /** Waited until now for a thread that reads. */
    public void queued(long nanos) {
        queueNanos += nanos;
        tell(Phase.QUEUE, nanos);
    }

    /** Waited until now for a snapshot: a leader, a proof of the lease, an index to be applied. */
    public void snapshot(long nanos) {
        snapshotNanos += nanos;
        tell(Phase.SNAPSHOT, nanos);
    }

    /** Read until now, and decided on what was read. */
    public void read(long nanos) {
        readNanos += nanos;
        tell(Phase.READ, nanos);
    }

    /** @param nowNanos the entry is handed to the log */
    public void proposed(long nowNanos) {
        sinceNanos = nowNanos;
        committed = false;
    }

    /** @param nowNanos the entry is committed, and a state machine begins to apply it */
    @Override
    public void accept(long nowNanos) {
        long tookNanos = nowNanos - sinceNanos;
        commitNanos += tookNanos;
        sinceNanos = nowNanos;
        committed = true;
        tell(Phase.COMMIT, tookNanos, nowNanos);
    }

    /** @param nowNanos the entry is applied, or will not be: then it has waited for its commit in vain */
    public void applied(long nowNanos) {
        if (!committed) {
            accept(nowNanos);
            return;
        }
        long tookNanos = nowNanos - sinceNanos;
        applyNanos += tookNanos;
        tell(Phase.APPLY, tookNanos, nowNanos);
    }

    private void tell(Phase phase, long tookNanos) {
        if (listener != null) {
            listener.over(phase, tookNanos, System.nanoTime());
        }
    }

    private void tell(Phase phase, long tookNanos, long endedNanos) {
        if (listener != null) {
            listener.over(phase, tookNanos, endedNanos);
        }
    }

    public long latchNanos() {
        return latchNanos;
    }

    public long queueNanos() {
        return queueNanos;
    }

    public long snapshotNanos() {
        return snapshotNanos;
    }

    public long readNanos() {
        return readNanos;
    }

    /** From the proposal to the commit. */
    public long commitNanos() {
        return commitNanos;
    }

    /** From the commit until it is applied here. */
    public long applyNanos() {
        return applyNanos;
    }
}
