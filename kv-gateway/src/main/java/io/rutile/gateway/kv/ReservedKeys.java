package io.rutile.gateway.kv;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;

/**
 * Keys of transactions that belong to the gateway itself: the last ones, from four bytes {@code ff} on. Callers can't name them, and their
 * scans end before them. Raw data has none.
 */
public final class ReservedKeys {

    /** The first of them. */
    public static final ByteKey FIRST = ByteKey.wrap(new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff});

    private ReservedKeys() {}

    public static boolean contains(ByteKey key) {
        return key.compareTo(FIRST) >= 0;
    }

    /** What of a range is the callers'. */
    public static KeyRange outside(KeyRange range) {
        if (range.start().compareTo(FIRST) >= 0) {
            return new KeyRange(FIRST, FIRST);
        }
        boolean within = !range.end().isEmpty() && range.end().compareTo(FIRST) <= 0;
        return within ? range : new KeyRange(range.start(), FIRST);
    }
}
