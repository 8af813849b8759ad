package io.rutile.cli.bench.load;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The clock of a load; another one in tests. */
interface Time {

    Time SYSTEM = new Time() {
        @Override
        public long nanos() {
            return System.nanoTime();
        }

        @Override
        public void awaitNanos(long deadlineNanos) throws InterruptedException {
            // No spinning: the processors belong to the servers too. A park wakes up to 0.1 ms late, which the latency
            // then contains.
            for (long left; (left = deadlineNanos - System.nanoTime()) > 0; ) {
                LockSupport.parkNanos(Math.min(left, TimeUnit.SECONDS.toNanos(1)));
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        }
    };

    long nanos();

    /** Returns at that moment or later. */
    void awaitNanos(long deadlineNanos) throws InterruptedException;
}
