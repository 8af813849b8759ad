package io.rutile.storage.mvcc;

import com.google.protobuf.ByteString;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.MemComparable;
import java.util.Arrays;

/**
 * A transactional key in both its forms: as the user says it, and memcomparable as it is stored, split and routed by.
 *
 * <p>A version of a key is stored under {@code encoded ++ big-endian(~timestamp)}, so that newer versions come first
 * (docs/formats/mvcc.md). The encoding is prefix-free: no version of one key lies between versions of another.
 */
public final class MvccKey {

    private static final int TS_BYTES = Long.BYTES;

    private final ByteKey user;
    private final ByteKey encoded;

    private MvccKey(ByteKey user, ByteKey encoded) {
        this.user = user;
        this.encoded = encoded;
    }

    public static MvccKey of(ByteKey user) {
        return new MvccKey(user, ByteKey.wrap(MemComparable.encode(user.bytes())));
    }

    public static MvccKey of(ByteString user) {
        return of(ByteKey.of(user));
    }

    /** @throws IllegalArgumentException if the bytes are no memcomparable encoding */
    public static MvccKey ofEncoded(byte[] encoded) {
        return new MvccKey(ByteKey.wrap(MemComparable.decode(encoded)), ByteKey.wrap(encoded));
    }

    /** The key of a record in the write or default column family. */
    public static MvccKey ofVersion(byte[] versionKey) {
        return ofEncoded(Arrays.copyOf(versionKey, versionKey.length - TS_BYTES));
    }

    public ByteKey user() {
        return user;
    }

    public ByteKey encoded() {
        return encoded;
    }

    /** Where its version of that timestamp is stored. */
    public byte[] at(long ts) {
        byte[] bytes = encoded.bytes();
        byte[] key = Arrays.copyOf(bytes, bytes.length + TS_BYTES);
        long inverse = ~ts;
        for (int i = 0; i < TS_BYTES; i++) {
            key[bytes.length + i] = (byte) (inverse >>> (TS_BYTES - 1 - i) * Byte.SIZE);
        }
        return key;
    }

    /** True if that is the stored key of one of its versions. */
    public boolean holds(byte[] versionKey) {
        byte[] bytes = encoded.bytes();
        return versionKey.length == bytes.length + TS_BYTES
                && Arrays.equals(versionKey, 0, bytes.length, bytes, 0, bytes.length);
    }

    /** The timestamp of a version's stored key. */
    public static long tsOf(byte[] versionKey) {
        long inverse = 0;
        for (int i = versionKey.length - TS_BYTES; i < versionKey.length; i++) {
            inverse = inverse << Byte.SIZE | versionKey[i] & 0xFF;
        }
        return ~inverse;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof MvccKey that && encoded.equals(that.encoded);
    }

    @Override
    public int hashCode() {
        return encoded.hashCode();
    }

    /** Hex of the user's key. */
    @Override
    public String toString() {
        return user.toString();
    }
}
