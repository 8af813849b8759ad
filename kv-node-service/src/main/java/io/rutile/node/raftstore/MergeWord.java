package io.rutile.node.raftstore;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a replica says to its leader once it is prepared for a merge, durably. It goes the way of {@link ReadQuestion}, which a protobuf
 * message begins; the first byte here can't begin one.
 *
 * @param index of the prepare entry
 * @param peerId who says so
 */
record MergeWord(long index, long peerId) {

    /** Wire type 7 doesn't exist. */
    private static final byte MARK = 0x0f;

    private static final int BYTES = 1 + 2 * Long.BYTES;

    byte[] encode() {
        return ByteBuffer.allocate(BYTES)
                .put(MARK)
                .putLong(index)
                .putLong(peerId)
                .array();
    }

    /** Null if these bytes are something else. */
    static @Nullable MergeWord decode(byte[] bytes) {
        return bytes.length == BYTES && bytes[0] == MARK
                ? new MergeWord(
                        ByteBuffer.wrap(bytes).getLong(1),
                        ByteBuffer.wrap(bytes).getLong(1 + Long.BYTES))
                : null;
    }
}
