package io.rutile.pd.schedule.checker;

import java.time.Duration;

/**
 * Which Regions are too small to be alone.
 *
 * @param sizeMibMax a Region that is larger is not merged into another
 * @param keysMax nor one with more keys
 * @param resultMibMax nor if what comes of it would be larger than this, for it would soon be split again
 * @param restAfterSplit how long a Region's range must have stood still
 */
public record MergeOptions(long sizeMibMax, long keysMax, long resultMibMax, Duration restAfterSplit) {

    public static final MergeOptions DEFAULTS = new MergeOptions(20, 200_000, 64, Duration.ofHours(1));
}
