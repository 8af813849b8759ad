package io.rutile.node.placement;

import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.PeerStats;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Peers of a Region that its leader can't count on, as PD is told of them. <em>Pending</em> is who has yet to catch up, or has been taken in
 * or given a vote by the Region and not yet by Raft: it must not be promoted, lead, or make somebody else dispensable. <em>Down</em> is who says
 * nothing: whoever answers, with or without a log, lives, however long its image takes.
 *
 * <p>Used by one thread.
 */
final class Absentees {

    /** A peer that has been silent this long is called down, not only pending. */
    private static final Duration DOWN_AFTER = Duration.ofSeconds(10);

    /** By peer: when it was last heard, or was first missed. */
    private final Map<Long, Long> heardSeconds = new HashMap<>();

    /** A new leader has no opinion about anybody yet. */
    void forget() {
        heardSeconds.clear();
    }

    /**
     * What a leader knows of its peers.
     *
     * @param members as Raft has them
     * @param reachable who has answered lately
     * @param caughtUp who needs no image and has nearly all of the log
     */
    record Known(Replica self, Replicas members, Set<Replica> reachable, Set<Replica> caughtUp) {

        static Known to(RegionPeer leader) {
            return new Known(leader.self(), leader.raftMembers(), leader.reachable(), leader.caughtUp());
        }

        boolean hears(Replica replica) {
            return replica.equals(self) || reachable.contains(replica);
        }

        boolean isPending(Peer peer) {
            Replica replica = replicaOf(peer);
            // Who has been promoted in the Region and not in Raft has no vote yet.
            boolean member =
                    peer.getRole() == PeerRole.Voter ? members.voters().contains(replica) : members.contains(replica);
            return !member || !hears(replica) || !(replica.equals(self) || caughtUp.contains(replica));
        }
    }

    private static Replica replicaOf(Peer peer) {
        return new Replica(peer.getStoreId(), peer.getId());
    }

    /** Those of a Region that are pending. */
    static List<Peer> pending(Region region, Known known) {
        return region.getPeersList().stream().filter(known::isPending).toList();
    }

    /** Those of a Region that are down; to be asked at every report. @param now in seconds */
    List<PeerStats> down(Region region, Known known, long now) {
        List<PeerStats> down = new ArrayList<>();
        for (Peer peer : region.getPeersList()) {
            if (known.hears(replicaOf(peer))) {
                heardSeconds.put(peer.getId(), now);
            }
            long silent = now - heardSeconds.computeIfAbsent(peer.getId(), id -> now);
            if (silent >= DOWN_AFTER.toSeconds()) {
                down.add(PeerStats.newBuilder()
                        .setPeer(peer)
                        .setDownSeconds(silent)
                        .build());
            }
        }
        return down;
    }
}
