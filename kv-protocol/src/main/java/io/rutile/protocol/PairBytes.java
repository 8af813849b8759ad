package io.rutile.protocol;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import io.rutile.protocol.kvrpcpb.KvPair;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The pairs of a scan's answer, which are bytes of its message from the moment they are found: a page has a thousand of them, and none
 * becomes an object. One thread.
 */
public final class PairBytes {

    /** Also {@code kvs} of RawBatchScanResponse and {@code pairs} of ScanResponse. */
    private static final int PAIRS = RawScanResponse.KVS_FIELD_NUMBER;

    /** Tag and length of a pair, of its key and of its value. */
    private static final int HEADERS_BYTES_MAX = 3 * (1 + 5);

    private static final int CHUNK_BYTES_MIN = 4 << 10;

    /** Chunks grow up to that: what is written is never moved, and little is left over of the last one. */
    private static final int CHUNK_BYTES_MAX = 64 << 10;

    private final List<ByteString> full = new ArrayList<>();
    private byte[] chunk = {};
    private CodedOutputStream out = CodedOutputStream.newInstance(chunk);
    private int count;

    /** Copies a key and a value, which begin their arrays. */
    public void add(byte[] key, int keyBytes, byte[] value, int valueBytes) {
        makeRoom((long) HEADERS_BYTES_MAX + keyBytes + valueBytes);
        try {
            out.writeTag(PAIRS, WireFormat.WIRETYPE_LENGTH_DELIMITED);
            out.writeUInt32NoTag(fieldBytes(keyBytes) + fieldBytes(valueBytes));
            if (keyBytes > 0) {
                out.writeByteArray(KvPair.KEY_FIELD_NUMBER, key, 0, keyBytes);
            }
            if (valueBytes > 0) {
                out.writeByteArray(KvPair.VALUE_FIELD_NUMBER, value, 0, valueBytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory doesn't fail
        }
        count++;
    }

    /** A pair that says more than key and value. */
    public void add(KvPair pair) {
        makeRoom((long) HEADERS_BYTES_MAX + pair.getSerializedSize());
        try {
            out.writeMessage(PAIRS, pair);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory doesn't fail
        }
        count++;
    }

    public int count() {
        return count;
    }

    /** An empty field is left out, as everywhere in proto3. */
    private static int fieldBytes(int bytes) {
        return bytes == 0 ? 0 : 1 + CodedOutputStream.computeUInt32SizeNoTag(bytes) + bytes;
    }

    private void makeRoom(long bytes) {
        if (out.spaceLeft() >= bytes) {
            return;
        }
        int next = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, 2 * chunk.length));
        endChunk();
        chunk = new byte[Math.toIntExact(Math.max(next, bytes))];
        out = CodedOutputStream.newInstance(chunk);
    }

    private void endChunk() {
        int written = chunk.length - out.spaceLeft();
        if (written > 0) {
            full.add(UnsafeByteOperations.unsafeWrap(chunk, 0, written));
        }
    }

    /**
     * The answer that has these pairs and nothing else. Called once, when all are there.
     *
     * @param kind of a scan's answer
     */
    public Message toMessage(Message kind) {
        endChunk();
        return new PairsMessage(kind.getDefaultInstanceForType(), ByteString.copyFrom(full));
    }
}
