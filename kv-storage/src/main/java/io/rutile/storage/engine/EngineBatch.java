package io.rutile.storage.engine;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.rocksdb.RocksDBException;

/**
 * Changes to one {@link RocksEngine} that take effect together, in native memory. For a writer that has encoded commands at
 * hand and wants no object per record; reusable after {@link #clear}.
 *
 * <p>Keys are at most 10 KiB. Not thread-safe. Must be closed, and before its engine.
 */
public final class EngineBatch implements AutoCloseable {

    private static final int SCRATCH_BYTES_MIN = 4 << 10;

    /** Larger scratch buffers are not kept from one record to the next. */
    private static final int SCRATCH_BYTES_KEPT = 1 << 20;

    private final RocksEngine engine;
    private final org.rocksdb.WriteBatch batch = new org.rocksdb.WriteBatch();
    private ByteBuffer scratch = ByteBuffer.allocateDirect(SCRATCH_BYTES_MIN);
    private boolean closed;

    /** The caller has entered {@code engine.uses()} for it. */
    EngineBatch(RocksEngine engine) {
        this.engine = engine;
    }

    public EngineBatch put(Cf cf, byte[] key, byte[] value) {
        EngineKeys.check(key.length);
        try {
            open().put(engine.family(cf), key, value);
            return this;
        } catch (RocksDBException e) {
            throw RocksFailures.of("collect a put", e);
        }
    }

    /** Puts a key and a value that lie in one buffer. */
    public EngineBatch put(Cf cf, byte[] buffer, int keyOffset, int keyBytes, int valueOffset, int valueBytes) {
        return put(cf, ByteBuffer.wrap(buffer, keyOffset, keyBytes), ByteBuffer.wrap(buffer, valueOffset, valueBytes));
    }

    /** Puts what remains in the two buffers, whose positions stay as they are. */
    public EngineBatch put(Cf cf, ByteBuffer key, ByteBuffer value) {
        EngineKeys.check(key.remaining());
        ByteBuffer both = scratch(key.remaining() + value.remaining());
        both.put(key.duplicate()).put(value.duplicate()).flip();
        try {
            open().put(
                            engine.family(cf),
                            both.slice(0, key.remaining()),
                            both.slice(key.remaining(), value.remaining()));
            return this;
        } catch (RocksDBException e) {
            throw RocksFailures.of("collect a put", e);
        }
    }

    public EngineBatch delete(Cf cf, byte[] key) {
        EngineKeys.check(key.length);
        try {
            open().delete(engine.family(cf), key);
            return this;
        } catch (RocksDBException e) {
            throw RocksFailures.of("collect a delete", e);
        }
    }

    /** Deletes what remains in the buffer, whose position stays as it is. */
    public EngineBatch delete(Cf cf, ByteBuffer key) {
        EngineKeys.check(key.remaining());
        ByteBuffer direct = scratch(key.remaining());
        direct.put(key.duplicate()).flip();
        try {
            open().delete(engine.family(cf), direct);
            return this;
        } catch (RocksDBException e) {
            throw RocksFailures.of("collect a delete", e);
        }
    }

    /** Deletes {@code [start, end)}; an empty end means every key from {@code start} on. Does nothing if the range is empty. */
    public EngineBatch deleteRange(Cf cf, byte[] start, byte[] end) {
        EngineKeys.check(start.length);
        EngineKeys.check(end.length);
        byte[] upper = EngineKeys.upperEnd(end);
        if (Arrays.compareUnsigned(start, upper) >= 0) {
            return this;
        }
        try {
            open().deleteRange(engine.family(cf), start, upper);
            return this;
        } catch (RocksDBException e) {
            throw RocksFailures.of("collect a range delete", e);
        }
    }

    /** Adds every change of {@code changes}, in order. */
    public EngineBatch append(WriteBatch changes) {
        for (WriteBatch.Op op : changes.ops()) {
            if (op instanceof WriteBatch.Put put) {
                put(put.cf(), put.key().bytes(), put.value());
            } else if (op instanceof WriteBatch.Delete delete) {
                delete(delete.cf(), delete.key().bytes());
            } else if (op instanceof WriteBatch.DeleteRange range) {
                deleteRange(range.cf(), range.start().bytes(), range.end().bytes());
            }
        }
        return this;
    }

    /** Remembers this point, for a command of several changes that may turn out to be malformed half-way. */
    public void mark() {
        open().setSavePoint();
    }

    /** Forgets what was added since the last {@link #mark}, and the mark. */
    public void rollbackToMark() {
        try {
            open().rollbackToSavePoint();
        } catch (RocksDBException e) {
            throw RocksFailures.of("take changes back", e);
        }
    }

    /** Forgets the last {@link #mark}, keeping what was added since. */
    public void forgetMark() {
        try {
            open().popSavePoint();
        } catch (RocksDBException e) {
            throw RocksFailures.of("keep changes", e);
        }
    }

    /** Empties it, to be filled again. */
    public void clear() {
        open().clear();
    }

    /** Changes collected. */
    public int count() {
        return open().count();
    }

    public boolean isEmpty() {
        return count() == 0;
    }

    /** Bytes of keys, values and framing. */
    public long sizeBytes() {
        return open().getDataSize();
    }

    org.rocksdb.WriteBatch nativeBatch() {
        return open();
    }

    RocksEngine engine() {
        return engine;
    }

    private ByteBuffer scratch(int bytes) {
        if (scratch.capacity() < bytes) {
            if (bytes > SCRATCH_BYTES_KEPT) {
                return ByteBuffer.allocateDirect(bytes);
            }
            scratch = ByteBuffer.allocateDirect(Integer.highestOneBit(bytes - 1) << 1);
        }
        scratch.clear();
        return scratch;
    }

    private org.rocksdb.WriteBatch open() {
        if (closed) {
            throw new IllegalStateException("the batch is closed");
        }
        return batch;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        batch.close();
        engine.uses().exit();
    }
}
