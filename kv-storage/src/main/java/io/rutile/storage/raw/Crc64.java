package io.rutile.storage.raw;

/** CRC-64/XZ: ECMA-182's polynomial, reflected, all ones at both ends. Not thread-safe. */
final class Crc64 {

    private static final long POLYNOMIAL = 0xC96C5795D7870F42L;
    private static final int SLICES = 8;
    private static final long[][] TABLES = tables();

    private long state = -1;

    Crc64 update(byte[] bytes) {
        long crc = state;
        int at = 0;
        for (; at + SLICES <= bytes.length; at += SLICES) {
            long next = 0;
            for (int i = 0; i < SLICES; i++) {
                int b = bytes[at + i] ^ (int) (crc >>> (8 * i));
                next ^= TABLES[SLICES - 1 - i][b & 0xFF];
            }
            crc = next;
        }
        for (; at < bytes.length; at++) {
            crc = TABLES[0][(int) (crc ^ bytes[at]) & 0xFF] ^ (crc >>> 8);
        }
        state = crc;
        return this;
    }

    long value() {
        return ~state;
    }

    /** {@code TABLES[n][b]}: what byte {@code b} does to the sum with {@code n} zero bytes behind it. */
    private static long[][] tables() {
        long[][] tables = new long[SLICES][256];
        for (int b = 0; b < 256; b++) {
            long crc = b;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) != 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
            }
            tables[0][b] = crc;
        }
        for (int n = 1; n < SLICES; n++) {
            for (int b = 0; b < 256; b++) {
                long before = tables[n - 1][b];
                tables[n][b] = tables[0][(int) before & 0xFF] ^ (before >>> 8);
            }
        }
        return tables;
    }
}
