package io.rutile.node.raftstore;

import java.util.concurrent.atomic.LongAdder;

/** What a replica wrote and read since it started, for the heartbeats. Counters only grow; safe from any thread. */
public final class RegionTraffic {

    private final LongAdder bytesWritten = new LongAdder();
    private final LongAdder keysWritten = new LongAdder();
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder keysRead = new LongAdder();

    void wrote(long keys, long bytes) {
        keysWritten.add(keys);
        bytesWritten.add(bytes);
    }

    void read(long keys, long bytes) {
        keysRead.add(keys);
        bytesRead.add(bytes);
    }

    /** The counters at one moment. */
    public record Totals(long bytesWritten, long keysWritten, long bytesRead, long keysRead) {

        public static final Totals NONE = new Totals(0, 0, 0, 0);

        public Totals minus(Totals earlier) {
            return new Totals(
                    bytesWritten - earlier.bytesWritten,
                    keysWritten - earlier.keysWritten,
                    bytesRead - earlier.bytesRead,
                    keysRead - earlier.keysRead);
        }

        public Totals plus(Totals other) {
            return new Totals(
                    bytesWritten + other.bytesWritten,
                    keysWritten + other.keysWritten,
                    bytesRead + other.bytesRead,
                    keysRead + other.keysRead);
        }
    }

    public Totals totals() {
        return new Totals(bytesWritten.sum(), keysWritten.sum(), bytesRead.sum(), keysRead.sum());
    }
}
