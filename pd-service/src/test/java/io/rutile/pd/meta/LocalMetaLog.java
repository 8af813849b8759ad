package io.rutile.pd.meta;

import io.rutile.raft.CommittedEntries;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A log of one process without Raft: applies at once, through the bytes, and can be told to lose its leadership or to hang. */
public final class LocalMetaLog implements MetaLog {

    private final MetaStateMachine stateMachine;
    private final long memberId;
    private final List<Runnable> held = new ArrayList<>();
    private long term = 1;
    private long leaderId;
    private boolean lease = true;
    private boolean holding;
    private Set<Long> voters = Set.of(1L, 2L);
    private Set<Long> learners = Set.of();
    private Set<Long> reachable = Set.of(1L, 2L);

    public LocalMetaLog(MetaStateMachine stateMachine, long memberId) {
        this.stateMachine = stateMachine;
        this.memberId = memberId;
        this.leaderId = memberId;
    }

    /** This member is elected again, in a new term. */
    public synchronized void elect() {
        term++;
        leaderId = memberId;
        lease = true;
    }

    /** Another member is elected. */
    public synchronized void follow(long leader) {
        term++;
        leaderId = leader;
        lease = false;
    }

    /** Still leader as far as it knows, but can't prove it. */
    public synchronized void loseLease() {
        lease = false;
    }

    /** Proposals wait from now on. */
    public synchronized void hold() {
        holding = true;
    }

    public void release() {
        List<Runnable> waiting;
        synchronized (this) {
            holding = false;
            waiting = List.copyOf(held);
            held.clear();
        }
        waiting.forEach(Runnable::run);
    }

    public synchronized int heldProposals() {
        return held.size();
    }

    /** As a record of another member arrives: whoever leads. */
    public MetaOutcome applyForeign(MetaRecord record) {
        return apply(record.encode());
    }

    @Override
    public CompletableFuture<MetaOutcome> propose(MetaRecord record, long expectedTerm) {
        CompletableFuture<MetaOutcome> answer = new CompletableFuture<>();
        synchronized (this) {
            if (holding) {
                held.add(() -> decide(record, expectedTerm, answer));
                return answer;
            }
        }
        decide(record, expectedTerm, answer);
        return answer;
    }

    private void decide(MetaRecord record, long expectedTerm, CompletableFuture<MetaOutcome> answer) {
        if (leads(expectedTerm)) {
            answer.complete(apply(record.encode()));
        } else {
            answer.completeExceptionally(new MetaException(MetaException.Kind.NOT_LEADER, "not leader"));
        }
    }

    private synchronized MetaOutcome apply(byte[] bytes) {
        OneEntry entry = new OneEntry(stateMachine.appliedIndex() + 1, term, bytes);
        stateMachine.apply(entry);
        if (entry.outcome == null) {
            throw new AssertionError("a record without outcome");
        }
        return entry.outcome;
    }

    @Override
    public synchronized boolean leads(long inTerm) {
        return leaderId == memberId && term == inTerm;
    }

    @Override
    public synchronized boolean holdsLease(long inTerm) {
        return leads(inTerm) && lease;
    }

    @Override
    public synchronized CompletableFuture<Void> confirm(long inTerm) {
        return holdsLease(inTerm)
                ? CompletableFuture.completedFuture(null)
                : CompletableFuture.failedFuture(new MetaException(MetaException.Kind.NOT_LEADER, "not leader"));
    }

    @Override
    public synchronized long leaderId() {
        return leaderId;
    }

    @Override
    public synchronized long term() {
        return term;
    }

    @Override
    public synchronized Set<Long> voters() {
        return voters;
    }

    @Override
    public synchronized Set<Long> learners() {
        return learners;
    }

    @Override
    public synchronized Set<Long> reachable() {
        return reachable;
    }

    /** Who answers from now on. */
    public synchronized void answering(Long... members) {
        reachable = Set.of(members);
    }

    @Override
    public synchronized CompletableFuture<Void> changeMembers(Set<Long> vote, Set<Long> learn) {
        voters = Set.copyOf(vote);
        learners = Set.copyOf(learn);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletableFuture<Void> transferLeader(long member) {
        follow(member);
        return CompletableFuture.completedFuture(null);
    }

    private static final class OneEntry implements CommittedEntries<MetaOutcome> {
        private final long index;
        private final long term;
        private final byte[] bytes;
        private boolean begun;
        private @Nullable MetaOutcome outcome;

        private OneEntry(long index, long term, byte[] bytes) {
            this.index = index;
            this.term = term;
            this.bytes = bytes;
        }

        @Override
        public boolean next() {
            boolean first = !begun;
            begun = true;
            return first;
        }

        @Override
        public long index() {
            return index;
        }

        @Override
        public long term() {
            return term;
        }

        @Override
        public ByteBuffer data() {
            return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
        }

        @Override
        public void complete(MetaOutcome answer) {
            outcome = answer;
        }
    }
}
