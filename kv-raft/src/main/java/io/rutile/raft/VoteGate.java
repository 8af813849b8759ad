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
    /** Votes that have passed and are not given yet; guarded by this. */
    private int deciding;

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

    /**
     * A leader is heard past the queue of messages, in which a vote may be under way.
     *
     * @return false if one is: it would be granted behind the promise
     */
    synchronized boolean hearLeader() {
        if (deciding > 0) {
            return false;
        }
        heardLeader();
        return true;
    }

    /**
     * Whether a vote may be decided. If so, no leader is {@linkplain #hearLeader heard} until {@link #voteDecided} is called.
     */
    synchronized boolean mayDecide(boolean handover) {
        if (!mayGrant(handover)) {
            return false;
        }
        deciding++;
        return true;
    }

    /** That vote is given, or refused. */
    synchronized void voteDecided() {
        deciding--;
    }
}
