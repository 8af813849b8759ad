package io.rutile.raft;

/** Asked when a leader sends to a replica that is not running here. */
public interface UnknownReplicas {

    /**
     * The owner may start the replica (empty, waiting for an image) with {@link RaftServer#startGroup}, or ignore the message:
     * a tombstone says that this incarnation is gone for ever (R5). The sender tries again by itself. Called on a pool thread,
     * at most once at a time for a group.
     */
    void onMessage(long groupId, Replica self, Replica from);

    /**
     * Whether the group itself has ended, on every store, so that whoever still sends in its name can be told ({@link
     * ReplicatedStateMachine#onDissolved}). Only a yes that can never become a no again. Called on a pool thread.
     */
    default boolean isDissolved(long groupId) {
        return false;
    }
}
