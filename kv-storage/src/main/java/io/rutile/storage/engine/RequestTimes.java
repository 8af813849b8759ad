package io.rutile.storage.engine;

import java.util.function.LongConsumer;

/**
 * Where one request has spent its time, in nanoseconds: filled by whoever it waits for, told when it was slow. What is done twice, as when
 * a write is proposed again, adds up.
 *
 * <p>One room at a time has the request, and the futures between them order their writes. Who gives up at the deadline reads while somebody may
 * still write, and tells of a moment ago.
 */
public final class RequestTimes implements LongConsumer {

    private long latchNanos;
    private long queueNanos;
    private long snapshotNanos;
    private long readNanos;
    private long commitNanos;
    private long applyNanos;
    /** When the phase began that goes on now: proposed, then committed. */
    private long sinceNanos;

    /** Waited for latches. */
    public void latched(long nanos) {
        latchNanos += nanos;
    }

    /** Waited for a thread that reads. */
    public void queued(long nanos) {
        queueNanos += nanos;
    }

    /** Waited for a snapshot: a leader, a proof of the lease, an index to be applied. */
    public void snapshot(long nanos) {
        snapshotNanos += nanos;
    }

    /** Read, and decided on what was read. */
    public void read(long nanos) {
        readNanos += nanos;
    }

    /** @param nowNanos the entry is handed to the log */
    public void proposed(long nowNanos) {
        sinceNanos = nowNanos;
    }

    /** @param nowNanos the entry is committed, and a state machine begins to apply it */
    @Override
    public void accept(long nowNanos) {
        commitNanos += nowNanos - sinceNanos;
        sinceNanos = nowNanos;
    }

    /** @param nowNanos the entry is applied */
    public void applied(long nowNanos) {
        applyNanos += nowNanos - sinceNanos;
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
