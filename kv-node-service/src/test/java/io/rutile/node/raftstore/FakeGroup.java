package io.rutile.node.raftstore;

import io.rutile.raft.RaftException;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A group that does what a test says and writes down what it was asked. */
final class FakeGroup implements RaftGroup<ApplyOutcome> {

    final List<String> asked = new ArrayList<>();
    final Deque<CompletableFuture<ApplyOutcome>> proposals = new ArrayDeque<>();
    final Deque<CompletableFuture<Void>> changes = new ArrayDeque<>();
    final Deque<CompletableFuture<Void>> transfers = new ArrayDeque<>();
    final List<byte[]> questions = new ArrayList<>();
    final Deque<CompletableFuture<Optional<byte[]>>> followerReads = new ArrayDeque<>();
    private byte[] lastProposed = {};
    /** Of the last proposal. */
    volatile LongConsumer committed = nanos -> {};

    volatile boolean leads = true;
    volatile boolean lease = true;
    volatile boolean behindFollowers;
    volatile long term = 7;
    volatile @Nullable Replica leader = new Replica(1, 11);
    volatile Replicas members = Replicas.ofVoters(new Replica(1, 11));
    volatile Set<Replica> silent = Set.of();
    volatile CompletableFuture<Void> readIndex = CompletableFuture.completedFuture(null);

    static CompletableFuture<ApplyOutcome> failed(RaftException.Kind kind) {
        return CompletableFuture.failedFuture(new RaftException(kind, "by test"));
    }

    @Override
    public long groupId() {
        return 5;
    }

    @Override
    public Replica self() {
        return new Replica(1, 11);
    }

    @Override
    public synchronized CompletableFuture<ApplyOutcome> propose(
            byte[] data, long expectedTerm, LongConsumer committed) {
        asked.add("propose in term " + expectedTerm);
        lastProposed = data;
        this.committed = committed;
        CompletableFuture<ApplyOutcome> next = proposals.poll();
        return next == null ? CompletableFuture.completedFuture(ApplyOutcome.DONE) : next;
    }

    @Override
    public boolean isLeader() {
        return leads;
    }

    @Override
    public long term() {
        return term;
    }

    @Override
    public @Nullable Replica leader() {
        return leader;
    }

    @Override
    public synchronized boolean holdsLease() {
        asked.add("holdsLease");
        return lease;
    }

    @Override
    public boolean isBehindFollowers() {
        return behindFollowers;
    }

    @Override
    public synchronized CompletableFuture<Void> readIndex() {
        asked.add("readIndex");
        return readIndex;
    }

    @Override
    public synchronized CompletableFuture<Optional<byte[]>> followerReadIndex(byte[] question, Duration timeout) {
        asked.add("followerReadIndex");
        questions.add(question);
        CompletableFuture<Optional<byte[]>> next = followerReads.poll();
        return next == null ? CompletableFuture.completedFuture(Optional.empty()) : next;
    }

    @Override
    public Replicas replicas() {
        return members;
    }

    @Override
    public Set<Replica> reachable() {
        return members.voters().stream()
                .filter(replica -> !silent.contains(replica))
                .collect(Collectors.toSet());
    }

    @Override
    public Set<Replica> caughtUp() {
        return reachable();
    }

    @Override
    public synchronized CompletableFuture<Void> changeReplicas(Replicas target) {
        asked.add("change to " + target.voters().size() + " voters");
        CompletableFuture<Void> next = changes.poll();
        CompletableFuture<Void> result = next == null ? CompletableFuture.completedFuture(null) : next;
        return result.thenRun(() -> members = target);
    }

    @Override
    public synchronized CompletableFuture<Void> transferLeader(Replica to) {
        asked.add("transfer to " + to);
        CompletableFuture<Void> next = transfers.poll();
        return next == null ? CompletableFuture.completedFuture(null) : next;
    }

    @Override
    public synchronized void campaign() {
        asked.add("campaign");
    }

    @Override
    public long appliedIndex() {
        return 0;
    }

    @Override
    public long committedIndex() {
        return 0;
    }

    @Override
    public long firstLogIndex() {
        return 1;
    }

    synchronized byte[] lastProposed() {
        return lastProposed;
    }

    synchronized List<String> asked() {
        return List.copyOf(asked);
    }
}
