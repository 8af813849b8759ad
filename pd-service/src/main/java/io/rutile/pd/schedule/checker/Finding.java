package io.rutile.pd.schedule.checker;

import io.rutile.pd.schedule.operator.OperatorBuilder;

/** What a checker says about one Region. */
public sealed interface Finding {

    /** Something must be repaired, so. */
    record Repair(OperatorBuilder plan) implements Finding {}

    /**
     * Nothing is to be done, or nothing can be.
     *
     * @param reason in words for whoever asks why
     */
    record Nothing(boolean healthy, String reason) implements Finding {}

    static Finding healthy(String reason) {
        return new Nothing(true, reason);
    }

    /** The Region is not as it should be, but nothing can be done now. */
    static Finding blocked(String reason) {
        return new Nothing(false, reason);
    }
}
