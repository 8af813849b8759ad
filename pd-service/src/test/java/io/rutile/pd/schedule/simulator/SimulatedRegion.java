package io.rutile.pd.schedule.simulator;

import com.google.protobuf.ByteString;
import io.rutile.pd.cluster.RegionFlow;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.PeerStats;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.function.LongUnaryOperator;

/** A Region as it really is, which PD knows only by its heartbeats. */
final class SimulatedRegion {

    final long id;
    final List<Peer> peers = new ArrayList<>();
    /** Peers that are named already and have not caught up; they have no vote yet. */
    final Set<Long> joining = new HashSet<>();

    ByteString start;
    ByteString end;
    long sizeBytes;
    long keys;
    RegionFlow flow = RegionFlow.NONE;
    /** Store of the leader, 0 if nobody leads. */
    long leaderStore;

    long term = 1;
    long confVer = 1;
    long version = 1;
    /** A command is being carried out. */
    boolean busy;
    /** It was merged into another. */
    boolean gone;

    SimulatedRegion(long id, ByteString start, ByteString end, long sizeBytes) {
        this.id = id;
        this.start = start;
        this.end = end;
        this.sizeBytes = sizeBytes;
        this.keys = (sizeBytes >> 20) * 1_000;
    }

    Peer peerOn(long storeId) {
        return peers.stream()
                .filter(peer -> peer.getStoreId() == storeId)
                .findFirst()
                .orElse(null);
    }

    /** More than half of those with a vote are on stores that are up. */
    boolean hasMajority(LongPredicate up) {
        int voters = 0;
        int votersUp = 0;
        for (Peer peer : peers) {
            if (!joining.contains(peer.getId()) && peer.getRole() == PeerRole.Voter) {
                voters++;
                votersUp += up.test(peer.getStoreId()) ? 1 : 0;
            }
        }
        return votersUp * 2 > voters;
    }

    RegionInfo info(LongUnaryOperator silentSeconds) {
        return info(silentSeconds, sizeBytes);
    }

    Region description() {
        return Region.newBuilder()
                .setId(id)
                .setStartKey(start)
                .setEndKey(end)
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(confVer).setVersion(version))
                .addAllPeers(peers)
                .build();
    }

    /**
     * As the leader sees it.
     *
     * @param silentSeconds for how long it has not heard of a store, at least 1 if it has fallen silent; 0 of one that is up
     * @param estimateBytes how large it takes it for
     */
    RegionInfo info(LongUnaryOperator silentSeconds, long estimateBytes) {
        List<Peer> pending = new ArrayList<>();
        List<PeerStats> down = new ArrayList<>();
        for (Peer peer : peers) {
            long seconds = silentSeconds.applyAsLong(peer.getStoreId());
            if (seconds > 0 || joining.contains(peer.getId())) {
                pending.add(peer);
            }
            if (seconds > 0) {
                down.add(PeerStats.newBuilder()
                        .setPeer(peer)
                        .setDownSeconds(seconds)
                        .build());
            }
        }
        return new RegionInfo(description(), peerOn(leaderStore), down, pending, term, estimateBytes, keys, flow);
    }
}
