package io.rutile.protocol;

/**
 * A timestamp of the oracle: milliseconds since the epoch in the upper bits, a logical counter in the lower 18.
 *
 * @param value the 64 bits as they travel on the wire; compare them unsigned
 */
public record TimeStamp(long value) implements Comparable<TimeStamp> {

    /** Bits of the logical part. */
    public static final int LOGICAL_BITS = 18;

    /** How many timestamps one physical millisecond holds. */
    public static final long LOGICAL_COUNT = 1L << LOGICAL_BITS;

    public static final TimeStamp ZERO = new TimeStamp(0);

    /** 2^64-1: "the newest there is" for point reads. */
    public static final TimeStamp MAX = new TimeStamp(-1L);

    /**
     * @param physicalMs milliseconds since the epoch, at most 2^46-1
     * @param logical 0 to 2^18-1
     */
    public static TimeStamp of(long physicalMs, long logical) {
        if (physicalMs < 0 || physicalMs >= 1L << (64 - LOGICAL_BITS)) {
            throw new IllegalArgumentException("physical part out of range: " + physicalMs);
        }
        if (logical < 0 || logical >= LOGICAL_COUNT) {
            throw new IllegalArgumentException("logical part out of range: " + logical);
        }
        return new TimeStamp(physicalMs << LOGICAL_BITS | logical);
    }

    /** Milliseconds since the epoch. */
    public long physicalMs() {
        return value >>> LOGICAL_BITS;
    }

    public long logical() {
        return value & (LOGICAL_COUNT - 1);
    }

    @Override
    public int compareTo(TimeStamp other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toUnsignedString(value);
    }
}
