package io.rutile.pd.meta;

import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** The replicated log as this room sees it: the Raft group, or one process alone in a unit test. Safe from any thread. */
public interface MetaLog {

    /**
     * Replicates a record that was decided in this term. Completes when it is durable on a majority and applied here; fails
     * with {@link MetaException}.
     */
    CompletableFuture<MetaOutcome> propose(MetaRecord record, long term);

    /** True if this member leads in exactly this term. */
    boolean leads(long term);

    /** True if, at the moment of the call, no other member can have led after this term (T1). Take the value first, ask afterwards. */
    boolean holdsLease(long term);

    /** The same proof by a round to a majority, for when the lease has run out. */
    CompletableFuture<Void> confirm(long term);

    /** Who leads as far as this member knows, 0 if unknown. */
    long leaderId();

    long term();

    /** Who votes, as the log has it. */
    Set<Long> voters();

    /** Who receives the log without a vote. */
    Set<Long> learners();

    /** Leader only: who has answered within an election timeout, this member included; empty on a follower. */
    Set<Long> reachable();

    /**
     * Leader only: changes who votes and who learns. A new voter counts once it has caught up (D2). One change at a time, else it fails
     * with {@code BUSY}. Completes when a majority has the change.
     */
    CompletableFuture<Void> changeMembers(Set<Long> voters, Set<Long> learners);

    /** Leader only: hands leadership to another voter, which completes it. */
    CompletableFuture<Void> transferLeader(long memberId);
}
