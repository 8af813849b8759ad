package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.Arrays;

/** What keys an engine holds, and the one that lies behind all of them. */
final class EngineKeys {

    /**
     * Longest key that an engine takes: a client's 8 KiB in the memcomparable encoding with a timestamp behind it, and room to
     * spare.
     */
    static final int BYTES_MAX = 10 << 10;

    /**
     * Greater than every key that an engine takes. RocksDB knows no open upper end of a range tombstone, so this long key stands
     * for infinity; it is rare, for only the last Region can ask for it.
     */
    private static final byte[] BEHIND_ALL = behindAll();

    private EngineKeys() {}

    /** The upper end that RocksDB is told. Shared: not to be changed. */
    static byte[] upperEnd(byte[] end) {
        return end.length == 0 ? BEHIND_ALL : end;
    }

    static void check(int keyBytes) {
        if (keyBytes > BYTES_MAX) {
            throw new IllegalArgumentException("key of " + keyBytes + " bytes is longer than " + BYTES_MAX);
        }
    }

    static KeyRange intersection(KeyRange a, KeyRange b) {
        ByteKey start = a.start().compareTo(b.start()) >= 0 ? a.start() : b.start();
        if (a.end().isEmpty() || b.end().isEmpty()) {
            return new KeyRange(start, a.end().isEmpty() ? b.end() : a.end());
        }
        return new KeyRange(start, a.end().compareTo(b.end()) <= 0 ? a.end() : b.end());
    }

    private static byte[] behindAll() {
        byte[] key = new byte[BYTES_MAX + 1];
        Arrays.fill(key, (byte) 0xFF);
        return key;
    }
}
