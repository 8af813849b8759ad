package io.rutile.pd.meta;

import io.rutile.raft.RaftException;
import io.rutile.raft.RaftGroup;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/** The log as a Raft group keeps it. */
public final class RaftMetaLog implements MetaLog {

    private final RaftGroup<MetaOutcome> group;

    public RaftMetaLog(RaftGroup<MetaOutcome> group) {
        this.group = group;
    }

    @Override
    public CompletableFuture<MetaOutcome> propose(MetaRecord record, long term) {
        return translated(group.propose(record.encode(), term));
    }

    @Override
    public boolean leads(long term) {
        return group.isLeader() && group.term() == term;
    }

    @Override
    public boolean holdsLease(long term) {
        // The lease first, the term behind it: terms only grow, so a lease of a later term can't pass for one of this.
        return group.holdsLease() && group.term() == term;
    }

    @Override
    public CompletableFuture<Void> confirm(long term) {
        return translated(group.readIndex()).thenAccept(ignored -> {
            if (group.term() != term) {
                throw new MetaException(MetaException.Kind.NOT_LEADER, "term " + term + " is over");
            }
        });
    }

    @Override
    public long leaderId() {
        Replica leader = group.leader();
        return leader == null ? 0 : leader.storeId();
    }

    @Override
    public long term() {
        return group.term();
    }

    @Override
    public Set<Long> voters() {
        return ids(group.replicas().voters());
    }

    @Override
    public Set<Long> learners() {
        return ids(group.replicas().learners());
    }

    @Override
    public Set<Long> reachable() {
        return ids(group.reachable());
    }

    private static Set<Long> ids(Set<Replica> replicas) {
        return replicas.stream().map(Replica::storeId).collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public CompletableFuture<Void> changeMembers(Set<Long> voters, Set<Long> learners) {
        return translated(group.changeReplicas(new Replicas(replicas(voters), replicas(learners))));
    }

    private static Set<Replica> replicas(Set<Long> ids) {
        return ids.stream().map(InitialCluster::replica).collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public CompletableFuture<Void> transferLeader(long memberId) {
        return translated(group.transferLeader(InitialCluster.replica(memberId)));
    }

    private static <T> CompletableFuture<T> translated(CompletableFuture<T> future) {
        return future.handle((value, failure) -> {
            if (failure == null) {
                return value;
            }
            Throwable cause = failure instanceof CompletionException wrapped && wrapped.getCause() != null
                    ? wrapped.getCause()
                    : failure;
            if (cause instanceof RaftException raft) {
                throw new MetaException(kind(raft.kind()), String.valueOf(raft.getMessage()));
            }
            throw new CompletionException(cause);
        });
    }

    private static MetaException.Kind kind(RaftException.Kind kind) {
        return switch (kind) {
            case NOT_LEADER, STALE_TERM, STOPPED -> MetaException.Kind.NOT_LEADER;
            case UNDETERMINED -> MetaException.Kind.UNDETERMINED;
            case BUSY, INVALID -> MetaException.Kind.BUSY;
            case DISK -> MetaException.Kind.DISK;
        };
    }
}
