package io.rutile.raft;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a group replicates. Apply is deterministic: no clock, no random, the same outcome on every replica.
 *
 * <p>Threads: {@link #apply} and the {@code on…} methods are called one at a time, in order, on the group's apply thread (not
 * always the same one). {@link #persist}, {@link #writeImage} run on a background thread beside apply. {@link #installImage}
 * runs while nothing is applied.
 *
 * @param <R> what a proposer is answered
 */
public interface ReplicatedStateMachine<R> {

    /**
     * The last index whose effect this state already holds, read once when the group starts and after {@link #installImage}.
     * Entries up to it are skipped, never applied twice (R1).
     */
    long appliedIndex();

    /**
     * Applies a batch; its effects and its last index become visible in one step (R1). An exception poisons this replica: it
     * stops applying and {@link #onFailure} is called.
     */
    void apply(CommittedEntries<R> entries);

    /**
     * Makes everything that was applied up to now survive a power cut, so that the log behind it may go (R8). A file sync, no
     * copy of data.
     *
     * @throws IOException if it can't be promised; the log is then kept
     */
    void persist() throws IOException;

    /**
     * Writes a full image of the state into an empty directory, for a replica that can't be served from the log. Called on a
     * background thread while apply goes on; what it writes must be one consistent moment.
     *
     * @return the applied index of that moment, at least the applied index when it was called
     */
    long writeImage(Path directory) throws IOException;

    /**
     * Replaces the whole state by an image that another replica wrote; atomic with regard to a crash: afterwards {@link
     * #appliedIndex} answers either the image's index or what it was before.
     *
     * @throws IOException if the image is damaged or can't be taken now; the sender tries again
     */
    void installImage(Path directory) throws IOException;

    /** This replica leads from now on and has applied everything of earlier terms. */
    default void onLeaderStart(long term) {}

    /** This replica no longer leads. */
    default void onLeaderStop() {}

    /** This replica follows another leader, or none is known. */
    default void onLeaderChanged(@Nullable Replica leader, long term) {}

    /**
     * The leader's side of {@link RaftGroup#followerReadIndex}: what another replica asks before it serves a read. Called on a
     * message thread beside everything else, possibly on several at once; must not block. The index is looked up after it returns,
     * so what it has made visible comes before every write that the reader won't see. It may be called on a replica that leads no
     * more without knowing it: then the reader is given no index.
     *
     * @param question what the asking replica sent, at most {@link RaftGroup#QUESTION_BYTES_MAX}; from the network, so it may be
     *     anything
     * @return why it may not read, in words that its state machine understands, or null
     */
    default byte @Nullable [] onReadIndex(byte[] question) {
        return null;
    }

    /** A membership is committed. The Region epoch does not come from here: see {@link RaftGroup#changeReplicas}. */
    default void onReplicas(Replicas replicas) {}

    /**
     * Another store has answered that this group has ended ({@link UnknownReplicas#isDissolved}). Said again with every message that
     * goes there; on any thread, beside everything else; must not block.
     */
    default void onDissolved() {}

    /** This replica is dead until it is created anew: a failing disk, or an exception out of {@link #apply}. */
    default void onFailure(Throwable cause) {}
}
