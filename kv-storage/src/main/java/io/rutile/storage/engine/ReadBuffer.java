package io.rutile.storage.engine;

import java.util.Arrays;

/**
 * Bytes of a key or a value that a walk looks at and passes on: the next ones take their place, in the same array if they fit. One thread.
 */
public final class ReadBuffer {

    /** A walk over small pairs grows it no more. */
    private static final int BYTES = 256;

    private byte[] array = new byte[BYTES];
    private int length;

    /** What begins with the bytes; another one after each read. */
    public byte[] array() {
        return array;
    }

    public int length() {
        return length;
    }

    public byte[] copy() {
        return Arrays.copyOf(array, length);
    }

    public void set(byte[] bytes) {
        resize(bytes.length);
        System.arraycopy(bytes, 0, array, 0, bytes.length);
    }

    /** What it held is lost if there was no room. @return whether there was */
    boolean resize(int bytes) {
        boolean fits = bytes <= array.length;
        if (!fits) {
            array = new byte[Math.max(bytes, 2 * array.length)];
        }
        length = bytes;
        return fits;
    }
}
