package io.rutile.storage.mvcc;

import io.rutile.protocol.TimeStamp;

/**
 * Arithmetic on timestamps as they travel on the wire: 64 unsigned bits in a {@code long}. Every comparison goes through here, for
 * {@code <} on a {@code long} is wrong from 2^63 on.
 */
public final class Ts {

    /** 2^64-1: "the newest there is"; no transaction has it. */
    public static final long MAX = -1L;

    private Ts() {}

    public static boolean isAfter(long a, long b) {
        return Long.compareUnsigned(a, b) > 0;
    }

    public static boolean isBefore(long a, long b) {
        return Long.compareUnsigned(a, b) < 0;
    }

    public static long max(long a, long b) {
        return isAfter(a, b) ? a : b;
    }

    /** Milliseconds since the epoch. */
    public static long physicalMs(long ts) {
        return ts >>> TimeStamp.LOGICAL_BITS;
    }

    public static String text(long ts) {
        return Long.toUnsignedString(ts);
    }
}
