package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * One step of a Region's membership: what PD orders, what the log carries, and what it makes of a Region.
 *
 * @param kind what to do
 * @param peer whom it concerns; its role follows from the kind
 */
public record PeerChange(Kind kind, Peer peer) {

    /** The kinds of steps. {@code id} is part of the command format and never changes. */
    public enum Kind {
        /** A new voter, or a learner that becomes one. */
        ADD_VOTER(0),
        ADD_LEARNER(1),
        REMOVE(2);

        private final int id;

        Kind(int id) {
            this.id = id;
        }

        int id() {
            return id;
        }

        static Kind byId(int id) {
            for (Kind kind : values()) {
                if (kind.id == id) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("unknown kind of peer change " + id);
        }
    }

    public PeerChange {
        Objects.requireNonNull(kind);
        if (peer.getId() <= 0 || peer.getId() > Integer.MAX_VALUE || peer.getStoreId() <= 0) {
            throw new IllegalArgumentException("peer " + peer.getId() + " on store " + peer.getStoreId());
        }
    }

    /** True if the Region already is what this step wants. */
    public boolean isDone(Region region) {
        Optional<Peer> present = find(region);
        return switch (kind) {
            case REMOVE -> present.isEmpty();
            case ADD_VOTER -> present.isPresent() && present.get().getRole() == PeerRole.Voter;
            case ADD_LEARNER -> present.isPresent() && present.get().getRole() == PeerRole.Learner;
        };
    }

    /**
     * Why this step can't be taken on this Region, or empty. Pure, so that leader and followers answer the same (R4).
     */
    Optional<String> refusal(Region region) {
        Optional<String> conflict = conflict(region);
        if (conflict.isPresent() || kind != Kind.REMOVE) {
            return conflict;
        }
        boolean others = region.getPeersList().stream()
                .anyMatch(p -> p.getRole() == PeerRole.Voter && p.getId() != peer.getId());
        return others ? Optional.empty() : Optional.of("peer " + peer.getId() + " is the last voter");
    }

    /** The same without the question whether a voter is left, which several steps answer together. */
    Optional<String> conflict(Region region) {
        if (isDone(region)) {
            return Optional.of("peer " + peer.getId() + " is already what " + kind + " asks for");
        }
        if (kind == Kind.REMOVE) {
            return Optional.empty();
        }
        if (find(region).isPresent()) {
            return kind == Kind.ADD_LEARNER
                    ? Optional.of("peer " + peer.getId() + " is a voter, remove it first")
                    : Optional.empty();
        }
        boolean storeTaken = region.getPeersList().stream().anyMatch(p -> p.getStoreId() == peer.getStoreId());
        return storeTaken ? Optional.of("store " + peer.getStoreId() + " has a peer already") : Optional.empty();
    }

    /** The Region after this step: {@code conf_ver} is one more. */
    Region applyTo(Region region) {
        List<Peer> peers = new ArrayList<>(region.getPeersList());
        peers.removeIf(p -> p.getId() == peer.getId());
        if (kind != Kind.REMOVE) {
            peers.add(Peer.newBuilder()
                    .setId(peer.getId())
                    .setStoreId(peer.getStoreId())
                    .setRole(kind == Kind.ADD_VOTER ? PeerRole.Voter : PeerRole.Learner)
                    .build());
        }
        return region.toBuilder()
                .clearPeers()
                .addAllPeers(peers)
                .setRegionEpoch(region.getRegionEpoch().toBuilder()
                        .setConfVer(region.getRegionEpoch().getConfVer() + 1))
                .build();
    }

    private Optional<Peer> find(Region region) {
        return region.getPeersList().stream()
                .filter(p -> p.getId() == peer.getId())
                .findFirst();
    }

    /** The Raft membership that a Region asks for. */
    static Replicas replicas(Region region) {
        Set<Replica> voters = new HashSet<>();
        Set<Replica> learners = new HashSet<>();
        for (Peer peer : region.getPeersList()) {
            (peer.getRole() == PeerRole.Learner ? learners : voters).add(replica(peer));
        }
        return new Replicas(voters, learners);
    }

    static Replica replica(Peer peer) {
        return new Replica(peer.getStoreId(), peer.getId());
    }
}
