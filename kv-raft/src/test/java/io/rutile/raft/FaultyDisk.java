package io.rutile.raft;

import io.rutile.raft.log.LogDisk;
import java.util.concurrent.atomic.AtomicInteger;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** A disk that counts its syncs and begins to fail on command. */
final class FaultyDisk implements LogDisk {

    private final LogDisk disk;
    final AtomicInteger syncs = new AtomicInteger();
    volatile boolean writesFail;
    volatile boolean syncsFail;

    FaultyDisk(LogDisk disk) {
        this.disk = disk;
    }

    @Override
    public void write(WriteBatch batch) throws RocksDBException {
        if (writesFail) {
            throw new RocksDBException("no space left on device");
        }
        disk.write(batch);
    }

    @Override
    public void sync() throws RocksDBException {
        if (syncsFail) {
            throw new RocksDBException("input/output error");
        }
        disk.sync();
        syncs.incrementAndGet();
    }
}
