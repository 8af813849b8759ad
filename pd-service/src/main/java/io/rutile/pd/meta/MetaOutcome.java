package io.rutile.pd.meta;

/** What came of a record when it was applied; the same on every member. */
public sealed interface MetaOutcome {

    /**
     * The record is part of the state now.
     *
     * @param value what the record hands out: the last id of a window, the cluster id; else 0
     */
    record Applied(long value) implements MetaOutcome {}

    /**
     * The state is as it was.
     *
     * @param message in words that a client may see
     */
    record Refused(Reason reason, String message) implements MetaOutcome {}

    /** Why a record changed nothing. */
    enum Reason {
        ALREADY_BOOTSTRAPPED,
        STORE_TOMBSTONE,
        DUPLICATE_ADDRESS,
        INCOMPATIBLE_VERSION,
        INVALID_VALUE,
        EXHAUSTED
    }

    MetaOutcome DONE = new Applied(0);
}
