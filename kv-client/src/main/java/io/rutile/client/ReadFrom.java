package io.rutile.client;

/** Which replicas of a Region may serve a read. The answer is as new either way (linearizable, or the snapshot's own moment). */
public enum ReadFrom {
    /** The leader alone: one way there and back. */
    LEADER,
    /**
     * Whichever replica, learners too: the load spreads, for one more way from the replica to its leader. A replica that can't serve
     * costs one attempt; then the leader is asked.
     */
    ANY
}
