package io.rutile.node.raftstore;

import java.time.Duration;

/**
 * When a store splits Regions by itself.
 *
 * @param sizeBytes what a piece should hold; a Region is split once it holds half as much again
 * @param keys the same in records
 * @param encodedOnly never cut between two raw keys that no memcomparable encoding lies between: such a Region then grows on
 * @param interval pause between two looks
 * @param qps requests a second, reads and writes, above which a Region is split by its load; 0 for never
 * @param bytesPerSecond the same in bytes read and written
 * @param loadWindow how long the load has to be above one of them
 */
public record SplitOptions(
        long sizeBytes,
        long keys,
        boolean encodedOnly,
        Duration interval,
        long qps,
        long bytesPerSecond,
        Duration loadWindow) {

    public static final SplitOptions DEFAULT = new SplitOptions(
            96L << 20, 960_000, false, Duration.ofSeconds(10), 3_000, 30L << 20, Duration.ofSeconds(10));

    public SplitOptions {
        if (sizeBytes <= 0 || keys <= 0 || interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("split options must be positive");
        }
        if (qps < 0 || bytesPerSecond < 0 || loadWindow.isNegative() || loadWindow.isZero()) {
            throw new IllegalArgumentException("split options of the load must not be negative");
        }
    }

    boolean splitsByLoad() {
        return qps > 0 || bytesPerSecond > 0;
    }
}
