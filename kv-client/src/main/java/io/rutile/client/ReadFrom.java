package io.rutile.client;

/** Which replicas of a Region may serve a read. The answer is as new either way (linearizable, or the snapshot's own moment). */
public enum ReadFrom {
    /** The leader alone: one way there and back. */
    LEADER,
    /**
     * Whichever replica, learners too: the load spreads, for one more way from the replica to its leader. A replica that can't serve
     * costs one attempt; then the leader is asked.
     */
    ANY,
    /**
     * Whichever replica, without a word to its leader: for snapshots of a moment that is past by a few seconds, and of that moment all the
     * same. A replica that can't promise yet that nothing more will be committed at or before it costs one attempt; then the leader is
     * asked. Not for raw pairs, which have no versions.
     */
    STALE
}
