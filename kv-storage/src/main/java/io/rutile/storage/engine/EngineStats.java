package io.rutile.storage.engine;

/**
 * How an engine is doing, over all column families. Sizes in bytes.
 *
 * @param keysEstimate keys, roughly
 * @param tableBytes table files that are current
 * @param tableBytesOnDisk all table files, those that only a reader still holds too
 * @param memtableBytes memtables, those being flushed too
 * @param blockCacheBytes block cache in use, memtables included
 * @param compactionPendingBytes tables that wait for compaction
 * @param level0Files tables in the first level, of the column family that has most
 * @param writesDelayedBytesPerSecond rate to which RocksDB slows writes down now; 0 if it doesn't
 * @param writesStopped true while RocksDB takes no write
 * @param backgroundErrors failed flushes and compactions since the engine was opened
 */
public record EngineStats(
        long keysEstimate,
        long tableBytes,
        long tableBytesOnDisk,
        long memtableBytes,
        long blockCacheBytes,
        long compactionPendingBytes,
        long level0Files,
        long writesDelayedBytesPerSecond,
        boolean writesStopped,
        long backgroundErrors) {}
