package io.rutile.node.placement;

import io.rutile.client.pd.PdClient.RegionHeartbeats;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionTraffic;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.PeerStats;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.TimeInterval;
import io.rutile.raft.Replica;
import io.rutile.raft.Replicas;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What a store reports about each Region that it leads.
 *
 * <p>PD observes: a peer that the Region has taken in, or given a vote, and Raft not yet is <em>pending</em>; a peer that the Region has let go is
 * reported as still there until Raft has let it go, too, so that PD never takes a removal for done too early (D1, D2).
 *
 * <p>Used by the link's thread alone.
 */
final class RegionHeartbeat {

    /** A peer that has been silent this long is called down, not only pending. */
    private static final Duration DOWN_AFTER = Duration.ofSeconds(10);

    /** What is remembered of a Region between two reports. */
    private static final class Memory {
        private long term;
        private long lastSeconds;
        private RegionTraffic.Totals traffic = RegionTraffic.Totals.NONE;
        private final Map<Long, Long> seenSeconds = new HashMap<>();
    }

    private final RaftStore store;
    private final Clock clock;
    private final Map<Long, Memory> memories = new HashMap<>();

    RegionHeartbeat(RaftStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /** Reports every Region that this store leads. */
    void sendAll(RegionHeartbeats to) {
        memories.keySet()
                .removeIf(id -> store.region(id).filter(RegionPeer::isLeader).isEmpty());
        store.leaders().forEach(peer -> send(peer, to));
    }

    /** Reports one Region, if it is still led here. */
    void send(RegionPeer peer, RegionHeartbeats to) {
        try {
            if (peer.isLeader()) {
                to.send(report(peer));
            }
        } catch (RegionException e) {
            // It has been taken down in the meantime.
            memories.remove(peer.regionId());
        }
    }

    private RegionHeartbeatRequest report(RegionPeer peer) {
        long now = clock.instant().getEpochSecond();
        Region region = peer.region();
        Memory memory = memories.computeIfAbsent(peer.regionId(), id -> new Memory());
        if (memory.term != peer.term()) {
            // A new leader has no opinion about anybody yet.
            memory.term = peer.term();
            memory.seenSeconds.clear();
        }
        RegionTraffic.Totals traffic = peer.traffic().totals();
        RegionTraffic.Totals since = traffic.minus(memory.traffic);
        RaftStore.Approximation size = store.approximate(RaftStore.rangeOf(region));
        RegionHeartbeatRequest.Builder report = RegionHeartbeatRequest.newBuilder()
                .setRegion(peer.reported())
                .setLeader(peerOf(region, peer.self()))
                .setTerm(peer.term())
                .setBytesWritten(Math.max(0, since.bytesWritten()))
                .setKeysWritten(Math.max(0, since.keysWritten()))
                .setBytesRead(Math.max(0, since.bytesRead()))
                .setKeysRead(Math.max(0, since.keysRead()))
                .setApproximateSize(size.bytes())
                .setApproximateKeys(size.keys())
                .setInterval(TimeInterval.newBuilder()
                        .setStartTimestamp(memory.lastSeconds == 0 ? now : memory.lastSeconds)
                        .setEndTimestamp(now));
        addAbsentees(report, region, peer, memory, now);
        memory.traffic = traffic;
        memory.lastSeconds = now;
        return report.build();
    }

    private static void addAbsentees(
            RegionHeartbeatRequest.Builder report, Region region, RegionPeer peer, Memory memory, long now) {
        Replicas members = peer.raftMembers();
        Set<Replica> reachable = peer.reachable();
        for (Peer other : region.getPeersList()) {
            Replica replica = new Replica(other.getStoreId(), other.getId());
            // Who has been promoted in the Region and not in Raft has no vote yet.
            boolean member =
                    other.getRole() == PeerRole.Voter ? members.voters().contains(replica) : members.contains(replica);
            if (member && (reachable.contains(replica) || replica.equals(peer.self()))) {
                memory.seenSeconds.put(other.getId(), now);
                continue;
            }
            report.addPendingPeers(other);
            long silent = now - memory.seenSeconds.computeIfAbsent(other.getId(), id -> now);
            if (silent >= DOWN_AFTER.toSeconds()) {
                report.addDownPeers(PeerStats.newBuilder().setPeer(other).setDownSeconds(silent));
            }
        }
    }

    private static Peer peerOf(Region region, Replica self) {
        return region.getPeersList().stream()
                .filter(peer -> peer.getId() == self.peerId())
                .findFirst()
                .orElseGet(() -> Peer.newBuilder()
                        .setId(self.peerId())
                        .setStoreId(self.storeId())
                        .build());
    }
}
