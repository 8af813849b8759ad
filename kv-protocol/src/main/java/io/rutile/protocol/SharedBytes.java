package io.rutile.protocol;

import com.google.protobuf.ByteOutput;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the bytes out of a message without a copy. A field of a message that came over the wire has an array of its own, and the message is
 * thrown away: neither side may change the array, as with {@link ByteKey#wrap}.
 */
public final class SharedBytes extends ByteOutput {

    private static final byte[] NONE = {};

    private byte @Nullable [] array;

    private SharedBytes() {}

    /** The bytes, shared if they are the whole of an array, or else a copy. */
    public static byte[] of(ByteString bytes) {
        if (bytes.isEmpty()) {
            return NONE;
        }
        SharedBytes shown = new SharedBytes();
        try {
            UnsafeByteOperations.unsafeWriteTo(bytes, shown);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory doesn't fail
        }
        byte[] whole = shown.array;
        return whole != null && whole.length == bytes.size() ? whole : bytes.toByteArray();
    }

    /** Bytes that are shown in several pieces are no array: each is shorter than all of them. */
    @Override
    public void writeLazy(byte[] bytes, int offset, int length) {
        array = length == bytes.length ? bytes : null;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        array = null;
    }

    @Override
    public void write(byte single) {
        array = null;
    }

    @Override
    public void write(ByteBuffer bytes) {
        array = null;
    }

    @Override
    public void writeLazy(ByteBuffer bytes) {
        array = null;
    }
}
