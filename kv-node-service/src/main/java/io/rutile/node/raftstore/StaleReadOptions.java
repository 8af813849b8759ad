package io.rutile.node.raftstore;

import java.time.Duration;

/**
 * How stale reads are kept possible.
 *
 * @param interval pause between two advances of the resolved timestamps of all Regions that are led here; zero: none, and every stale
 *     read is refused
 * @param lockBytesMax memory for the locks of those Regions, together; a Region whose locks don't fit doesn't advance
 */
public record StaleReadOptions(Duration interval, long lockBytesMax) {

    public static final StaleReadOptions DEFAULT = new StaleReadOptions(Duration.ofSeconds(1), 64L << 20);

    public StaleReadOptions {
        if (interval.isNegative() || lockBytesMax <= 0) {
            throw new IllegalArgumentException("stale read options must be positive");
        }
    }
}
