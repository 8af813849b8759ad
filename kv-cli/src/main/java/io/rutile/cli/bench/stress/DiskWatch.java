package io.rutile.cli.bench.stress;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Looks at how large the data directories of nodes are, over and over, until it is closed. */
public final class DiskWatch implements AutoCloseable {

    /** Of a node's directory: the engine with the data. The rest is logs and images. */
    private static final String DATA = "db";

    private final List<Path> directories;
    private final Duration interval;
    private final long beganNanos = System.nanoTime();
    private final List<Use> uses = new ArrayList<>();
    private final Thread thread = new Thread(this::watch, "disk-watch");
    private volatile boolean closed;

    /**
     * One look, all nodes together.
     *
     * @param atSeconds since the watch began
     * @param dataBytes of the engines with the data, their own logs included
     * @param logBytes of everything else: Raft logs, mostly
     */
    public record Use(double atSeconds, long dataBytes, long logBytes) {}

    private DiskWatch(List<Path> directories, Duration interval) {
        this.directories = List.copyOf(directories);
        this.interval = interval;
    }

    /** Begins to look. */
    public static DiskWatch begin(List<Path> directories, Duration interval) {
        DiskWatch watch = new DiskWatch(directories, interval);
        watch.thread.setDaemon(true);
        watch.thread.start();
        return watch;
    }

    private void watch() {
        long nextNanos = beganNanos;
        while (!closed) {
            double at = (double) (System.nanoTime() - beganNanos) / TimeUnit.SECONDS.toNanos(1);
            long data = directories.stream()
                    .mapToLong(node -> bytes(node.resolve(DATA)))
                    .sum();
            long all = directories.stream().mapToLong(DiskWatch::bytes).sum();
            synchronized (uses) {
                uses.add(new Use(at, data, Math.max(0, all - data)));
            }
            nextNanos += interval.toNanos();
            for (long left; !closed && (left = nextNanos - System.nanoTime()) > 0; ) {
                LockSupport.parkNanos(left);
            }
        }
    }

    /** Of all files below it; files come and go while it looks. */
    static long bytes(Path directory) {
        long[] sum = {0};
        try {
            Files.walkFileTree(directory, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    sum[0] += attributes.size();
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFileFailed(Path file, IOException gone) {
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            // A directory went while we looked: what was counted is what there was.
            return sum[0];
        }
        return sum[0];
    }

    /** Looks since then, in the order of time. */
    public List<Use> uses(double sinceSeconds) {
        synchronized (uses) {
            return uses.stream().filter(use -> use.atSeconds() >= sinceSeconds).toList();
        }
    }

    @Override
    public void close() throws InterruptedException {
        closed = true;
        LockSupport.unpark(thread);
        thread.join();
    }
}
