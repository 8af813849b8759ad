package io.rutile.pd.cluster;

import com.google.protobuf.ByteString;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.pdpb.PeerStats;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Regions for tests: the peer on store s of region r has the id 10 r + s, and the first peer leads. */
public record Regions(RegionInfo info) {

    public static Regions region(long id, String start, String end, long... stores) {
        Region.Builder region = Region.newBuilder()
                .setId(id)
                .setStartKey(ByteString.copyFromUtf8(start))
                .setEndKey(ByteString.copyFromUtf8(end))
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(1).setVersion(1));
        for (long store : stores) {
            region.addPeers(peer(id, store));
        }
        return new Regions(new RegionInfo(
                region.build(), stores.length == 0 ? null : peer(id, stores[0]), List.of(), List.of(), 5, 0, 0));
    }

    public static Peer peer(long region, long store) {
        return Peer.newBuilder().setId(10 * region + store).setStoreId(store).build();
    }

    public Regions epoch(long confVer, long version) {
        return with(
                info.region().toBuilder()
                        .setRegionEpoch(
                                RegionEpoch.newBuilder().setConfVer(confVer).setVersion(version))
                        .build(),
                info.leader(),
                info.pendingPeers());
    }

    public Regions term(long term) {
        return new Regions(new RegionInfo(
                info.region(),
                info.leader(),
                info.downPeers(),
                info.pendingPeers(),
                term,
                info.approximateSizeBytes(),
                info.approximateKeys(),
                info.flow()));
    }

    public Regions size(long mib) {
        return new Regions(new RegionInfo(
                info.region(),
                info.leader(),
                info.downPeers(),
                info.pendingPeers(),
                info.term(),
                mib << 20,
                info.approximateKeys(),
                info.flow()));
    }

    public Regions flow(RegionFlow flow) {
        return new Regions(new RegionInfo(
                info.region(),
                info.leader(),
                info.downPeers(),
                info.pendingPeers(),
                info.term(),
                info.approximateSizeBytes(),
                info.approximateKeys(),
                flow));
    }

    public Regions leader(long store) {
        return with(info.region(), store == 0 ? null : info.peerOn(store), info.pendingPeers());
    }

    public Regions pending(long store) {
        List<Peer> pending = new ArrayList<>(info.pendingPeers());
        pending.add(info.peerOn(store));
        return with(info.region(), info.leader(), pending);
    }

    /** Its leader has not heard of the peer there for so long. */
    public Regions down(long store, Duration silent) {
        List<PeerStats> down = new ArrayList<>(info.downPeers());
        down.add(PeerStats.newBuilder()
                .setPeer(info.peerOn(store))
                .setDownSeconds(silent.toSeconds())
                .build());
        return new Regions(new RegionInfo(
                info.region(),
                info.leader(),
                down,
                info.pendingPeers(),
                info.term(),
                info.approximateSizeMib(),
                info.approximateKeys(),
                info.flow()));
    }

    public Regions plus(Peer peer) {
        return with(info.region().toBuilder().addPeers(peer).build(), info.leader(), info.pendingPeers());
    }

    public Regions minus(Peer peer) {
        Region.Builder region = info.region().toBuilder().clearPeers();
        info.peers().stream().filter(p -> p.getId() != peer.getId()).forEach(region::addPeers);
        return with(region.build(), info.leader(), info.pendingPeers());
    }

    private Regions with(Region region, @Nullable Peer leader, List<Peer> pending) {
        return new Regions(new RegionInfo(
                region,
                leader,
                info.downPeers(),
                pending,
                info.term(),
                info.approximateSizeBytes(),
                info.approximateKeys(),
                info.flow()));
    }
}
