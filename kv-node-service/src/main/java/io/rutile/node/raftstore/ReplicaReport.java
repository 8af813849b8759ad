package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Region;
import org.jspecify.annotations.Nullable;

/**
 * A replica of this store, for who compares stores.
 *
 * @param regionId known also where nothing else is
 * @param peerId this incarnation
 * @param leader whether it may serve
 * @param region as this replica has applied it; null until its first image has arrived
 * @param hash of the last consistency check, if there was one
 * @param mismatch the last difference from a leader that was found here, until a later check finds none
 * @param failure why it is dead, if it is: it serves nothing
 */
public record ReplicaReport(
        long regionId,
        long peerId,
        boolean leader,
        @Nullable Region region,
        @Nullable Hash hash,
        @Nullable Mismatch mismatch,
        @Nullable String failure) {

    /** How far a check has come on this replica. */
    public enum State {
        /** What is there is being read. */
        COMPUTING,
        /** The leader has not told its own yet. */
        COMPUTED,
        /** The same as the leader's. */
        EQUAL,
        /** Not the same: one of the two is wrong. */
        DIFFERENT,
        /** Not computed: too many under way, or the disk failed. */
        FAILED
    }

    /**
     * One check.
     *
     * @param index of the log that it is of
     * @param value in hex; null unless it has been computed
     * @param records that were hashed
     * @param bytes of their keys and values
     */
    public record Hash(long index, State state, @Nullable String value, long records, long bytes) {}

    /**
     * A difference.
     *
     * @param own hex
     * @param leaders hex
     */
    public record Mismatch(long index, String own, String leaders) {}
}
