package io.rutile.node.raftstore;

import java.time.Duration;

/**
 * How replicas are compared.
 *
 * @param interval pause between two checks of all Regions that are led here; zero: only when somebody asks
 * @param bytesPerSecond that may be read for it, over all Regions of the store
 */
public record ConsistencyOptions(Duration interval, long bytesPerSecond) {

    public static final ConsistencyOptions DEFAULT = new ConsistencyOptions(Duration.ZERO, 64L << 20);

    public ConsistencyOptions {
        if (interval.isNegative() || bytesPerSecond <= 0) {
            throw new IllegalArgumentException("consistency options must be positive");
        }
    }
}
