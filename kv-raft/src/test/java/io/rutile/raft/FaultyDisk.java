package io.rutile.raft;

import io.rutile.raft.log.LogDisk;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** A disk that counts its syncs, begins to fail on command, and tells when it is written to. */
final class FaultyDisk implements LogDisk {

    private final LogDisk disk;
    final AtomicInteger syncs = new AtomicInteger();
    volatile boolean writesFail;
    volatile boolean syncsFail;
    volatile @Nullable Runnable beforeWrite;

    FaultyDisk(LogDisk disk) {
        this.disk = disk;
    }

    @Override
    public void write(WriteBatch batch) throws RocksDBException {
        if (writesFail) {
            throw new RocksDBException("no space left on device");
        }
        Runnable hook = beforeWrite;
        if (hook != null) {
            hook.run();
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
