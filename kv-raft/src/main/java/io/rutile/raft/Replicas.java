package io.rutile.raft;

import java.util.HashSet;
import java.util.Set;

/**
 * The membership of a group.
 *
 * @param voters who counts towards a majority
 * @param learners who receives the log without a vote
 */
public record Replicas(Set<Replica> voters, Set<Replica> learners) {

    public Replicas {
        voters = Set.copyOf(voters);
        learners = Set.copyOf(learners);
        Set<Replica> both = new HashSet<>(voters);
        both.retainAll(learners);
        if (!both.isEmpty()) {
            throw new IllegalArgumentException("voter and learner at once: " + both);
        }
    }

    public static Replicas ofVoters(Replica... voters) {
        return new Replicas(Set.of(voters), Set.of());
    }

    public boolean contains(Replica replica) {
        return voters.contains(replica) || learners.contains(replica);
    }
}
