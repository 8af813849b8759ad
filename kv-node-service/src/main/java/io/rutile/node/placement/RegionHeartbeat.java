package io.rutile.node.placement;

import io.rutile.client.pd.PdClient.RegionHeartbeats;
import io.rutile.node.raftstore.RaftStore;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.RegionTraffic;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.TimeInterval;
import io.rutile.raft.Replica;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a store reports about each Region that it leads.
 *
 * <p>PD observes: a peer that the Region has let go is reported as still there until Raft has let it go, too, so that PD never takes a removal for
 * done too early (D1, D2). Who is pending or down, {@link Absentees} says.
 *
 * <p>Used by the link's thread alone.
 */
final class RegionHeartbeat {

    /** What is remembered of a Region between two reports. */
    private static final class Memory {
        private long term;
        private long lastSeconds;
        private RegionTraffic.Totals traffic = RegionTraffic.Totals.NONE;
        private final Absentees absentees = new Absentees();
        private List<Peer> pending = List.of();
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

    /** Reports the Regions of which a peer was pending and isn't any more: PD's next step waits for that. */
    void sendCaughtUp(RegionHeartbeats to) {
        List<Long> waiting = memories.entrySet().stream()
                .filter(memory -> !memory.getValue().pending.isEmpty())
                .map(Map.Entry::getKey)
                .toList();
        for (long regionId : waiting) {
            store.region(regionId).filter(this::hasCaughtUp).ifPresent(peer -> send(peer, to));
        }
    }

    private boolean hasCaughtUp(RegionPeer peer) {
        Memory memory = memories.get(peer.regionId());
        try {
            return memory != null
                    && peer.isLeader()
                    && !Absentees.pending(peer.region(), Absentees.Known.to(peer))
                            .containsAll(memory.pending);
        } catch (RegionException e) {
            return false; // It has been taken down in the meantime.
        }
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
            memory.absentees.forget();
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
        Absentees.Known known = Absentees.Known.to(peer);
        memory.pending = Absentees.pending(region, known);
        report.addAllPendingPeers(memory.pending);
        report.addAllDownPeers(memory.absentees.down(region, known, now));
        memory.traffic = traffic;
        memory.lastSeconds = now;
        return report.build();
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
