package io.rutile.gateway.kv;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.Arrays;

/** The range of the keys that begin alike. */
public final class PrefixRange {

    private PrefixRange() {}

    /** Every key that begins so; all keys if the prefix is empty. */
    public static KeyRange of(ByteKey prefix) {
        return new KeyRange(prefix, behind(prefix));
    }

    /** The smallest key behind all that begin with the prefix; empty if none is. */
    private static ByteKey behind(ByteKey prefix) {
        byte[] bytes = prefix.bytes();
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == (byte) 0xff) {
            length--;
        }
        byte[] behind = Arrays.copyOf(bytes, length);
        if (length > 0) {
            behind[length - 1]++;
        }
        return ByteKey.wrap(behind);
    }
}
