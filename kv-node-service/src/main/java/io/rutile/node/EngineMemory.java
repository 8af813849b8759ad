package io.rutile.node;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** How much memory the data engine takes if nobody says: half of what the heap and all the rest leave of what this process is given. */
final class EngineMemory {

    static final long LEAST = 64L << 20;

    /** The log's RocksDB, buffers of connections, classes, compiled code, stacks. */
    private static final long REST = 512L << 20;

    private EngineMemory() {}

    /** Bytes: of the container if it has a limit, else of the machine. */
    static long ofThisProcess() {
        long given =
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
        return of(given, Runtime.getRuntime().maxMemory());
    }

    /**
     * Bytes for block cache and memtables together.
     *
     * @param given to the process, in bytes
     * @param heapMax in bytes
     */
    static long of(long given, long heapMax) {
        return Math.max(LEAST, (given - heapMax - REST) / 2);
    }
}
