package io.rutile.cli.workload;

import io.rutile.cli.check.Outcome;
import org.jspecify.annotations.Nullable;

/** A call to a store that was not done. */
public final class StoreFailure extends RuntimeException {

    /** What a client does next. */
    public enum Cause {
        /** Another transaction was there first: at once the next one. */
        CONFLICT,
        /** The store can't be reached or does not answer: the next one after a pause. */
        UNAVAILABLE
    }

    private final Cause why;
    private final Outcome outcome;

    /** @param outcome of the transaction, FAILED or UNKNOWN */
    public StoreFailure(Cause why, Outcome outcome, String message, @Nullable Throwable cause) {
        super(message, cause);
        if (outcome == Outcome.OK) {
            throw new IllegalArgumentException("a failure has no outcome OK");
        }
        this.why = why;
        this.outcome = outcome;
    }

    public Cause why() {
        return why;
    }

    public Outcome outcome() {
        return outcome;
    }
}
