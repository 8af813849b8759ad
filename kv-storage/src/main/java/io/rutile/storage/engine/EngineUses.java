package io.rutile.storage.engine;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts who works with native handles right now, so that closing an engine never frees what somebody still reads: a use after
 * free would take the process down, not throw. Safe from every thread, never blocks but in {@link #closeAndAwait}.
 */
final class EngineUses {

    private static final long CLOSED = Long.MIN_VALUE;

    /** Number of uses, with the sign bit set once closed. */
    private final AtomicLong state = new AtomicLong();

    private final CountDownLatch drained = new CountDownLatch(1);

    /** @throws EngineException {@code CLOSED} */
    void enter() {
        if (state.incrementAndGet() < 0) {
            exit();
            throw new EngineException(EngineException.Kind.CLOSED, "the engine is closed", null);
        }
    }

    void exit() {
        if (state.decrementAndGet() == CLOSED) {
            drained.countDown();
        }
    }

    boolean isClosed() {
        return state.get() < 0;
    }

    /**
     * Lets nobody in any more.
     *
     * @return true once nobody is inside, false if some still are after {@code patience}
     */
    boolean closeAndAwait(Duration patience) {
        if (state.getAndUpdate(s -> s | CLOSED) == 0) {
            drained.countDown();
        }
        try {
            return drained.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Uses still open. */
    long count() {
        return state.get() & ~CLOSED;
    }
}
