package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.FlushOptions;
import org.rocksdb.Options;
import org.rocksdb.Range;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.SizeApproximationFlag;
import org.rocksdb.Slice;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All data of one store: one RocksDB with every {@link Cf}. A batch takes effect as a whole, over all column families, also across
 * a crash (R1); a synced write survives a power cut, an unsynced one a killed process.
 *
 * <p>Safe from every thread. Calls touch the disk and may block. Every failure is an {@link EngineException}, also a use after
 * {@link #close}. Snapshots, cursors and batches must be closed before the engine, which waits for them for a while.
 */
public final class RocksEngine implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RocksEngine.class);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private final Path directory;
    private final RocksTuning tuning;
    private final RocksDB db;
    private final Map<Cf, ColumnFamilyHandle> families;
    private final EngineUses uses = new EngineUses();
    private final WriteOptions synced = new WriteOptions().setSync(true);
    private final WriteOptions unsynced = new WriteOptions();
    private final ReadOptions latest = new ReadOptions();

    private RocksEngine(Path directory, RocksTuning tuning, RocksDB db, Map<Cf, ColumnFamilyHandle> families) {
        this.directory = directory;
        this.tuning = tuning;
        this.db = db;
        this.families = families;
    }

    /**
     * Opens the engine in {@code directory}, made if it isn't there; replays what a crash left in the log.
     *
     * @throws EngineException with one sentence: in use by another process, damaged, no space, not readable
     */
    public static RocksEngine open(Path directory, RocksOptions options) {
        RocksDB.loadLibrary();
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new EngineException(
                    EngineException.Kind.IO, "cannot make directory " + directory + ": " + e.getMessage(), e);
        }
        @Nullable RocksTuning tuning = null;
        try {
            tuning = new RocksTuning(options);
            List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
            for (Cf cf : Cf.values()) {
                descriptors.add(
                        new ColumnFamilyDescriptor(cf.cfName().getBytes(StandardCharsets.UTF_8), tuning.dataFamily()));
            }
            List<ColumnFamilyHandle> handles = new ArrayList<>();
            RocksDB db = RocksDB.open(tuning.database(), directory.toString(), descriptors, handles);
            Map<Cf, ColumnFamilyHandle> families = new EnumMap<>(Cf.class);
            Iterator<ColumnFamilyHandle> inOrder = handles.iterator();
            for (Cf cf : Cf.values()) {
                families.put(cf, inOrder.next());
            }
            return new RocksEngine(directory, tuning, db, families);
        } catch (RocksDBException e) {
            if (tuning != null) {
                tuning.close();
            }
            throw RocksFailures.ofOpen(directory, e);
        }
    }

    public Path directory() {
        return directory;
    }

    /** The engine as it is now. */
    public EngineSnapshot snapshot() {
        uses.enter();
        return new EngineSnapshot(this);
    }

    /**
     * Reads one key as it is now.
     *
     * @return the newest value, or null
     */
    public byte @Nullable [] get(Cf cf, byte[] key) {
        uses.enter();
        try {
            return db.get(family(cf), latest, key);
        } catch (RocksDBException e) {
            throw RocksFailures.of("read a key", e);
        } finally {
            uses.exit();
        }
    }

    /** A cursor over the engine as it is now. */
    public KvCursor cursor(Cf cf, KeyRange bounds) {
        uses.enter();
        try {
            return bounds.isEmpty()
                    ? new EmptyCursor()
                    : new RocksCursor(db, family(cf), new ReadOptions(), bounds, uses);
        } finally {
            uses.exit();
        }
    }

    /** An empty batch. The caller closes it. */
    public EngineBatch newBatch() {
        uses.enter();
        return new EngineBatch(this);
    }

    /**
     * Applies the batch, all of it or nothing.
     *
     * @param sync on return it is on the disk, with everything written before it
     */
    public void write(EngineBatch batch, boolean sync) {
        if (batch.engine() != this) {
            throw new IllegalArgumentException("the batch belongs to another engine");
        }
        uses.enter();
        try {
            db.write(sync ? synced : unsynced, batch.nativeBatch());
        } catch (RocksDBException e) {
            throw RocksFailures.of("write", e);
        } finally {
            uses.exit();
        }
    }

    /** The same for a batch of values. */
    public void write(WriteBatch batch, boolean sync) {
        try (EngineBatch changes = newBatch()) {
            write(changes.append(batch), sync);
        }
    }

    /** On return everything written so far survives a power cut. */
    public void syncWal() {
        uses.enter();
        try {
            db.syncWal();
        } catch (RocksDBException e) {
            throw RocksFailures.of("sync the log", e);
        } finally {
            uses.exit();
        }
    }

    /** Writes all memtables to tables. */
    public void flush() {
        uses.enter();
        try (FlushOptions options = new FlushOptions().setWaitForFlush(true)) {
            db.flush(options, List.copyOf(families.values()));
        } catch (RocksDBException e) {
            throw RocksFailures.of("flush", e);
        } finally {
            uses.exit();
        }
    }

    /** Bytes that the range takes in tables and memtables, roughly. */
    public long approximateSizeBytes(Cf cf, KeyRange range) {
        if (range.isEmpty()) {
            return 0;
        }
        uses.enter();
        try (Slice start = new Slice(range.start().bytes());
                Slice end = new Slice(EngineKeys.upperEnd(range.end().bytes()))) {
            long[] sizes = db.getApproximateSizes(
                    family(cf),
                    List.of(new Range(start, end)),
                    SizeApproximationFlag.INCLUDE_FILES,
                    SizeApproximationFlag.INCLUDE_MEMTABLES);
            return sizes[0];
        } finally {
            uses.exit();
        }
    }

    /**
     * Drops the tables that lie wholly inside a range: space comes back at once, but keys may remain, and snapshots lose theirs. Only
     * for a range that nobody reads any more; a range delete does the rest.
     */
    public void deleteFilesInRange(Cf cf, KeyRange range) {
        if (range.isEmpty()) {
            return;
        }
        uses.enter();
        try {
            db.deleteFilesInRanges(
                    family(cf),
                    Arrays.asList(
                            range.start().bytes(),
                            EngineKeys.upperEnd(range.end().bytes())),
                    false);
        } catch (RocksDBException e) {
            throw RocksFailures.of("drop tables", e);
        } finally {
            uses.exit();
        }
    }

    /** Compacts a range down to the last level; takes as long as rewriting it. */
    public void compactRange(Cf cf, KeyRange range) {
        if (range.isEmpty()) {
            return;
        }
        uses.enter();
        try {
            ByteKey end = range.end();
            db.compactRange(family(cf), range.start().bytes(), end.isEmpty() ? null : end.bytes());
        } catch (RocksDBException e) {
            throw RocksFailures.of("compact", e);
        } finally {
            uses.exit();
        }
    }

    public EngineStats stats() {
        uses.enter();
        try {
            return new EngineStats(
                    sum("rocksdb.estimate-num-keys"),
                    sum("rocksdb.live-sst-files-size"),
                    sum("rocksdb.total-sst-files-size"),
                    sum("rocksdb.cur-size-all-mem-tables"),
                    db.getLongProperty("rocksdb.block-cache-usage"),
                    sum("rocksdb.estimate-pending-compaction-bytes"),
                    mostLevel0Files(),
                    db.getLongProperty("rocksdb.actual-delayed-write-rate"),
                    db.getLongProperty("rocksdb.is-write-stopped") != 0,
                    db.getLongProperty("rocksdb.background-errors"));
        } catch (RocksDBException e) {
            throw RocksFailures.of("read statistics", e);
        } finally {
            uses.exit();
        }
    }

    private long sum(String property) throws RocksDBException {
        return db.getAggregatedLongProperty(property);
    }

    private long mostLevel0Files() throws RocksDBException {
        long most = 0;
        for (ColumnFamilyHandle family : families.values()) {
            most = Math.max(most, Long.parseLong(db.getProperty(family, "rocksdb.num-files-at-level0")));
        }
        return most;
    }

    RocksDB db() {
        return db;
    }

    ColumnFamilyHandle family(Cf cf) {
        return Objects.requireNonNull(families.get(cf));
    }

    EngineUses uses() {
        return uses;
    }

    /** For table files that this engine is to ingest. */
    Options sstFileOptions() {
        return tuning.sstFile();
    }

    /**
     * Syncs the log and closes. Whoever still holds a snapshot, a cursor or a batch is waited for; after ten seconds the native
     * handles are left to the end of the process rather than freed under a reader.
     */
    @Override
    public void close() {
        if (uses.isClosed()) {
            return;
        }
        boolean drained = uses.closeAndAwait(CLOSE_PATIENCE);
        try {
            db.syncWal();
        } catch (RocksDBException e) {
            LOG.warn("event=engine_close_sync_failed directory={} reason={}", directory, e.getMessage());
        }
        if (!drained) {
            LOG.error("event=engine_close_incomplete directory={} uses={}", directory, uses.count());
            return;
        }
        db.cancelAllBackgroundWork(true);
        latest.close();
        synced.close();
        unsynced.close();
        families.values().forEach(ColumnFamilyHandle::close);
        db.close();
        tuning.close();
    }
}
