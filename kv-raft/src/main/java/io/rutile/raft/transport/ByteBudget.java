package io.rutile.raft.transport;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How many bytes of one purpose may be in memory at once. What goes beyond it is refused, not queued: whoever is refused tries again
 * later, and the memory of a store does not depend on how many groups it has, nor on how slow another store is. Safe from any thread.
 */
public final class ByteBudget {

    private final long bytesMax;
    private final AtomicLong taken = new AtomicLong();

    public ByteBudget(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** False if that would be too much; a single one may be larger than the whole budget, alone. */
    public boolean take(long bytes) {
        while (true) {
            long now = taken.get();
            if (now > 0 && now + bytes > bytesMax) {
                return false;
            }
            if (taken.compareAndSet(now, now + bytes)) {
                return true;
            }
        }
    }

    /** What was taken before. */
    public void giveBack(long bytes) {
        taken.addAndGet(-bytes);
    }

    public long taken() {
        return taken.get();
    }

    public long bytesMax() {
        return bytesMax;
    }
}
