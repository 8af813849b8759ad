package io.rutile.raft.image;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * Keeps the images that a store sends, all together, to a number of bytes a second. Whoever has sent something waits until it would
 * have taken that long; a sender that was idle gains nothing by it. Safe from any thread.
 */
final class ImagePace {

    private final long bytesPerSecondMax;
    private final LongSupplier nanoClock;
    /** When everything that was sent so far may have been sent. Guarded by this. */
    private long dueNanos;

    /** @param bytesPerSecondMax 0 for no limit */
    ImagePace(long bytesPerSecondMax, LongSupplier nanoClock) {
        this.bytesPerSecondMax = bytesPerSecondMax;
        this.nanoClock = nanoClock;
        this.dueNanos = nanoClock.getAsLong();
    }

    /** Returns when the next bytes may be sent, or the thread is interrupted. */
    void sent(int bytes) {
        long waitNanos = owed(bytes);
        long begunNanos = System.nanoTime();
        long left;
        while ((left = waitNanos - (System.nanoTime() - begunNanos)) > 0
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, left);
        }
    }

    /** Nanoseconds from now on until these bytes, and those before them, are within the limit. */
    synchronized long owed(int bytes) {
        if (bytesPerSecondMax == 0) {
            return 0;
        }
        long now = nanoClock.getAsLong();
        if (dueNanos - now < 0) {
            dueNanos = now;
        }
        dueNanos += (long) (bytes * (double) TimeUnit.SECONDS.toNanos(1) / bytesPerSecondMax);
        return dueNanos - now;
    }
}
