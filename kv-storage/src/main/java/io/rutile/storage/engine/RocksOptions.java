package io.rutile.storage.engine;

/**
 * How much of the machine an engine may take. Everything else follows from it, in {@link RocksTuning}.
 *
 * @param memoryBytes block cache and memtables together, at least 16 MiB; RocksDB's own bookkeeping comes on top (some MiB)
 * @param openFilesMax table files kept open
 * @param backgroundJobs flushes and compactions at a time
 * @param walBytesMax log that may have to be replayed after a crash; older parts are flushed
 * @param spaceBytesMax bytes of tables after which writes are refused with {@code NO_SPACE}; 0 leaves it to the disk
 */
public record RocksOptions(
        long memoryBytes, int openFilesMax, int backgroundJobs, long walBytesMax, long spaceBytesMax) {

    private static final long MEMORY_BYTES_MIN = 16L << 20;

    public RocksOptions {
        if (memoryBytes < MEMORY_BYTES_MIN) {
            throw new IllegalArgumentException(
                    "an engine wants at least " + MEMORY_BYTES_MIN + " bytes of memory: " + memoryBytes);
        }
        if (openFilesMax < 64 || backgroundJobs < 1 || walBytesMax < 1 || spaceBytesMax < 0) {
            throw new IllegalArgumentException("out of range: openFilesMax=" + openFilesMax + " backgroundJobs="
                    + backgroundJobs + " walBytesMax=" + walBytesMax + " spaceBytesMax=" + spaceBytesMax);
        }
    }

    /** For an engine with this much memory. */
    public static RocksOptions withMemory(long memoryBytes) {
        int jobs = Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors()));
        return new RocksOptions(memoryBytes, 1024, jobs, Math.max(64L << 20, memoryBytes), 0);
    }

    /** The same, with an upper bound on the bytes of its tables. */
    public RocksOptions withSpaceBytesMax(long bytes) {
        return new RocksOptions(memoryBytes, openFilesMax, backgroundJobs, walBytesMax, bytes);
    }
}
