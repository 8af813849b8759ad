package io.rutile.raft;

import java.nio.ByteBuffer;

/**
 * Committed entries handed to a state machine, in log order; a cursor that is valid only during {@link
 * ReplicatedStateMachine#apply}.
 *
 * <pre>
 * while (entries.next()) {
 *     R outcome = decide(entries.data());   // collects into one write batch
 *     entries.complete(outcome);            // reaches the proposer after apply() has returned
 * }
 * engine.write(batch + entries.index());    // R1: data and applied index in one batch
 * </pre>
 *
 * @param <R> what a proposer is answered
 */
public interface CommittedEntries<R> {

    /** Moves to the next entry; false at the end of the batch. Bounded in entries and bytes. */
    boolean next();

    /** Log index of the current entry; after the loop, of the last one. */
    long index();

    /** Term in which the current entry was proposed. */
    long term();

    /** The proposed bytes: a read-only view, valid until {@code apply} returns. */
    ByteBuffer data();

    /**
     * The outcome for the current entry. Kept until {@code apply} returns without an exception and then given to the proposer,
     * if it is in this process and still waits. An entry without an outcome is answered with null.
     */
    void complete(R outcome);
}
