package io.rutile.raft.log;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;

/**
 * One file sync for many groups. Whoever needs one while none is running does it for everybody who has written so far; who
 * comes meanwhile waits for the next one. So a lone writer pays one sync and no hand-over, and with many writers a sync is shared
 * by as many as arrive during the one before it.
 */
final class WalSync {

    private final LogDisk disk;
    private final Timer syncTime;
    private final DistributionSummary sharedBy;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition finished = lock.newCondition();

    // Guarded by the lock. synced ≤ requested.
    private long requested;
    private long synced;
    private boolean running;
    private @Nullable RocksDBException failure;

    WalSync(LogDisk disk, Timer syncTime, DistributionSummary sharedBy) {
        this.disk = disk;
        this.syncTime = syncTime;
        this.sharedBy = sharedBy;
    }

    /**
     * Returns when everything that the caller wrote before is durable.
     *
     * @param writers for whom it was written, at least 1
     */
    void await(int writers) throws RocksDBException {
        long target;
        lock.lock();
        try {
            long ticket = requested += writers;
            while (failure == null && synced < ticket && running) {
                finished.awaitUninterruptibly();
            }
            if (failure != null) {
                throw failure;
            }
            if (synced >= ticket) {
                return;
            }
            running = true;
            target = requested;
        } finally {
            lock.unlock();
        }
        RocksDBException failed = null;
        try {
            long begin = System.nanoTime();
            disk.sync();
            syncTime.record(System.nanoTime() - begin, TimeUnit.NANOSECONDS);
        } catch (RocksDBException e) {
            failed = e;
        }
        lock.lock();
        try {
            running = false;
            if (failed == null) {
                sharedBy.record(target - synced);
                synced = target;
            } else {
                failure = failed;
            }
            finished.signalAll();
        } finally {
            lock.unlock();
        }
        if (failed != null) {
            throw failed;
        }
    }
}
