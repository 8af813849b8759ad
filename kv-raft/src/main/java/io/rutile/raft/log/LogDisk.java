package io.rutile.raft.log;

import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** How the log reaches the disk; the seam through which tests bring failing and slow disks. */
public interface LogDisk {

    /** Appends a batch to the write-ahead log and makes it visible; not durable yet. */
    void write(WriteBatch batch) throws RocksDBException;

    /** Makes everything that was written before this call survive a power cut. */
    void sync() throws RocksDBException;
}
