package io.rutile.storage.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import org.rocksdb.AbstractNativeReference;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ChecksumType;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactionPriority;
import org.rocksdb.CompactionStyle;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.Env;
import org.rocksdb.IndexType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDBException;
import org.rocksdb.SstFileManager;
import org.rocksdb.TablePropertiesCollectorFactory;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBufferManager;

/**
 * RocksDB's native option objects for one engine, made from {@link RocksOptions} and closed together, last made first.
 *
 * <p>One block cache for all column families; memtables are charged to it, so that its capacity bounds both. Point reads dominate:
 * every table carries a bloom filter over whole keys. A table that consists of many deletes in a row is compacted soon, so that
 * deleted, expired and moved-away data gives its space back.
 */
final class RocksTuning implements AutoCloseable {

    private static final int LEVELS = 7;
    private static final double BLOOM_BITS_PER_KEY = 10;
    private static final long BLOCK_BYTES = 16 << 10;
    private static final long MEMTABLE_BYTES_MIN = 1L << 20;
    private static final long MEMTABLE_BYTES_MAX = 64L << 20;

    /** So many deletes among so many neighbouring entries, or half of a table, ask for a compaction. */
    private static final long DELETION_WINDOW = 4096;

    private static final long DELETION_TRIGGER = 2048;
    private static final double DELETION_RATIO = 0.5;

    private final Deque<AbstractNativeReference> owned = new ArrayDeque<>();
    private final RocksOptions options;
    private final Cache blockCache;
    private final DBOptions dbOptions;
    private final ColumnFamilyOptions dataFamily;
    private final Options sstFileOptions;

    RocksTuning(RocksOptions options) throws RocksDBException {
        this.options = options;
        this.blockCache = own(new LRUCache(options.memoryBytes()));
        Options family = own(new Options());
        tuneFamily(family);
        this.dataFamily = own(new ColumnFamilyOptions(family));
        this.dbOptions = own(databaseOptions());
        this.sstFileOptions = own(new Options(dbOptions, dataFamily));
        sstFileOptions.setCompressionType(CompressionType.LZ4_COMPRESSION);
    }

    DBOptions database() {
        return dbOptions;
    }

    ColumnFamilyOptions dataFamily() {
        return dataFamily;
    }

    /** For table files that are written beside an engine and ingested later. */
    Options sstFile() {
        return sstFileOptions;
    }

    private DBOptions databaseOptions() throws RocksDBException {
        WriteBufferManager memtables = own(new WriteBufferManager(options.memoryBytes() / 3, blockCache, false));
        // With a file manager RocksDB also recovers by itself when a full disk has room again.
        SstFileManager files = own(new SstFileManager(Env.getDefault()));
        if (options.spaceBytesMax() > 0) {
            files.setMaxAllowedSpaceUsage(options.spaceBytesMax());
        }
        return new DBOptions()
                .setCreateIfMissing(true)
                .setCreateMissingColumnFamilies(true)
                .setWriteBufferManager(memtables)
                .setSstFileManager(files)
                .setMaxOpenFiles(options.openFilesMax())
                .setMaxBackgroundJobs(options.backgroundJobs())
                .setMaxTotalWalSize(options.walBytesMax())
                // A torn tail is what a crash leaves; the Raft log has what was in it.
                .setWalRecoveryMode(WALRecoveryMode.PointInTimeRecovery)
                .setBytesPerSync(1 << 20)
                .setWalBytesPerSync(512 << 10)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setMaxLogFileSize(16 << 20)
                .setKeepLogFileNum(4)
                .setStatsDumpPeriodSec(0);
    }

    private void tuneFamily(Options family) {
        long memtableBytes = Math.max(MEMTABLE_BYTES_MIN, Math.min(MEMTABLE_BYTES_MAX, options.memoryBytes() / 16));
        family.setTableFormatConfig(new BlockBasedTableConfig()
                .setBlockCache(blockCache)
                .setBlockSize(BLOCK_BYTES)
                .setFilterPolicy(own(new BloomFilter(BLOOM_BITS_PER_KEY, false)))
                .setWholeKeyFiltering(true)
                .setIndexType(IndexType.kBinarySearch)
                .setCacheIndexAndFilterBlocks(true)
                .setCacheIndexAndFilterBlocksWithHighPriority(true)
                .setPinL0FilterAndIndexBlocksInCache(true)
                .setChecksumType(ChecksumType.kXXH3));
        family.setCompactionStyle(CompactionStyle.LEVEL)
                .setLevelCompactionDynamicLevelBytes(true)
                .setCompactionPriority(CompactionPriority.MinOverlappingRatio)
                .setNumLevels(LEVELS)
                .setWriteBufferSize(memtableBytes)
                .setMaxWriteBufferNumber(4)
                .setTargetFileSizeBase(Math.max(8L << 20, memtableBytes))
                .setMaxBytesForLevelBase(4 * Math.max(8L << 20, memtableBytes));
        // The first levels are rewritten soon: cheap there, small where the data rests.
        List<CompressionType> levels = new ArrayList<>(Collections.nCopies(LEVELS, CompressionType.LZ4_COMPRESSION));
        levels.set(0, CompressionType.NO_COMPRESSION);
        levels.set(1, CompressionType.NO_COMPRESSION);
        family.setCompressionPerLevel(levels);
        family.setBottommostCompressionType(CompressionType.ZSTD_COMPRESSION);
        family.setTablePropertiesCollectorFactory(
                List.of(own(TablePropertiesCollectorFactory.NewCompactOnDeletionCollectorFactory(
                        DELETION_WINDOW, DELETION_TRIGGER, DELETION_RATIO))));
    }

    private <T extends AbstractNativeReference> T own(T handle) {
        owned.push(handle);
        return handle;
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            owned.pop().close();
        }
    }
}
