package io.rutile.node.raftstore;

import java.time.Duration;

/**
 * When a store splits Regions by itself.
 *
 * @param sizeBytes what a piece should hold; a Region is split once it holds half as much again
 * @param keys the same in records
 * @param encodedOnly never cut between two raw keys that no memcomparable encoding lies between: such a Region then grows on
 * @param interval pause between two looks
 */
public record SplitOptions(long sizeBytes, long keys, boolean encodedOnly, Duration interval) {

    public static final SplitOptions DEFAULT = new SplitOptions(96L << 20, 960_000, false, Duration.ofSeconds(10));

    public SplitOptions {
        if (sizeBytes <= 0 || keys <= 0 || interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("split options must be positive");
        }
    }
}
