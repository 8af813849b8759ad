package io.rutile.pd.rpc;

import com.google.protobuf.ByteString;
import io.grpc.stub.StreamObserver;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.SplitID;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreStats;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Stores with a heartbeat stream each, over a real port: they do what PD orders and say so with a heartbeat. An order for a
 * Region that has changed since is dropped. A store that was told to be deaf hears and does nothing.
 */
final class ObedientStores {

    private final LocalPd pd;
    private final Map<Long, StreamObserver<RegionHeartbeatRequest>> streams = new HashMap<>();
    private final Map<Long, Region> regions = new TreeMap<>();
    private final Map<Long, Peer> leaders = new HashMap<>();
    private final List<RegionHeartbeatResponse> orders = new ArrayList<>();
    private boolean deaf;

    /** Stores 1 to {@code count}, all of them up; the cluster is bootstrapped. */
    ObedientStores(LocalPd pd, int count) {
        this.pd = pd;
        pd.bootstrapped();
        for (long id = 1; id <= count; id++) {
            pd.put(LocalCluster.store(id));
            up(id);
            streams.put(id, pd.asyncStub().regionHeartbeat(new StreamObserver<>() {
                @Override
                public void onNext(RegionHeartbeatResponse order) {
                    obey(order);
                }

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onCompleted() {}
            }));
        }
    }

    void up(long store) {
        pd.stub()
                .storeHeartbeat(StoreHeartbeatRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStats(StoreStats.newBuilder()
                                .setStoreId(store)
                                .setCapacity(100L << 30)
                                .setAvailable(50L << 30))
                        .build());
    }

    /** A Region whose first peer leads, as its leader describes it from now on. */
    synchronized ObedientStores region(io.rutile.pd.cluster.Regions region) {
        regions.put(region.info().id(), region.info().region());
        leaders.put(region.info().id(), Objects.requireNonNull(region.info().leader()));
        heartbeat(region.info().id());
        return this;
    }

    synchronized void deaf(boolean now) {
        deaf = now;
    }

    synchronized List<RegionHeartbeatResponse> orders() {
        return List.copyOf(orders);
    }

    synchronized Region region(long id) {
        return Objects.requireNonNull(regions.get(id));
    }

    synchronized Peer leaderOf(long id) {
        return Objects.requireNonNull(leaders.get(id));
    }

    synchronized List<Region> all() {
        return List.copyOf(regions.values());
    }

    synchronized void heartbeat(long regionId) {
        Peer leader = leaderOf(regionId);
        Objects.requireNonNull(streams.get(leader.getStoreId()))
                .onNext(RegionHeartbeatRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegion(region(regionId))
                        .setLeader(leader)
                        .setTerm(5)
                        .build());
    }

    private synchronized void obey(RegionHeartbeatResponse order) {
        Region region = regions.get(order.getRegionId());
        if (order.getHeader().hasError()
                || region == null
                || !order.getRegionEpoch().equals(region.getRegionEpoch())) {
            return;
        }
        orders.add(order);
        if (deaf) {
            return;
        }
        if (order.hasTransferLeader()) {
            leaders.put(region.getId(), order.getTransferLeader().getPeer());
            heartbeat(region.getId());
        } else if (order.hasChangePeer()) {
            change(region, List.of(order.getChangePeer()));
        } else if (order.hasChangePeerV2()) {
            change(region, order.getChangePeerV2().getChangesList());
        } else if (order.hasSplitRegion()) {
            split(region, order.getSplitRegion().getKeysList());
        } else {
            throw new AssertionError("a command that no store knows: " + order);
        }
    }

    private void change(Region region, List<ChangePeer> changes) {
        List<Peer> peers = new ArrayList<>(region.getPeersList());
        for (ChangePeer change : changes) {
            peers.removeIf(peer -> peer.getId() == change.getPeer().getId());
            if (change.getChangeType() != ConfChangeType.RemoveNode) {
                boolean learns = change.getChangeType() == ConfChangeType.AddLearnerNode;
                peers.add(change.getPeer().toBuilder()
                        .setRole(learns ? PeerRole.Learner : PeerRole.Voter)
                        .build());
            }
        }
        Region.Builder changed = region.toBuilder().clearPeers().addAllPeers(peers);
        changed.getRegionEpochBuilder().setConfVer(region.getRegionEpoch().getConfVer() + changes.size());
        regions.put(region.getId(), changed.build());
        heartbeat(region.getId());
    }

    /** The ids come from PD; the parent keeps the rightmost piece. Asked on another thread than the stream's. */
    private void split(Region region, List<ByteString> keys) {
        pd.asyncStub()
                .askBatchSplit(
                        AskBatchSplitRequest.newBuilder()
                                .setHeader(pd.header())
                                .setRegion(region)
                                .setSplitCount(keys.size())
                                .build(),
                        new StreamObserver<>() {
                            @Override
                            public void onNext(io.rutile.protocol.pdpb.AskBatchSplitResponse answer) {
                                split(region, keys, answer.getIdsList());
                            }

                            @Override
                            public void onError(Throwable failure) {}

                            @Override
                            public void onCompleted() {}
                        });
    }

    private synchronized void split(Region region, List<ByteString> keys, List<SplitID> ids) {
        if (!region.equals(regions.get(region.getId()))) {
            return;
        }
        Region.Builder parent = region.toBuilder();
        parent.getRegionEpochBuilder().setVersion(region.getRegionEpoch().getVersion() + keys.size());
        List<Region> pieces = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            Region.Builder piece =
                    parent.clone().setId(ids.get(i).getNewRegionId()).setEndKey(keys.get(i));
            for (int p = 0; p < piece.getPeersCount(); p++) {
                piece.getPeersBuilder(p).setId(ids.get(i).getNewPeerIds(p));
            }
            pieces.add(piece.build());
            parent.setStartKey(keys.get(i));
        }
        pieces.add(parent.build());
        long leads = leaderOf(region.getId()).getStoreId();
        for (Region piece : pieces) {
            regions.put(piece.getId(), piece);
            leaders.put(
                    piece.getId(),
                    piece.getPeersList().stream()
                            .filter(peer -> peer.getStoreId() == leads)
                            .findFirst()
                            .orElseThrow());
        }
        // The parent first, or else the pieces would push it out.
        heartbeat(region.getId());
        pieces.stream().filter(piece -> piece.getId() != region.getId()).forEach(piece -> heartbeat(piece.getId()));
    }
}
