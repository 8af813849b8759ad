package io.rutile.storage.command;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes that may be on their way at a time. Safe from every thread. */
final class ByteBudget {

    private final long bytesMax;
    private final AtomicLong bytes = new AtomicLong();

    ByteBudget(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** One command always fits, however large: its own limit is elsewhere. */
    boolean tryTake(long more) {
        for (long now = bytes.get(); ; now = bytes.get()) {
            if (now > 0 && now + more > bytesMax) {
                return false;
            }
            if (bytes.compareAndSet(now, now + more)) {
                return true;
            }
        }
    }

    void giveBack(long taken) {
        long left = bytes.addAndGet(-taken);
        assert left >= 0;
    }

    long taken() {
        return bytes.get();
    }
}
