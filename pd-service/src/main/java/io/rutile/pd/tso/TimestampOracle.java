package io.rutile.pd.tso;

import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The timestamps of one term of leading: strictly increasing, all at or after the floor it began with and all before the
 * limit that was saved. Follows the wall clock forward; when the clock goes back it stays and counts on.
 *
 * <p>Lock-free; one compare-and-set for a whole batch.
 */
public final class TimestampOracle {

    private final InstantSource clock;
    /** The last timestamp handed out. */
    private final AtomicLong last;
    /** handed out physical < limitMs, always. */
    private volatile long limitMs;

    /** @param floorMs no timestamp before this millisecond; nothing is handed out until {@link #allowUntil} */
    TimestampOracle(InstantSource clock, long floorMs) {
        this.clock = clock;
        this.last = new AtomicLong(TimeStamp.of(floorMs, 0).value() - 1);
        this.limitMs = floorMs;
    }

    /**
     * Takes {@code count} consecutive timestamps of one millisecond.
     *
     * @param count 1 to 2^18
     * @return the last of them, or empty if the window must be extended first
     */
    public Optional<TimeStamp> next(int count) {
        if (count < 1 || count > TimeStamp.LOGICAL_COUNT) {
            throw new IllegalArgumentException("count must be 1 to " + TimeStamp.LOGICAL_COUNT + ", not " + count);
        }
        while (true) {
            long before = last.get();
            long first = Math.max(before + 1, clock.millis() << TimeStamp.LOGICAL_BITS);
            if (logical(first) + count > TimeStamp.LOGICAL_COUNT) {
                // A client counts back from the last one, so a batch never spans two milliseconds.
                first = (physical(first) + 1) << TimeStamp.LOGICAL_BITS;
            }
            if (physical(first) >= limitMs) {
                return Optional.empty();
            }
            long taken = first + count - 1;
            if (last.compareAndSet(before, taken)) {
                return Optional.of(new TimeStamp(taken));
            }
        }
    }

    /** The millisecond that the next timestamp would have: the clock, or later if the clock is behind. */
    long nowMs() {
        return Math.max(clock.millis(), physical(last.get() + 1));
    }

    Duration aheadOfClock() {
        return Duration.ofMillis(Math.max(0, physical(last.get() + 1) - clock.millis()));
    }

    long limitMs() {
        return limitMs;
    }

    /** Only after this limit is durable (T1); a lower one than before changes nothing. Called by one thread at a time. */
    void allowUntil(long savedMs) {
        limitMs = Math.max(limitMs, savedMs);
    }

    private static long physical(long timestamp) {
        return timestamp >>> TimeStamp.LOGICAL_BITS;
    }

    private static long logical(long timestamp) {
        return timestamp & (TimeStamp.LOGICAL_COUNT - 1);
    }
}
