package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Changes that take effect together, in the order in which they were added. Collects; never writes. Keys and values are
 * shared, not copied. Not thread-safe.
 */
public final class WriteBatch {

    /** One change. */
    public sealed interface Op {
        Cf cf();
    }

    @SuppressWarnings("ArrayRecordComponent") // never compared as a record
    public record Put(Cf cf, ByteKey key, byte[] value) implements Op {}

    public record Delete(Cf cf, ByteKey key) implements Op {}

    /** Deletes {@code [start, end)}; an empty end means every key from {@code start} on. */
    public record DeleteRange(Cf cf, ByteKey start, ByteKey end) implements Op {}

    private final List<Op> ops = new ArrayList<>();
    private long sizeBytes;

    public WriteBatch put(Cf cf, ByteKey key, byte[] value) {
        ops.add(new Put(cf, key, Objects.requireNonNull(value)));
        sizeBytes += key.bytes().length + value.length;
        return this;
    }

    public WriteBatch delete(Cf cf, ByteKey key) {
        ops.add(new Delete(cf, key));
        sizeBytes += key.bytes().length;
        return this;
    }

    public WriteBatch deleteRange(Cf cf, ByteKey start, ByteKey end) {
        ops.add(new DeleteRange(cf, start, end));
        sizeBytes += start.bytes().length + end.bytes().length;
        return this;
    }

    /** In the order in which they were added. */
    public List<Op> ops() {
        return ops;
    }

    public boolean isEmpty() {
        return ops.isEmpty();
    }

    /**
     * The first key, in order of the changes, that {@code range} does not hold; for a range delete whichever of its ends sticks out.
     *
     * @return the key, or null if the batch lies inside
     */
    public @Nullable ByteKey firstKeyOutside(KeyRange range) {
        for (Op op : ops) {
            if (op instanceof DeleteRange delete) {
                if (!range.contains(delete.start())) {
                    return delete.start();
                }
                boolean reachesBehind = !range.end().isEmpty()
                        && (delete.end().isEmpty() || delete.end().compareTo(range.end()) > 0);
                if (reachesBehind) {
                    return delete.end();
                }
            } else {
                ByteKey key = op instanceof Put put ? put.key() : ((Delete) op).key();
                if (!range.contains(key)) {
                    return key;
                }
            }
        }
        return null;
    }

    /** Bytes of keys and values. */
    public long sizeBytes() {
        return sizeBytes;
    }
}
