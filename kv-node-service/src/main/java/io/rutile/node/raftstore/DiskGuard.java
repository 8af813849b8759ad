package io.rutile.node.raftstore;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the last bytes of the disk for the store itself: below the reserve client writes are refused with {@code DiskFull} while
 * Raft, compaction and deletes can still finish (R9).
 *
 * <p>{@link #look} is called by the store's timer; everything else is safe from any thread.
 */
public final class DiskGuard {

    private static final Logger log = LoggerFactory.getLogger(DiskGuard.class);

    /** Never more than this share of the disk is kept back. */
    private static final double RESERVE_SHARE_MAX = 0.05;

    /** Reads the disk; replaced in tests. */
    interface Disk {
        long totalBytes() throws IOException;

        long usableBytes() throws IOException;
    }

    private final Disk disk;
    private final long reserveBytesMax;
    private volatile long totalBytes;
    private volatile long usableBytes;
    private volatile boolean full;

    /**
     * Watches the disk that a directory is on.
     *
     * @param reserveBytesMax kept free, or 5 % of the disk if that is less
     */
    public static DiskGuard of(Path dataDir, long reserveBytesMax, MeterRegistry metrics) throws IOException {
        FileStore store = Files.getFileStore(dataDir);
        return new DiskGuard(
                new Disk() {
                    @Override
                    public long totalBytes() throws IOException {
                        return store.getTotalSpace();
                    }

                    @Override
                    public long usableBytes() throws IOException {
                        return store.getUsableSpace();
                    }
                },
                reserveBytesMax,
                metrics);
    }

    DiskGuard(Disk disk, long reserveBytesMax, MeterRegistry metrics) {
        this.disk = disk;
        this.reserveBytesMax = reserveBytesMax;
        metrics.gauge("kv.raftstore.disk.full", this, guard -> guard.full ? 1 : 0);
        metrics.gauge("kv.raftstore.disk.usable.bytes", this, guard -> guard.usableBytes);
        metrics.gauge("kv.raftstore.disk.reserve.bytes", this, DiskGuard::reserveBytes);
        look();
    }

    /** Reads the disk again; a disk that can't be read counts as it was before. */
    public void look() {
        try {
            totalBytes = disk.totalBytes();
            usableBytes = disk.usableBytes();
        } catch (IOException e) {
            log.warn("disk space can't be read, reason={}", e.toString());
            return;
        }
        boolean now = usableBytes < reserveBytes();
        if (now != full) {
            full = now;
            log.warn(
                    "disk {} usableBytes={} reserveBytes={}",
                    now ? "is full, writes are refused" : "has space again, writes are taken",
                    usableBytes,
                    reserveBytes());
        }
    }

    /** True while client writes are refused. */
    public boolean isFull() {
        return full;
    }

    public long totalBytes() {
        return totalBytes;
    }

    public long usableBytes() {
        return usableBytes;
    }

    public long reserveBytes() {
        return Math.min(reserveBytesMax, (long) (totalBytes * RESERVE_SHARE_MAX));
    }

    /** In words, for the error that a client reads. */
    String reason() {
        return usableBytes + " bytes are free, " + reserveBytes() + " are kept back";
    }
}
