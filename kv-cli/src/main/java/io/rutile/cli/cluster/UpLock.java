package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * At most one {@code up} looks after a data directory. The operating system frees the lock with the process that held it, however that
 * one ended; the file names the holder for messages.
 */
public final class UpLock implements AutoCloseable {

    private final FileChannel channel;

    private UpLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes the lock of a data directory.
     *
     * @throws ClusterException if another {@code up} holds it
     */
    public static UpLock take(ClusterLayout layout) {
        try {
            Files.createDirectories(layout.runDir());
            FileChannel channel = FileChannel.open(
                    file(layout), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (tryLock(channel) == null) {
                channel.close();
                throw new ClusterException("the data directory " + layout.dataDir() + " is in use by another rutile up"
                        + holder(layout).map(pid -> " (process " + pid + ")").orElse("")
                        + "; stop that one first or choose another with --data");
            }
            channel.truncate(0);
            channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
            return new UpLock(channel);
        } catch (IOException e) {
            throw new ClusterException(Disk.explain(e, layout.dataDir()), e);
        }
    }

    /** The {@code up} that looks after this directory now; empty if there is none. */
    public static Optional<ProcessHandle> heldBy(ClusterLayout layout) {
        if (!Files.exists(file(layout))) {
            return Optional.empty();
        }
        try (FileChannel channel = FileChannel.open(file(layout), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return tryLock(channel) != null ? Optional.empty() : holder(layout).flatMap(ProcessHandle::of);
        } catch (IOException e) {
            throw new ClusterException("can't look at " + file(layout) + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ClusterException("can't give up the lock of the data directory: " + e.getMessage(), e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // another thread of this process has it
        }
    }

    private static Optional<Long> holder(ClusterLayout layout) {
        try {
            return Optional.of(Long.parseLong(Files.readString(file(layout)).strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private static Path file(ClusterLayout layout) {
        return layout.runDir().resolve("up.lock");
    }
}
