package io.rutile.pd.schedule.scheduler;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * How a scheduler's last round ended.
 *
 * @param summary in words
 * @param stores what kept it from doing something for a store, as words that follow "store 3"
 * @param atMs wall clock
 */
public record Verdict(Outcome outcome, String summary, Map<Long, String> stores, long atMs) {

    /** What came of a round. */
    public enum Outcome {
        /** Operators. */
        MADE,
        /** Nothing needed to be done. */
        NOTHING,
        /** Something should be done and could not be. */
        BLOCKED,
        /** The settings, or a pause, keep it from looking. */
        OFF
    }

    public Verdict {
        stores = Collections.unmodifiableMap(new TreeMap<>(stores));
    }
}
