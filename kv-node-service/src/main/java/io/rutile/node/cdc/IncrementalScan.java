package io.rutile.node.cdc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.cdcpb.Event.Row;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.LockKind;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import io.rutile.storage.mvcc.Write;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Everything of one snapshot that a client with a checkpoint doesn't know: locks that will make versions, and versions that were
 * committed after the checkpoint. In parts, so that nobody waits for all of it and it needs no memory; every record of the range is read.
 *
 * <p>Used by one thread at a time; to be closed.
 */
final class IncrementalScan implements AutoCloseable {

    /** Records that one part reads, rows and bytes that it gives out, about. */
    private static final int RECORDS_MAX = 4_096;

    private static final int ROWS_MAX = 512;
    private static final long ROW_BYTES_MAX = 512 << 10;

    private final EngineSnapshot snapshot;
    private final long checkpointTs;
    private final KeyRange range;
    private final RowMaker rows;
    private KvCursor cursor;
    private boolean inLocks = true;
    private boolean done;

    /** @param snapshot closed with this */
    IncrementalScan(EngineSnapshot snapshot, KeyRange range, long checkpointTs, RowMaker rows) {
        this.snapshot = snapshot;
        this.range = range;
        this.checkpointTs = checkpointTs;
        this.rows = rows;
        this.cursor = snapshot.coldCursor(Cf.LOCK, range);
        cursor.seekToFirst();
    }

    boolean isDone() {
        return done;
    }

    /**
     * The next part; may be empty.
     *
     * @throws io.rutile.storage.engine.EngineException if the disk fails
     * @throws RowMaker.OutOfMemoryBudgetException if there are too many locks
     */
    List<Row> next() {
        List<Row> part = new ArrayList<>();
        long bytes = 0;
        for (int read = 0; read < RECORDS_MAX && part.size() < ROWS_MAX && bytes < ROW_BYTES_MAX; read++) {
            if (!cursor.isValid()) {
                cursor.close();
                if (!inLocks) {
                    done = true;
                    break;
                }
                inLocks = false;
                cursor = snapshot.coldCursor(Cf.WRITE, range);
                cursor.seekToFirst();
                continue;
            }
            Row row = inLocks ? lock() : version();
            if (row != null) {
                part.add(row);
                bytes += row.getKey().size() + row.getValue().size();
            }
            cursor.next();
        }
        return part;
    }

    private @Nullable Row lock() {
        MvccKey key = MvccKey.ofEncoded(cursor.key());
        Lock lock = Lock.decode(cursor.value());
        byte[] value = lock.kind() == LockKind.PUT && lock.shortValue() == null ? value(key, lock.startTs()) : null;
        return rows.locked(key, lock, value);
    }

    private @Nullable Row version() {
        byte[] stored = cursor.key();
        long commitTs = MvccKey.tsOf(stored);
        if (!Ts.isAfter(commitTs, checkpointTs)) {
            return null;
        }
        Write write = Write.decode(cursor.value());
        MvccKey key = MvccKey.ofVersion(stored);
        return switch (write.kind()) {
            case PUT ->
                rows.found(
                        key,
                        commitTs,
                        write,
                        write.shortValue() != null ? write.shortValue() : value(key, write.startTs()));
            case DELETE -> rows.found(key, commitTs, write, null);
            case LOCK, ROLLBACK -> null;
        };
    }

    private byte[] value(MvccKey key, long startTs) {
        byte[] value = snapshot.get(Cf.DEFAULT, ByteKey.wrap(key.at(startTs)));
        if (value == null) {
            throw new IllegalStateException("a version of start_ts " + Ts.text(startTs) + " has no value");
        }
        return value;
    }

    @Override
    public void close() {
        done = true;
        cursor.close();
        snapshot.close();
    }
}
