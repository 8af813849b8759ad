package io.rutile.node.raftstore;

import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Several steps of a Region's membership that happen together or not at all: one entry of the log, one joint change of Raft's
 * membership. {@code conf_ver} grows by their number.
 *
 * @param changes 1 to {@link #CHANGES_MAX}, each about another peer
 */
record PeerChanges(List<PeerChange> changes) {

    /** More than any Region has peers to exchange; part of what an entry may hold. */
    static final int CHANGES_MAX = 16;

    PeerChanges {
        changes = List.copyOf(changes);
        if (changes.isEmpty() || changes.size() > CHANGES_MAX) {
            throw new IllegalArgumentException(changes.size() + " peer changes, 1 to " + CHANGES_MAX + " go together");
        }
        Set<Long> peers = new HashSet<>();
        if (!changes.stream().allMatch(change -> peers.add(change.peer().getId()))) {
            throw new IllegalArgumentException("a peer changes twice at once");
        }
    }

    /**
     * Why these steps can't be taken together, or empty. Pure, so that leader and followers answer the same (R4). Who is let go keeps
     * its store until Raft has let it go, too, so a newcomer needs a store that nobody is on before the change (R3).
     */
    Optional<String> refusal(Region region) {
        Set<Long> stores = new HashSet<>();
        for (PeerChange change : changes) {
            Optional<String> conflict = change.conflict(region);
            if (conflict.isPresent()) {
                return conflict;
            }
            if (!stores.add(change.peer().getStoreId())) {
                return Optional.of("store " + change.peer().getStoreId() + " changes twice at once");
            }
        }
        boolean voterLeft = applyTo(region).getPeersList().stream().anyMatch(peer -> peer.getRole() == PeerRole.Voter);
        return voterLeft ? Optional.empty() : Optional.of("no voter of region " + region.getId() + " would be left");
    }

    Region applyTo(Region region) {
        Region next = region;
        for (PeerChange change : changes) {
            next = change.applyTo(next);
        }
        return next;
    }

    boolean removes(long peerId) {
        return changes.stream()
                .filter(change -> change.kind() == PeerChange.Kind.REMOVE)
                .map(PeerChange::peer)
                .mapToLong(Peer::getId)
                .anyMatch(id -> id == peerId);
    }
}
