package io.rutile.cli.cluster;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What can be wrong with the disk under a data directory, in a sentence. */
final class Disk {

    /** Logs, manifests and the first write-ahead files of a process; below that a start would fail half-way. */
    private static final long FREE_BYTES_PER_PROCESS_MIN = 64L << 20;

    private Disk() {}

    /** Makes the directories of a cluster and checks that its processes can write there. */
    static void prepare(ClusterLayout layout) {
        try {
            Files.createDirectories(layout.runDir());
            Files.createDirectories(layout.logDir());
            long free = Files.getFileStore(layout.dataDir()).getUsableSpace();
            long needed = FREE_BYTES_PER_PROCESS_MIN * layout.services().size();
            if (free < needed) {
                throw new ClusterException("the disk under " + layout.dataDir() + " is full: " + (free >> 20)
                        + " MiB are free and a cluster of " + layout.services().size() + " processes needs "
                        + (needed >> 20)
                        + " MiB to start");
            }
            layout.write();
        } catch (IOException e) {
            throw new ClusterException(explain(e, layout.dataDir()), e);
        }
    }

    static String explain(IOException failure, Path dataDir) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains("No space left on device") || message.contains("Disk quota exceeded")) {
            return "the disk under " + dataDir + " is full";
        }
        if (message.contains("Read-only file system")) {
            return "the disk under " + dataDir + " is read-only";
        }
        if (failure instanceof AccessDeniedException) {
            return "no permission to write to " + message;
        }
        if (failure instanceof FileAlreadyExistsException) {
            return message + " is in the way: it is not a directory";
        }
        return "can't write to " + dataDir + ": " + message;
    }
}
