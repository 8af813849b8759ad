package io.rutile.node.gc;

import java.time.Duration;

/**
 * How a node collects garbage.
 *
 * @param pollInterval pause between two questions to PD for the safe point, and between two rounds
 * @param regionInterval how far the safe point has to move before a Region that was looked through is looked through again
 * @param share of one thread's time that looking and removing may take, above 0 and at most 1
 */
public record GcOptions(Duration pollInterval, Duration regionInterval, double share) {

    public static final GcOptions DEFAULTS = new GcOptions(Duration.ofSeconds(10), Duration.ofMinutes(5), 0.25);

    public GcOptions {
        if (pollInterval.isNegative() || pollInterval.isZero() || regionInterval.isNegative()) {
            throw new IllegalArgumentException(
                    "want 0 < poll and 0 ≤ region interval, not " + pollInterval + " and " + regionInterval);
        }
        if (!(share > 0 && share <= 1)) {
            throw new IllegalArgumentException("want 0 < share ≤ 1, not " + share);
        }
    }
}
