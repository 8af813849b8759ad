package io.rutile.raft;

import io.rutile.raft.log.LogDisk;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** Tells how long each file sync of the log took. */
final class TimedDisk implements LogDisk {

    private final LogDisk disk;
    private final StoreLatencies latencies;

    TimedDisk(LogDisk disk, StoreLatencies latencies) {
        this.disk = disk;
        this.latencies = latencies;
    }

    @Override
    public void write(WriteBatch batch) throws RocksDBException {
        disk.write(batch);
    }

    @Override
    public void sync() throws RocksDBException {
        long begunNanos = System.nanoTime();
        latencies.syncBegins();
        try {
            disk.sync();
        } finally {
            latencies.syncEnds(System.nanoTime() - begunNanos);
        }
    }
}
