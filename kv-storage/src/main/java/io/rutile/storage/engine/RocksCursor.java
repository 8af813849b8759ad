package io.rutile.storage.engine;

import io.rutile.protocol.KeyRange;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;

/**
 * A RocksDB iterator between two bounds. Owns its read options and the slices of its bounds: RocksDB keeps pointers to them for as
 * long as the iterator lives.
 */
final class RocksCursor implements KvCursor {

    private static final byte[] NOTHING_READ = {};

    /** What a buffer for keys or values begins with: a walk over small pairs grows it no more. */
    private static final int BUFFER_BYTES = 512;

    /** Beyond it a value is read into an array of its own: a cursor must not keep the largest that it has met. */
    private static final int BUFFER_BYTES_MAX = 64 << 10;

    private final EngineUses uses;
    private final ReadOptions options;
    private final @Nullable Slice lower;
    private final @Nullable Slice upper;
    private final RocksIterator iterator;
    private boolean onKey;
    /** True once an end that was reached is known to be one, and no failure. */
    private boolean ended;

    private byte @Nullable [] key;
    private byte[] buffer = NOTHING_READ;
    private boolean closed;

    /** @param options taken over, with a snapshot set if there is one; closed with the cursor */
    RocksCursor(RocksDB db, ColumnFamilyHandle family, ReadOptions options, KeyRange bounds, EngineUses uses) {
        uses.enter();
        this.uses = uses;
        this.options = options;
        this.lower = bounds.start().isEmpty() ? null : new Slice(bounds.start().bytes());
        this.upper = bounds.end().isEmpty() ? null : new Slice(bounds.end().bytes());
        if (lower != null) {
            options.setIterateLowerBound(lower);
        }
        if (upper != null) {
            options.setIterateUpperBound(upper);
        }
        this.iterator = db.newIterator(family, options);
    }

    @Override
    public void seek(byte[] key) {
        open().seek(key);
        moved();
    }

    @Override
    public void seekForPrev(byte[] key) {
        open().seekForPrev(key);
        moved();
    }

    @Override
    public void seekToFirst() {
        open().seekToFirst();
        moved();
    }

    @Override
    public void seekToLast() {
        open().seekToLast();
        moved();
    }

    @Override
    public void next() {
        onKey().next();
        moved();
    }

    @Override
    public void prev() {
        onKey().prev();
        moved();
    }

    /** Asked once a move: a question to native code costs as much as a key. */
    private void moved() {
        onKey = iterator.isValid();
        ended = false;
        key = null;
    }

    @Override
    public boolean isValid() {
        if (onKey) {
            return true;
        }
        RocksIterator opened = open();
        if (ended) {
            return false;
        }
        try {
            opened.status();
            ended = true;
            return false;
        } catch (RocksDBException e) {
            throw RocksFailures.ofRead("walk over keys", e);
        }
    }

    @Override
    public byte[] key() {
        byte[] known = key;
        if (known == null) {
            RocksIterator at = onKey();
            int bytes = at.key(buffer(), 0, buffer.length);
            known = bytes <= buffer.length ? Arrays.copyOf(buffer, bytes) : at.key();
            key = known;
        }
        return known;
    }

    @Override
    public byte[] value() {
        RocksIterator at = onKey();
        int bytes = at.value(buffer(), 0, buffer.length);
        if (bytes <= buffer.length) {
            return Arrays.copyOf(buffer, bytes);
        }
        if (bytes <= BUFFER_BYTES_MAX) {
            buffer = new byte[Math.min(BUFFER_BYTES_MAX, Integer.highestOneBit(bytes) << 1)];
        }
        return at.value();
    }

    @Override
    public void key(ReadBuffer into) {
        RocksIterator at = onKey();
        if (!into.resize(at.key(into.array(), 0, into.array().length))) {
            at.key(into.array(), 0, into.array().length);
        }
    }

    @Override
    public void value(ReadBuffer into) {
        RocksIterator at = onKey();
        if (!into.resize(at.value(into.array(), 0, into.array().length))) {
            at.value(into.array(), 0, into.array().length);
        }
    }

    /** Native code fills an array that is there in a third less time than it makes one. */
    private byte[] buffer() {
        if (buffer.length == 0) {
            buffer = new byte[BUFFER_BYTES];
        }
        return buffer;
    }

    /** RocksDB reads freed memory if a cursor past its end is asked to move or to tell. */
    private RocksIterator onKey() {
        if (!onKey) {
            open();
            throw new IllegalStateException("the cursor is past an end");
        }
        return iterator;
    }

    private RocksIterator open() {
        if (closed) {
            throw new IllegalStateException("the cursor is closed");
        }
        return iterator;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        onKey = false;
        key = null;
        iterator.close();
        options.close();
        if (lower != null) {
            lower.close();
        }
        if (upper != null) {
            upper.close();
        }
        uses.exit();
    }
}
