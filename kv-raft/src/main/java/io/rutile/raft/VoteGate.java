package io.rutile.raft;

import java.util.function.LongSupplier;

/**
 * What a follower owes the leader that it has answered: no vote for anybody else, itself included, until one election timeout
 * has passed (R7). Without it a vote that was decided before a heartbeat arrived could still be granted after it, while the old leader counts on
 * the answer.
 *
 * <p>A replica that has just started may have forgotten such a leader, and grants nothing for the same time; unless the group
 * has never had one. A vote that the leader itself asked for by handing over passes: it gave up its lease first.
 */
final class VoteGate {

    private final long electionTimeoutNanos;
    private final LongSupplier nanoClock;
    private volatile long closedSinceNanos;
    private volatile boolean neverClosed;

    VoteGate(long electionTimeoutNanos, LongSupplier nanoClock, boolean neverLed) {
        this.electionTimeoutNanos = electionTimeoutNanos;
        this.nanoClock = nanoClock;
        this.closedSinceNanos = nanoClock.getAsLong();
        this.neverClosed = neverLed;
    }

    /** A leader's message has come in, or an answer in its own term is about to leave. */
    void heardLeader() {
        closedSinceNanos = nanoClock.getAsLong();
        neverClosed = false;
    }

    boolean mayGrant(boolean handover) {
        return handover || neverClosed || nanoClock.getAsLong() - closedSinceNanos >= electionTimeoutNanos;
    }
}
