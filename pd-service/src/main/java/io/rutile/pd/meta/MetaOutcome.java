package io.rutile.pd.meta;

import java.util.Optional;

/** What came of a record when it was applied; the same on every member. */
public sealed interface MetaOutcome {

    /**
     * The record is part of the state now.
     *
     * @param value what the record hands out: the last id of a window, the cluster id; else 0
     */
    record Applied(long value) implements MetaOutcome {}

    /**
     * A safe point was moved, or stays where it is because something holds it.
     *
     * @param before as it was
     * @param after as it is now, not before {@code before}
     * @param blocker what kept it from going where it was to go
     */
    record Moved(long before, long after, Optional<GcBarrier> blocker) implements MetaOutcome {}

    /** The barrier that was set or taken away; empty if none was there to be taken. */
    record Barrier(Optional<GcBarrier> barrier) implements MetaOutcome {}

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
        STORE_DESTROYED,
        STORE_UP,
        STORES_NOT_ENOUGH,
        DUPLICATE_ADDRESS,
        INCOMPATIBLE_VERSION,
        INVALID_VALUE,
        EXHAUSTED,
        BEHIND_SAFE_POINT,
        BEYOND_TXN_SAFE_POINT,
        DUPLICATE_NAME,
        NOT_FOUND,
        MEMBER_REMOVED,
        /** It has lost its data directory (R3). */
        MEMBER_REPLACED,
        /** The members that would be left are no majority that answers (D2). */
        MEMBERS_NOT_ENOUGH,
        /** What it was decided on has changed in the meantime; decided anew, it may pass. */
        CONFLICT
    }

    MetaOutcome DONE = new Applied(0);
}
