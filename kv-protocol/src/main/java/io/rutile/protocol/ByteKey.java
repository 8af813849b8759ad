package io.rutile.protocol;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * An immutable key, ordered as unsigned bytes. The empty key is the smallest; where it closes a range it means "no upper end".
 *
 * <p>The array given to {@link #wrap} and returned by {@link #bytes} is shared, not copied: neither side may change it.
 */
public final class ByteKey implements Comparable<ByteKey> {

    public static final ByteKey EMPTY = new ByteKey(new byte[0]);

    private final byte[] bytes;

    private ByteKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Takes over the array; the caller gives up the right to change it. */
    public static ByteKey wrap(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new ByteKey(bytes);
    }

    /** Shares the array of a field that came over the wire ({@link SharedBytes}). */
    public static ByteKey of(ByteString bytes) {
        return wrap(SharedBytes.of(bytes));
    }

    /** The bytes themselves, not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    /** The same bytes as a ByteString, without a copy. */
    public ByteString toByteString() {
        return UnsafeByteOperations.unsafeWrap(bytes);
    }

    public boolean isEmpty() {
        return bytes.length == 0;
    }

    /** The smallest key that is greater than this one. */
    public ByteKey next() {
        return new ByteKey(Arrays.copyOf(bytes, bytes.length + 1));
    }

    @Override
    public int compareTo(ByteKey other) {
        return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ByteKey that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Upper-case hex: for Region borders and errors. User keys are redacted before they reach a log (E3). */
    @Override
    public String toString() {
        return HexFormat.of().withUpperCase().formatHex(bytes);
    }
}
