package io.rutile.protocol;

/**
 * The order-preserving, self-delimiting byte encoding of TiKV's transactional keys and Region borders.
 *
 * <pre>
 * encoded := group* last
 * group   := 8 bytes of the key, 0xFF
 * last    := 0 to 7 bytes of the key, zero padding up to 8 bytes, 0xFF - (number of padding bytes)
 * </pre>
 *
 * A key whose length is a multiple of 8 ends in a group of padding alone, so that no encoding is a prefix of another.
 */
public final class MemComparable {

    private static final int GROUP = 8;
    private static final int MARKER = 0xFF;

    private MemComparable() {}

    /** Length of {@link #encode} for a key of this length. */
    public static int encodedLength(int keyLength) {
        return (keyLength / GROUP + 1) * (GROUP + 1);
    }

    public static byte[] encode(byte[] key) {
        byte[] encoded = new byte[encodedLength(key.length)];
        int to = 0;
        for (int from = 0; from <= key.length; from += GROUP) {
            int n = Math.min(GROUP, key.length - from);
            System.arraycopy(key, from, encoded, to, n);
            encoded[to + GROUP] = (byte) (MARKER - (GROUP - n));
            to += GROUP + 1;
        }
        return encoded;
    }

    /**
     * @throws IllegalArgumentException if the bytes are not exactly one encoding
     */
    public static byte[] decode(byte[] encoded) {
        byte[] key = new byte[decodedLength(encoded, encoded.length)];
        decode(encoded, encoded.length, key);
        return key;
    }

    /**
     * Decodes what an array begins with.
     *
     * @param key where to; as large as the key, and may be the same array
     * @return length of the key
     * @throws IllegalArgumentException if the bytes are not exactly one encoding
     */
    public static int decode(byte[] encoded, int length, byte[] key) {
        int decoded = decodedLength(encoded, length);
        int lastGroup = length - (GROUP + 1);
        int inLastGroup = decoded % GROUP;
        for (int i = inLastGroup; i < GROUP; i++) {
            if (encoded[lastGroup + i] != 0) {
                throw malformed(length);
            }
        }
        int to = 0;
        for (int from = 0; from < lastGroup; from += GROUP + 1) {
            if ((encoded[from + GROUP] & 0xFF) != MARKER) {
                throw malformed(length);
            }
            System.arraycopy(encoded, from, key, to, GROUP);
            to += GROUP;
        }
        System.arraycopy(encoded, lastGroup, key, to, inLastGroup);
        return decoded;
    }

    private static int decodedLength(byte[] encoded, int length) {
        if (length == 0 || length % (GROUP + 1) != 0) {
            throw malformed(length);
        }
        int padding = MARKER - (encoded[length - 1] & 0xFF);
        if (padding == 0 || padding > GROUP) {
            throw malformed(length);
        }
        return length / (GROUP + 1) * GROUP - padding;
    }

    private static IllegalArgumentException malformed(int bytes) {
        return new IllegalArgumentException("not a memcomparable encoding: " + bytes + " bytes");
    }
}
