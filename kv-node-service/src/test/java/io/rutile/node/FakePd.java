package io.rutile.node;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.Epochs;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.ChangePeer;
import io.rutile.protocol.pdpb.ChangePeerV2;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetGCSafePointRequest;
import io.rutile.protocol.pdpb.GetGCSafePointResponse;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.GetStoreResponse;
import io.rutile.protocol.pdpb.IsBootstrappedRequest;
import io.rutile.protocol.pdpb.IsBootstrappedResponse;
import io.rutile.protocol.pdpb.Member;
import io.rutile.protocol.pdpb.Merge;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.PutStoreResponse;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import io.rutile.protocol.pdpb.SplitID;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreStats;
import io.rutile.protocol.pdpb.Timestamp;
import io.rutile.protocol.pdpb.TransferLeader;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** One PD member in memory: enough of it for nodes, and it does what a test tells it. */
final class FakePd implements AutoCloseable {

    static final long CLUSTER_ID = 7_700_000_000_000_000_001L;

    private final Server server;
    private final Map<Long, Store> stores = new TreeMap<>();
    private final Map<Long, RegionHeartbeatRequest> regions = new ConcurrentHashMap<>();
    private final Map<Long, ChangePeer> orders = new ConcurrentHashMap<>();
    private final Map<Long, ChangePeerV2> together = new ConcurrentHashMap<>();
    private final Map<Long, Peer> transfers = new ConcurrentHashMap<>();
    private final Map<Long, Long> merges = new ConcurrentHashMap<>();
    private long lastId = 3;
    private @Nullable Region bootstrapped;
    private volatile int replicasWanted = 1;
    private volatile long gcSafePoint;
    private final AtomicInteger heartbeats = new AtomicInteger();
    private final Map<Long, StoreStats> stats = new ConcurrentHashMap<>();
    private volatile boolean countsFromTold;
    private final AtomicLong lastTimestamp = new AtomicLong();

    FakePd() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(new Service())
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                .build()
                .start();
    }

    /** From now on its time counts up from here, instead of following the clock. */
    void tellTimeFrom(long ts) {
        lastTimestamp.set(ts);
        countsFromTold = true;
    }

    void gcSafePoint(long ts) {
        gcSafePoint = ts;
    }

    String endpoint() {
        return "127.0.0.1:" + server.getPort();
    }

    /** From now on every Region is to have so many replicas, as stores are there. */
    void wantReplicas(int count) {
        replicasWanted = count;
    }

    /** Orders one change, again with every heartbeat until the Region shows it. */
    void order(long regionId, ConfChangeType type, Peer peer) {
        orders.put(
                regionId,
                ChangePeer.newBuilder().setChangeType(type).setPeer(peer).build());
    }

    /** Orders several changes at once, again with every heartbeat until the Region shows them all. */
    void orderTogether(long regionId, ChangePeer... changes) {
        together.put(
                regionId,
                ChangePeerV2.newBuilder().addAllChanges(List.of(changes)).build());
    }

    static ChangePeer change(ConfChangeType type, Peer peer) {
        return ChangePeer.newBuilder().setChangeType(type).setPeer(peer).build();
    }

    void transferLeader(long regionId, Peer to) {
        transfers.put(regionId, to);
    }

    /** Orders a merge, again with every heartbeat until the source is heard of no more, or {@link #noMerge} is called. */
    void merge(long sourceId, long targetId) {
        merges.put(sourceId, targetId);
    }

    void noMerge(long sourceId) {
        merges.remove(sourceId);
    }

    synchronized long nextId() {
        return ++lastId;
    }

    /** The last heartbeat of the cluster's first Region. */
    Optional<RegionHeartbeatRequest> firstRegion() {
        return regions.values().stream().findFirst();
    }

    /** What was last heard of the Region that holds a key, as borders are written. */
    Optional<RegionHeartbeatRequest> region(ByteKey key) {
        return regions.values().stream()
                .filter(beat -> range(beat.getRegion()).contains(key))
                .max(Comparator.comparingLong(
                        beat -> beat.getRegion().getRegionEpoch().getVersion()));
    }

    /** What was last heard of every Region, in key order. */
    List<RegionHeartbeatRequest> regions() {
        return regions.values().stream()
                .sorted(Comparator.comparing(beat -> ByteKey.of(beat.getRegion().getStartKey())))
                .toList();
    }

    private static KeyRange range(Region region) {
        return new KeyRange(ByteKey.of(region.getStartKey()), ByteKey.of(region.getEndKey()));
    }

    synchronized Map<Long, Store> stores() {
        return Map.copyOf(stores);
    }

    /** What a store has last said of itself. */
    StoreStats stats(long storeId) {
        return stats.getOrDefault(storeId, StoreStats.getDefaultInstance());
    }

    int storeHeartbeats() {
        return heartbeats.get();
    }

    @Override
    public void close() throws InterruptedException {
        server.shutdownNow();
        server.awaitTermination(5, TimeUnit.SECONDS);
    }

    private static ResponseHeader header() {
        return ResponseHeader.newBuilder().setClusterId(CLUSTER_ID).build();
    }

    private static ResponseHeader header(ErrorType type, String message) {
        return header().toBuilder()
                .setError(Error.newBuilder().setType(type).setMessage(message))
                .build();
    }

    private RegionHeartbeatResponse answer(RegionHeartbeatRequest beat) {
        Region region = beat.getRegion();
        RegionHeartbeatResponse.Builder answer = RegionHeartbeatResponse.newBuilder()
                .setHeader(header())
                .setRegionId(region.getId())
                .setRegionEpoch(region.getRegionEpoch())
                .setTargetPeer(beat.getLeader());
        Peer to = transfers.get(region.getId());
        if (to != null) {
            if (beat.getLeader().getId() == to.getId()) {
                transfers.remove(region.getId());
            } else {
                return answer.setTransferLeader(TransferLeader.newBuilder().setPeer(to))
                        .build();
            }
        }
        Long target = merges.get(region.getId());
        RegionHeartbeatRequest into = target == null ? null : regions.get(target);
        if (into != null) {
            return answer.setMerge(Merge.newBuilder().setTarget(into.getRegion()))
                    .build();
        }
        ChangePeerV2 all = together.get(region.getId());
        if (all != null) {
            if (all.getChangesList().stream().allMatch(change -> isDone(change, region))) {
                together.remove(region.getId());
            }
            return answer.setChangePeerV2(all).build();
        }
        nextChange(beat).ifPresent(answer::setChangePeer);
        return answer.build();
    }

    private static boolean isDone(ChangePeer change, Region region) {
        Optional<Peer> there = region.getPeersList().stream()
                .filter(peer -> peer.getId() == change.getPeer().getId())
                .findFirst();
        return switch (change.getChangeType()) {
            case AddNode -> there.isPresent() && there.get().getRole() == PeerRole.Voter;
            case AddLearnerNode -> there.isPresent() && there.get().getRole() == PeerRole.Learner;
            case RemoveNode -> there.isEmpty();
            case UNRECOGNIZED -> throw new IllegalArgumentException("unknown change");
        };
    }

    private synchronized Optional<ChangePeer> nextChange(RegionHeartbeatRequest beat) {
        Region region = beat.getRegion();
        ChangePeer order = orders.get(region.getId());
        if (order != null) {
            boolean there = region.getPeersList().stream()
                    .anyMatch(p -> p.getId() == order.getPeer().getId());
            if (there == (order.getChangeType() == ConfChangeType.RemoveNode)) {
                return Optional.of(order);
            }
            orders.remove(region.getId());
        }
        if (region.getPeersCount() >= replicasWanted || beat.getPendingPeersCount() > 0) {
            return Optional.empty();
        }
        Optional<Long> free = stores.keySet().stream()
                .filter(id -> region.getPeersList().stream().noneMatch(p -> p.getStoreId() == id))
                .findFirst();
        free.ifPresent(store -> order(
                region.getId(),
                ConfChangeType.AddNode,
                Peer.newBuilder().setId(++lastId).setStoreId(store).build()));
        return Optional.ofNullable(orders.get(region.getId()));
    }

    private final class Service extends PDGrpc.PDImplBase {

        @Override
        public void getMembers(GetMembersRequest request, StreamObserver<GetMembersResponse> to) {
            Member self = Member.newBuilder()
                    .setName("pd-1")
                    .setMemberId(1)
                    .addClientUrls("http://" + endpoint())
                    .build();
            reply(
                    to,
                    GetMembersResponse.newBuilder()
                            .setHeader(header())
                            .addMembers(self)
                            .setLeader(self)
                            .setEtcdLeader(self)
                            .build());
        }

        @Override
        public void allocID(AllocIDRequest request, StreamObserver<AllocIDResponse> to) {
            synchronized (FakePd.this) {
                lastId += Math.max(1, request.getCount());
                reply(
                        to,
                        AllocIDResponse.newBuilder()
                                .setHeader(header())
                                .setId(lastId)
                                .setCount(request.getCount())
                                .build());
            }
        }

        /** By the wall clock: tests that choose timestamps themselves choose smaller ones. */
        @Override
        public StreamObserver<TsoRequest> tso(StreamObserver<TsoResponse> out) {
            return new StreamObserver<>() {
                @Override
                public void onNext(TsoRequest request) {
                    long now = TimeStamp.of(System.currentTimeMillis(), 0).value();
                    long last = lastTimestamp.updateAndGet(
                            before -> (countsFromTold ? before : Math.max(before, now)) + request.getCount());
                    TimeStamp timestamp = new TimeStamp(last);
                    out.onNext(TsoResponse.newBuilder()
                            .setHeader(header())
                            .setCount(request.getCount())
                            .setTimestamp(Timestamp.newBuilder()
                                    .setPhysical(timestamp.physicalMs())
                                    .setLogical(timestamp.logical()))
                            .build());
                }

                @Override
                public void onError(Throwable failure) {}

                @Override
                public void onCompleted() {
                    out.onCompleted();
                }
            };
        }

        @Override
        public void askBatchSplit(AskBatchSplitRequest request, StreamObserver<AskBatchSplitResponse> to) {
            AskBatchSplitResponse.Builder answer =
                    AskBatchSplitResponse.newBuilder().setHeader(header());
            for (int i = 0; i < request.getSplitCount(); i++) {
                SplitID.Builder ids = answer.addIdsBuilder().setNewRegionId(nextId());
                for (int p = 0; p < request.getRegion().getPeersCount(); p++) {
                    ids.addNewPeerIds(nextId());
                }
            }
            reply(to, answer.build());
        }

        @Override
        public void isBootstrapped(IsBootstrappedRequest request, StreamObserver<IsBootstrappedResponse> to) {
            synchronized (FakePd.this) {
                reply(
                        to,
                        IsBootstrappedResponse.newBuilder()
                                .setHeader(header())
                                .setBootstrapped(bootstrapped != null)
                                .build());
            }
        }

        @Override
        public void bootstrap(BootstrapRequest request, StreamObserver<BootstrapResponse> to) {
            synchronized (FakePd.this) {
                ResponseHeader header = header();
                if (bootstrapped == null) {
                    bootstrapped = request.getRegion();
                    stores.put(request.getStore().getId(), request.getStore());
                } else {
                    header = header(ErrorType.ALREADY_BOOTSTRAPPED, "cluster is already bootstrapped");
                }
                reply(to, BootstrapResponse.newBuilder().setHeader(header).build());
            }
        }

        @Override
        public void putStore(PutStoreRequest request, StreamObserver<PutStoreResponse> to) {
            synchronized (FakePd.this) {
                stores.put(request.getStore().getId(), request.getStore());
                reply(to, PutStoreResponse.newBuilder().setHeader(header()).build());
            }
        }

        @Override
        public void getAllStores(GetAllStoresRequest request, StreamObserver<GetAllStoresResponse> to) {
            reply(
                    to,
                    GetAllStoresResponse.newBuilder()
                            .setHeader(header())
                            .addAllStores(stores().values())
                            .build());
        }

        @Override
        public void getStore(GetStoreRequest request, StreamObserver<GetStoreResponse> to) {
            Store known = stores().get(request.getStoreId());
            reply(
                    to,
                    known == null
                            ? GetStoreResponse.newBuilder()
                                    .setHeader(header(ErrorType.UNKNOWN, "invalid store ID, not found"))
                                    .build()
                            : GetStoreResponse.newBuilder()
                                    .setHeader(header())
                                    .setStore(known)
                                    .build());
        }

        @Override
        public void getGCSafePoint(GetGCSafePointRequest request, StreamObserver<GetGCSafePointResponse> to) {
            reply(
                    to,
                    GetGCSafePointResponse.newBuilder()
                            .setHeader(header())
                            .setSafePoint(gcSafePoint)
                            .build());
        }

        @Override
        public void storeHeartbeat(StoreHeartbeatRequest request, StreamObserver<StoreHeartbeatResponse> to) {
            heartbeats.incrementAndGet();
            stats.put(request.getStats().getStoreId(), request.getStats());
            reply(to, StoreHeartbeatResponse.newBuilder().setHeader(header()).build());
        }

        @Override
        public void getRegion(GetRegionRequest request, StreamObserver<GetRegionResponse> to) {
            ByteKey key = ByteKey.of(request.getRegionKey());
            reply(to, FakePd.this.region(key).map(FakePd::region).orElseGet(this::firstRegion));
        }

        private GetRegionResponse firstRegion() {
            synchronized (FakePd.this) {
                GetRegionResponse.Builder answer =
                        GetRegionResponse.newBuilder().setHeader(header());
                return bootstrapped == null
                        ? answer.build()
                        : answer.setRegion(bootstrapped).build();
            }
        }

        @Override
        public void scanRegions(ScanRegionsRequest request, StreamObserver<ScanRegionsResponse> to) {
            ScanRegionsResponse.Builder answer =
                    ScanRegionsResponse.newBuilder().setHeader(header());
            ByteKey start = ByteKey.of(request.getStartKey());
            FakePd.this.regions().stream()
                    .filter(beat -> beat.getRegion().getEndKey().isEmpty()
                            || ByteKey.of(beat.getRegion().getEndKey()).compareTo(start) > 0)
                    .limit(request.getLimit() <= 0 ? Long.MAX_VALUE : request.getLimit())
                    .forEach(beat -> answer.addRegions(io.rutile.protocol.pdpb.Region.newBuilder()
                            .setRegion(beat.getRegion())
                            .setLeader(beat.getLeader())));
            reply(to, answer.build());
        }

        @Override
        public void getRegionByID(GetRegionByIDRequest request, StreamObserver<GetRegionResponse> to) {
            RegionHeartbeatRequest beat = regions.get(request.getRegionId());
            reply(
                    to,
                    beat == null
                            ? GetRegionResponse.newBuilder().setHeader(header()).build()
                            : region(beat));
        }

        @Override
        public StreamObserver<RegionHeartbeatRequest> regionHeartbeat(StreamObserver<RegionHeartbeatResponse> to) {
            return new StreamObserver<>() {
                @Override
                public void onNext(RegionHeartbeatRequest beat) {
                    long id = beat.getRegion().getId();
                    RegionHeartbeatRequest known = regions.get(id);
                    if (known != null
                            && (Epochs.isStale(
                                            beat.getRegion().getRegionEpoch(),
                                            known.getRegion().getRegionEpoch())
                                    || beat.getTerm() < known.getTerm())) {
                        return;
                    }
                    long version = beat.getRegion().getRegionEpoch().getVersion();
                    List<RegionHeartbeatRequest> overlapped = regions.values().stream()
                            .filter(other -> other.getRegion().getId() != id
                                    && range(other.getRegion()).overlaps(range(beat.getRegion())))
                            .toList();
                    if (overlapped.stream()
                            .anyMatch(
                                    other -> other.getRegion().getRegionEpoch().getVersion() > version)) {
                        return;
                    }
                    overlapped.forEach(other -> {
                        regions.remove(other.getRegion().getId());
                        merges.remove(other.getRegion().getId());
                    });
                    regions.put(id, beat);
                    to.onNext(answer(beat));
                }

                @Override
                public void onError(Throwable cause) {}

                @Override
                public void onCompleted() {
                    to.onCompleted();
                }
            };
        }

        private static <T> void reply(StreamObserver<T> to, T answer) {
            to.onNext(answer);
            to.onCompleted();
        }
    }

    private static GetRegionResponse region(RegionHeartbeatRequest beat) {
        return GetRegionResponse.newBuilder()
                .setHeader(header())
                .setRegion(beat.getRegion())
                .setLeader(beat.getLeader())
                .addAllPendingPeers(beat.getPendingPeersList())
                .build();
    }
}
