package io.rutile.raft.log;

import com.google.protobuf.InvalidProtocolBufferException;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.raft.disruptor.RingThreads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.Range;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.SizeApproximationFlag;
import org.rocksdb.Slice;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shared log of one process. Opens and closes the RocksDB under it, hands out the parts of a group, and knows whether the
 * disk can still be trusted.
 */
public final class RaftLog implements AutoCloseable {

    static {
        RocksDB.loadLibrary();
    }

    private static final Logger LOG = LoggerFactory.getLogger(RaftLog.class);
    private static final int FORMAT_VERSION = 1;
    private static final long WAL_BYTES_MAX = 512L << 20;
    private static final long WRITE_BUFFER_BYTES = 64L << 20;
    private static final long BLOCK_CACHE_BYTES = 32L << 20;
    private static final int PURGES_QUEUED_MAX = 10_000;

    private final LRUCache cache;
    private final Options dbOptions;
    private final RocksDB db;
    private final LogDisk disk;
    private final boolean sync;
    private final WalSync walSync;
    private final AppendRound round = new AppendRound(this);
    private final ExecutorService purger;
    private final Consumer<LogFailure> onFailure;
    private final AtomicReference<@Nullable LogFailure> failure = new AtomicReference<>();
    final LogMetrics metrics;

    /**
     * Opens the log of one store, or creates it.
     *
     * @param sync false leaves entries to the operating system (measurements only); votes are synced even then
     * @param onFailure told once, on the thread that met it, when the disk fails; must not block
     * @param around wraps the disk: what times it, and faults of tests
     * @throws IOException with one clear sentence if it can't be opened or belongs to somebody else
     */
    public RaftLog(
            Path dir,
            long clusterId,
            long storeId,
            boolean sync,
            MeterRegistry meters,
            Consumer<LogFailure> onFailure,
            UnaryOperator<LogDisk> around)
            throws IOException {
        Files.createDirectories(dir);
        this.sync = sync;
        this.onFailure = onFailure;
        this.metrics = new LogMetrics(meters);
        cache = new LRUCache(BLOCK_CACHE_BYTES);
        dbOptions = options(cache);
        try {
            db = RocksDB.open(dbOptions, dir.toString());
        } catch (RocksDBException e) {
            dbOptions.close();
            cache.close();
            throw new IOException("raft log in " + dir + " can't be opened: " + e.getMessage(), e);
        }
        disk = around.apply(new RocksLogDisk(db));
        walSync = new WalSync(
                disk,
                Timer.builder("kv.raft.log.fsync")
                        .description("File syncs of the shared Raft log")
                        .serviceLevelObjectives(
                                Duration.ofMillis(1),
                                Duration.ofMillis(5),
                                Duration.ofMillis(20),
                                Duration.ofMillis(100),
                                Duration.ofMillis(500),
                                Duration.ofSeconds(2))
                        .register(meters),
                DistributionSummary.builder("kv.raft.log.fsync.shared")
                        .description("Appends and votes that one file sync served")
                        .register(meters));
        purger = purger();
        try {
            checkIdentity(dir, clusterId, storeId);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private static Options options(LRUCache cache) {
        return new Options()
                .setCreateIfMissing(true)
                // A power cut may leave a torn last record: nobody was told that it is durable.
                .setWalRecoveryMode(WALRecoveryMode.TolerateCorruptedTailRecords)
                // Recycled files would make a torn tail look like old records.
                .setRecycleLogFileNum(0)
                .setMaxTotalWalSize(WAL_BYTES_MAX)
                .setWriteBufferSize(WRITE_BUFFER_BYTES)
                .setMaxWriteBufferNumber(3)
                .setMaxBackgroundJobs(2)
                .setCompressionType(CompressionType.NO_COMPRESSION)
                .setLevelCompactionDynamicLevelBytes(true)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setKeepLogFileNum(3)
                .setMaxLogFileSize(16L << 20)
                .setTableFormatConfig(
                        new BlockBasedTableConfig().setBlockCache(cache).setBlockSize(16L << 10));
    }

    private static ExecutorService purger() {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(PURGES_QUEUED_MAX), task -> {
                    Thread thread = new Thread(task, "raft-log-purge");
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private void checkIdentity(Path dir, long clusterId, long storeId) throws IOException {
        byte[] expected = ByteBuffer.allocate(20)
                .putInt(FORMAT_VERSION)
                .putLong(clusterId)
                .putLong(storeId)
                .array();
        byte[] found = get(LogKeys.IDENTITY);
        if (found == null) {
            try (WriteBatch batch = new WriteBatch()) {
                batch.put(LogKeys.IDENTITY, expected);
                write(batch, true);
            } catch (RocksDBException e) {
                throw new IOException("raft log in " + dir + " can't be written: " + e.getMessage(), e);
            }
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(found);
        int version = in.getInt();
        if (version != FORMAT_VERSION) {
            throw new ForeignLogException(
                    "raft log in " + dir + " has format " + version + ", this program writes format " + FORMAT_VERSION);
        }
        long itsCluster = in.getLong();
        long itsStore = in.getLong();
        if (itsCluster != clusterId || itsStore != storeId) {
            throw new ForeignLogException("raft log in " + dir + " belongs to store " + itsStore + " of cluster "
                    + itsCluster + ", not to store " + storeId + " of cluster " + clusterId);
        }
    }

    /** The log of a group, not opened yet: JRaft does that. */
    public GroupLog entries(long groupId) {
        return new GroupLog(this, groupId);
    }

    /** Term and vote of a group. */
    public GroupVote vote(long groupId) throws IOException {
        return new GroupVote(this, groupId);
    }

    /** Where the group's log begins to be enough; empty for a replica that waits for its first image. */
    public Optional<CompactionPoint> point(long groupId) throws IOException {
        byte[] value = get(LogKeys.of(LogKeys.POINT, groupId));
        if (value == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(CompactionPoint.decode(value));
        } catch (InvalidProtocolBufferException e) {
            throw new IOException("compaction point of group " + groupId + " is damaged", e);
        }
    }

    /** Replaces the compaction point; durable on return. */
    public void savePoint(long groupId, CompactionPoint point) throws IOException {
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(LogKeys.of(LogKeys.POINT, groupId), point.encode());
            write(batch, true);
        } catch (RocksDBException e) {
            throw new IOException("compaction point of group " + groupId + " can't be encoded", e);
        }
    }

    /** Which incarnation the group's log belongs to (R3): its peer id, 0 if there is no log. */
    public long owner(long groupId) throws IOException {
        byte[] value = get(LogKeys.of(LogKeys.OWNER, groupId));
        return value == null ? 0 : LogKeys.number(value);
    }

    /** Claims an empty log for an incarnation; durable on return. */
    public void claim(long groupId, long peerId) throws IOException {
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(LogKeys.of(LogKeys.OWNER, groupId), LogKeys.number(peerId));
            write(batch, true);
        } catch (RocksDBException e) {
            throw new IOException("group " + groupId + " can't be claimed", e);
        }
    }

    /**
     * Claim, first term and compaction point of a new group, in one durable step. A vote that this incarnation has given while it
     * was still without a log stays: it may have elected somebody.
     */
    public void begin(long groupId, long peerId, CompactionPoint point) throws IOException {
        try (WriteBatch batch = new WriteBatch()) {
            batch.put(LogKeys.of(LogKeys.OWNER, groupId), LogKeys.number(peerId));
            if (vote(groupId).getTerm() < GroupVote.FIRST_TERM) {
                batch.put(LogKeys.of(LogKeys.VOTE, groupId), GroupVote.encode(GroupVote.FIRST_TERM, ""));
            }
            batch.put(LogKeys.of(LogKeys.POINT, groupId), point.encode());
            write(batch, true);
        } catch (RocksDBException e) {
            throw new IOException("group " + groupId + " can't be begun", e);
        }
    }

    /** Deletes everything of a group that does not run any more; durable on return. */
    public void destroy(long groupId) throws IOException {
        try (WriteBatch batch = new WriteBatch()) {
            for (byte kind : new byte[] {LogKeys.ENTRY, LogKeys.CONF}) {
                batch.deleteRange(LogKeys.of(kind, groupId, 0), LogKeys.of(kind, groupId, -1));
            }
            for (byte kind : new byte[] {LogKeys.FIRST, LogKeys.VOTE, LogKeys.POINT, LogKeys.OWNER}) {
                batch.delete(LogKeys.of(kind, groupId));
            }
            write(batch, true);
        } catch (RocksDBException e) {
            throw new IOException("log of group " + groupId + " can't be deleted", e);
        }
    }

    /** Why nothing is written any more; null while the disk is well. */
    public @Nullable LogFailure failure() {
        return failure.get();
    }

    /** Files of the log on disk, in bytes. */
    public long sizeBytes() {
        try {
            return db.getLongProperty("rocksdb.total-sst-files-size")
                    + db.getLongProperty("rocksdb.cur-size-all-mem-tables");
        } catch (RocksDBException e) {
            return 0;
        }
    }

    /** About what lies in a range of keys, on disk and in memory; 0 if that can't be found out. */
    long estimateBytes(byte[] from, byte[] to) {
        try (Slice begin = new Slice(from);
                Slice end = new Slice(to)) {
            long[] sizes = db.getApproximateSizes(
                    List.of(new Range(begin, end)),
                    SizeApproximationFlag.INCLUDE_FILES,
                    SizeApproximationFlag.INCLUDE_MEMTABLES);
            return sizes[0];
        }
    }

    /** Makes a batch visible, and durable if asked. */
    void write(WriteBatch batch, boolean durable) throws LogFailure {
        refuseAfterFailure();
        try {
            disk.write(batch);
        } catch (RocksDBException e) {
            throw fail(e);
        }
        if (durable && !round.postpones(batch)) {
            sync(1);
        }
    }

    private void refuseAfterFailure() throws LogFailure {
        LogFailure earlier = failure.get();
        if (earlier != null) {
            throw earlier;
        }
    }

    /** Makes durable what was written before, for so many writers. */
    void sync(int writers) throws LogFailure {
        refuseAfterFailure();
        try {
            walSync.await(writers);
        } catch (RocksDBException e) {
            throw fail(e);
        }
    }

    /** What goes around the log rings of this store's groups, so that many of them share a sync. */
    public RingThreads.Logs round() {
        return round;
    }

    private LogFailure fail(RocksDBException cause) {
        LogFailure mine = new LogFailure("the raft log's disk failed: " + cause.getMessage(), cause);
        if (failure.compareAndSet(null, mine)) {
            LOG.error("raft log failed, nothing is acknowledged any more", cause);
            metrics.failed.set(1);
            onFailure.accept(mine);
        }
        LogFailure first = failure.get();
        return first == null ? mine : first;
    }

    boolean sync() {
        return sync;
    }

    byte @Nullable [] get(byte[] key) throws IOException {
        try {
            return db.get(key);
        } catch (RocksDBException e) {
            throw new IOException("raft log can't be read: " + e.getMessage(), e);
        }
    }

    RocksIterator iterator(ReadOptions options) {
        return db.newIterator(options);
    }

    /** Runs on the purge thread; dropped if the log is closing or too much waits: the next opening finds the rest. */
    void purgeLater(Runnable purge) {
        try {
            purger.execute(purge);
        } catch (RejectedExecutionException e) {
            metrics.purgesDropped.increment();
        }
    }

    @Override
    public void close() {
        purger.shutdownNow();
        try {
            if (!purger.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("raft log purge still runs, log stays open");
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        try {
            if (failure.get() == null) {
                db.syncWal();
            }
        } catch (RocksDBException e) {
            LOG.warn("raft log could not be synced at close cause={}", e.getMessage());
        }
        db.close();
        dbOptions.close();
        cache.close();
    }

    /** The production disk. */
    private record RocksLogDisk(RocksDB db) implements LogDisk {

        private static final WriteOptions NO_SYNC = new WriteOptions();

        @Override
        public void write(WriteBatch batch) throws RocksDBException {
            db.write(NO_SYNC, batch);
        }

        @Override
        public void sync() throws RocksDBException {
            db.syncWal();
        }
    }
}
