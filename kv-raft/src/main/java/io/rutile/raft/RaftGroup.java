package io.rutile.raft;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One replica of one group, as its own process sees it. All methods are safe from any thread and none blocks; futures fail
 * with {@link RaftException}.
 *
 * @param <R> what a proposer is answered
 */
public interface RaftGroup<R> {

    /** Longest question of {@link #followerReadIndex}. */
    int QUESTION_BYTES_MAX = 1 << 20;

    long groupId();

    Replica self();

    /**
     * Replicates bytes; completes after they are durable on a majority and applied here (R8), with what the state machine
     * answered.
     *
     * @param data not touched again by the caller
     * @param expectedTerm the term that the decision behind this entry was made in, or 0 for any
     * @param committed told before the outcome is, on the apply thread: {@link System#nanoTime()} when the entry was committed and the state
     *     machine took it up. Not told if there is no such outcome
     */
    CompletableFuture<R> propose(byte[] data, long expectedTerm, LongConsumer committed);

    default CompletableFuture<R> propose(byte[] data, long expectedTerm) {
        return propose(data, expectedTerm, nanos -> {});
    }

    default CompletableFuture<R> propose(byte[] data) {
        return propose(data, 0);
    }

    /** True if this replica leads, has applied an entry of its own term, and is not handing leadership over. */
    boolean isLeader();

    /** The current term, 0 before the first election. */
    long term();

    /** Who leads, as far as this replica knows. */
    @Nullable Replica leader();

    /**
     * True if no other leader can have served a write before this call began: {@link #isLeader} and a lease on the monotonic
     * clock (R7). Take the snapshot to be read first and ask afterwards; then the answer holds however long the process sleeps
     * next. About 30 ns, no lock.
     */
    boolean holdsLease();

    /**
     * Leader only: true if another replica that is serving reads may have applied, and shown, more than this one has. Then a read here
     * has to wait as {@link #readIndex} does, or it would go back behind what somebody has seen (R7). Ask before the snapshot is taken.
     * Always false while no other replica serves reads.
     */
    boolean isBehindFollowers();

    /** The same proof by a round to a majority, for when the lease has run out. Completes after this replica has applied so far. */
    CompletableFuture<Void> readIndex();

    /**
     * For a replica that does not lead, a learner too: after this completes with nothing, what the state machine holds is at least
     * as new as everything that was acknowledged before this call (R7). Take the snapshot to be read afterwards.
     *
     * <p>The order that makes it so: the question leaves after this call began. The leader takes it, asks its own state machine
     * ({@link ReplicatedStateMachine#onReadIndex}), <em>then</em> looks how far it has committed, and <em>then</em> proves, for the
     * same term, that nobody else can have led before: by its lease, else by a round to a majority that began after the question.
     * This replica completes once it has applied up to that index. The index is what is committed, not what the leader has applied:
     * a split that others may have applied by now is at or below it.
     *
     * <p>A leader that has just been deposed, that hands over, or that has not applied an entry of its own term gives no index.
     *
     * @param question for the leader's state machine
     * @param timeout how long the caller waits; never longer than two election timeouts
     * @return the state machine's refusal, or empty if this replica may be read; fails with {@code BUSY} if no leader is known, none
     *     answered in time, this replica leads itself or lags too far: nothing that asking again in a moment could not cure; with
     *     {@code INVALID} if the question is too long
     */
    CompletableFuture<Optional<byte[]>> followerReadIndex(byte[] question, Duration timeout);

    /** The committed membership. */
    Replicas replicas();

    /** Leader only: replicas that answered within the election timeout, this one included. Empty on a follower. */
    Set<Replica> reachable();

    /**
     * Leader only: replicas that have all but a little of the log, this one included: none of them needs an image, and none is more than ten
     * thousand entries behind what is committed. Who has yet to answer this leader is not among them. Empty on a follower.
     */
    Set<Replica> caughtUp();

    /**
     * Leader only: moves the membership to the target, catching new voters up before they count (D2). One at a time, else
     * {@code BUSY}. Completes when the new membership is committed.
     */
    CompletableFuture<Void> changeReplicas(Replicas target);

    /** Leader only: hands leadership to a voter. The lease is given up first (R7). */
    CompletableFuture<Void> transferLeader(Replica to);

    /**
     * Stands for election at once, without asking around whether it could win: for a group that has just come to be on several
     * stores and was never led. Does nothing once anybody has stood in it. Votes of replicas that their stores have yet to start
     * are asked for again until the candidacy ends.
     */
    void campaign();

    /** Last index that the state machine applied. */
    long appliedIndex();

    /** Last index that is known to be committed. */
    long committedIndex();

    /** First entry that the log here still holds: who lacks one before it needs an image (R2). */
    long firstLogIndex();
}
