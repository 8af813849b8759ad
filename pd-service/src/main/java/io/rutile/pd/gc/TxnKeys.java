package io.rutile.pd.gc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import java.util.Arrays;

/**
 * Between keys as clients of transactions write them and places among Region borders, which are memcomparable. A border need
 * not be an encoding itself: where raw data lies, Regions are split at raw keys.
 */
final class TxnKeys {

    private static final int GROUP = 8;
    private static final int MARKER_EMPTY = 0xFF - GROUP;

    private TxnKeys() {}

    /** Where the key is among Region borders. */
    static ByteKey place(byte[] key) {
        return ByteKey.wrap(MemComparable.encode(key));
    }

    /**
     * The smallest key whose place is at or after the border: keys of {@code [atOrAfter(start), atOrAfter(end))} are exactly
     * those that lie in a Region {@code [start, end)}.
     */
    static ByteKey atOrAfter(ByteKey border) {
        byte[] bytes = border.bytes();
        byte[] key = new byte[bytes.length + GROUP];
        int length = 0;
        int from = 0;
        // Full groups that another one follows.
        while (from + GROUP < bytes.length && (bytes[from + GROUP] & 0xFF) == 0xFF) {
            System.arraycopy(bytes, from, key, length, GROUP);
            length += GROUP;
            from += GROUP + 1;
        }
        // The group where the key ends, padded by zeros: as few of its bytes as reach the border.
        int present = Math.min(GROUP, bytes.length - from);
        System.arraycopy(bytes, from, key, length, present);
        int counted = present;
        while (counted > 0 && bytes[from + counted - 1] == 0) {
            counted--;
        }
        if (from + GROUP < bytes.length) {
            counted = Math.max(counted, (bytes[from + GROUP] & 0xFF) - MARKER_EMPTY);
            // What stands behind the marker is beyond every key that ends here.
            if (from + GROUP + 1 < bytes.length && counted <= (bytes[from + GROUP] & 0xFF) - MARKER_EMPTY) {
                counted++;
            }
        }
        return ByteKey.wrap(Arrays.copyOf(key, length + counted));
    }
}
