package io.rutile.pd.schedule.checker;

import io.rutile.pd.schedule.operator.OperatorBuilder;
import java.util.List;

/** What a checker says about one Region. */
public sealed interface Finding {

    /**
     * Something must be done, so.
     *
     * @param plans for one Region each, of which either all are carried out or none
     */
    record Repair(List<OperatorBuilder> plans) implements Finding {

        public Repair {
            plans = List.copyOf(plans);
        }

        Repair(OperatorBuilder plan) {
            this(List.of(plan));
        }

        /** For the Region that was looked at. */
        public OperatorBuilder plan() {
            return plans.get(0);
        }
    }

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
