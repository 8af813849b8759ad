package io.rutile.client.region;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.Arrays;

/**
 * A place in the key space that exactly one Region owns.
 *
 * @param key a key
 * @param below false for the key itself; true for the keys right below it, where an empty key means "above every key"
 */
public record Anchor(ByteKey key, boolean below) {

    /**
     * Greater than every key that a store takes: one byte longer than the longest, and every byte the greatest. A reverse scan of
     * the last Region begins here, because on the wire an empty start is "nothing is below it", not infinity.
     */
    public static final ByteKey ABOVE_ALL = aboveAll();

    private static ByteKey aboveAll() {
        byte[] bytes = new byte[WireLimits.KEY_BYTES_MAX + 1];
        Arrays.fill(bytes, (byte) 0xFF);
        return ByteKey.wrap(bytes);
    }

    public static Anchor at(ByteKey key) {
        return new Anchor(key, false);
    }

    public static Anchor below(ByteKey key) {
        return new Anchor(key, true);
    }
}
