package io.rutile.node.cdc;

import java.time.Duration;

/**
 * How changes are fed.
 *
 * @param interval pause between two looks at how far watched Regions are settled: about how late a change is seen by who waits for
 *     resolved timestamps
 * @param memoryBytesMax for changes that are on their way and for locks of watched Regions, all streams together; a Region whose
 *     changes don't fit is registered anew by its client
 * @param patience after which a stream is ended whose client takes nothing
 */
public record CdcOptions(Duration interval, long memoryBytesMax, Duration patience) {

    public static final CdcOptions DEFAULT = new CdcOptions(Duration.ofMillis(200), 64L << 20, Duration.ofSeconds(30));

    public CdcOptions {
        if (interval.isNegative() || interval.isZero() || memoryBytesMax <= 0 || patience.isNegative()) {
            throw new IllegalArgumentException("options of the change feed must be positive");
        }
    }
}
