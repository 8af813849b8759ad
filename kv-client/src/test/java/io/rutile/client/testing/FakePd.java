package io.rutile.client.testing;

import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.keyspacepb.KeyspaceGrpc;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.LoadKeyspaceRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceResponse;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GCState;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetGCSafePointRequest;
import io.rutile.protocol.pdpb.GetGCSafePointResponse;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetGCStateResponse;
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
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.PutStoreResponse;
import io.rutile.protocol.pdpb.Region;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.Timestamp;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A PD group: its members share one hard state, and a test says who leads and who is ill. */
public final class FakePd implements AutoCloseable {

    public static final long CLUSTER_ID = 7_263_548_129_001L;

    /** One member and its port. */
    public final class FakeMember {

        private final int index;
        private final Server server;
        private final int port;
        private volatile boolean silent;
        private volatile @Nullable Integer believesInLeader;
        private volatile long clusterId = CLUSTER_ID;
        private final List<StreamObserver<?>> streams = new ArrayList<>();

        FakeMember(int index) {
            this.index = index;
            try {
                server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .permitKeepAliveTime(1, java.util.concurrent.TimeUnit.SECONDS)
                        .permitKeepAliveWithoutCalls(true)
                        .addService(new Service(this))
                        .addService(new Keyspaces(this))
                        .build()
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            port = server.getPort();
        }

        public String address() {
            return "127.0.0.1:" + port;
        }

        /** Like kill -9: connections break, the port refuses. */
        public void kill() {
            Servers.killNow(server);
        }

        /** Like SIGSTOP: takes requests and answers none. */
        public void silence(boolean now) {
            silent = now;
        }

        /** What this member says when asked who leads, whatever is true. */
        public void believeIn(FakeMember leader) {
            believesInLeader = leader.index;
        }

        public void pretendCluster(long id) {
            clusterId = id;
        }

        private ResponseHeader.Builder header() {
            return ResponseHeader.newBuilder().setClusterId(clusterId);
        }

        /** Leader, then cluster id, then what the test asked for. @return false if the call is over */
        private boolean admit(RequestHeader header, StreamObserver<?> out) {
            if (silent) {
                return false;
            }
            Status refusal = null;
            if (leader != index) {
                refusal = Status.UNAVAILABLE.withDescription("not leader");
            } else if (header.getClusterId() != clusterId) {
                refusal = Status.FAILED_PRECONDITION.withDescription(
                        "mismatch cluster id, need " + clusterId + " but got " + header.getClusterId());
            } else {
                refusal = nextStatuses.poll();
            }
            if (refusal != null) {
                out.onError(refusal.asRuntimeException());
                return false;
            }
            callsServed.incrementAndGet();
            return true;
        }

        private ResponseHeader.Builder error(ErrorType type, String message) {
            return header().setError(Error.newBuilder().setType(type).setMessage(message));
        }

        private Member proto() {
            return Member.newBuilder()
                    .setName("pd-" + (index + 1))
                    .setMemberId(index + 1)
                    .addClientUrls("http://" + address())
                    .build();
        }
    }

    public final List<FakeMember> members = new ArrayList<>();
    public final Map<Long, Store> stores = new ConcurrentHashMap<>();
    public final Map<Long, Region> regions = new ConcurrentHashMap<>();
    public final Map<String, KeyspaceMeta> keyspaces = new ConcurrentHashMap<>();
    public final Queue<RegionHeartbeatRequest> heartbeats = new ConcurrentLinkedQueue<>();
    public final Queue<Integer> timestampBatches = new ConcurrentLinkedQueue<>();
    public final AtomicInteger regionLookups = new AtomicInteger();
    public final AtomicInteger storeLookups = new AtomicInteger();
    public final AtomicInteger callsServed = new AtomicInteger();
    /** Statuses that the next unary calls fail with, one each. */
    public final Queue<Status> nextStatuses = new ConcurrentLinkedQueue<>();
    /** Responses that the next batches of timestamps are changed into. */
    public final Queue<Function<TsoResponse, TsoResponse>> nextTsoChanges = new ConcurrentLinkedQueue<>();

    public volatile long regionLookupDelayNanos;
    public volatile boolean loseBootstrapAnswer;
    public volatile long gcSafePoint;
    public volatile long txnSafePoint;
    public final AtomicInteger gcStateLookups = new AtomicInteger();
    /** An older PD, which has no transaction safe point. */
    public volatile boolean knowsGcStates = true;

    private volatile int leader;
    private volatile boolean bootstrapped = true;
    /** Time that tests let pass at once. */
    private volatile long clockAheadMs;

    private final AtomicLong ids = new AtomicLong(1_000);
    private long lastTimestamp = TimeStamp.of(System.currentTimeMillis(), 0).value();

    public FakePd(int memberCount) {
        for (int i = 0; i < memberCount; i++) {
            members.add(new FakeMember(i));
        }
    }

    public List<String> endpoints() {
        return members.stream().map(FakeMember::address).toList();
    }

    /**
     * Says who leads.
     *
     * @param index a member, or -1 for "nobody leads"
     */
    public void lead(int index) {
        leader = index;
    }

    public FakeMember leader() {
        return members.get(leader);
    }

    public void setBootstrapped(boolean now) {
        bootstrapped = now;
    }

    /** Ends every open stream of the member as a member does that stops leading. */
    public void endStreams(FakeMember member) {
        List<StreamObserver<?>> open;
        synchronized (member.streams) {
            open = List.copyOf(member.streams);
            member.streams.clear();
        }
        open.forEach(
                s -> s.onError(Status.UNAVAILABLE.withDescription("not leader").asRuntimeException()));
    }

    /** Timestamps jump ahead, as if that much time had passed. */
    public synchronized void letPass(Duration time) {
        clockAheadMs += time.toMillis();
    }

    @Override
    public void close() {
        members.forEach(m -> m.server.shutdownNow());
    }

    private final class Keyspaces extends KeyspaceGrpc.KeyspaceImplBase {

        private final FakeMember self;

        Keyspaces(FakeMember self) {
            this.self = self;
        }

        @Override
        public void loadKeyspace(LoadKeyspaceRequest request, StreamObserver<LoadKeyspaceResponse> out) {
            if (!self.admit(request.getHeader(), out)) {
                return;
            }
            KeyspaceMeta known = keyspaces.get(request.getName());
            out.onNext(
                    known == null
                            ? LoadKeyspaceResponse.newBuilder()
                                    .setHeader(self.error(ErrorType.ENTRY_NOT_FOUND, "no such keyspace"))
                                    .build()
                            : LoadKeyspaceResponse.newBuilder()
                                    .setHeader(self.header())
                                    .setKeyspace(known)
                                    .build());
            out.onCompleted();
        }
    }

    private final class Service extends PDGrpc.PDImplBase {

        private final FakeMember self;

        Service(FakeMember self) {
            this.self = self;
        }

        @Override
        public void getMembers(GetMembersRequest request, StreamObserver<GetMembersResponse> out) {
            if (self.silent) {
                return;
            }
            GetMembersResponse.Builder answer = GetMembersResponse.newBuilder().setHeader(header());
            members.forEach(m -> answer.addMembers(m.proto()));
            Integer belief = self.believesInLeader;
            int named = belief == null ? leader : belief;
            if (named >= 0) {
                answer.setLeader(members.get(named).proto());
            }
            out.onNext(answer.build());
            out.onCompleted();
        }

        private ResponseHeader.Builder header() {
            return self.header();
        }

        private boolean admit(RequestHeader header, StreamObserver<?> out) {
            return self.admit(header, out);
        }

        private ResponseHeader.Builder error(ErrorType type, String message) {
            return self.error(type, message);
        }

        @Override
        public StreamObserver<TsoRequest> tso(StreamObserver<TsoResponse> out) {
            track(out);
            return new StreamObserver<>() {
                @Override
                public void onNext(TsoRequest request) {
                    if (!admit(request.getHeader(), out)) {
                        return;
                    }
                    timestampBatches.add(request.getCount());
                    TimeStamp last = take(request.getCount());
                    TsoResponse answer = TsoResponse.newBuilder()
                            .setHeader(header())
                            .setCount(request.getCount())
                            .setTimestamp(Timestamp.newBuilder()
                                    .setPhysical(last.physicalMs())
                                    .setLogical(last.logical()))
                            .build();
                    Function<TsoResponse, TsoResponse> change = nextTsoChanges.poll();
                    out.onNext(change == null ? answer : change.apply(answer));
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
        public StreamObserver<RegionHeartbeatRequest> regionHeartbeat(StreamObserver<RegionHeartbeatResponse> out) {
            track(out);
            return new StreamObserver<>() {
                @Override
                public void onNext(RegionHeartbeatRequest request) {
                    if (!admit(request.getHeader(), out)) {
                        return;
                    }
                    heartbeats.add(request);
                    out.onNext(RegionHeartbeatResponse.newBuilder()
                            .setHeader(header())
                            .setRegionId(request.getRegion().getId())
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

        private void track(StreamObserver<?> out) {
            synchronized (self.streams) {
                self.streams.add(out);
            }
        }

        @Override
        public void getRegion(GetRegionRequest request, StreamObserver<GetRegionResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            regionLookups.incrementAndGet();
            if (regionLookupDelayNanos > 0) {
                LockSupport.parkNanos(regionLookupDelayNanos);
            }
            answer(regionOf(ByteKey.of(request.getRegionKey())), out);
        }

        @Override
        public void getPrevRegion(GetRegionRequest request, StreamObserver<GetRegionResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            Region holding = regionOf(ByteKey.of(request.getRegionKey()));
            Region before = null;
            if (holding != null) {
                for (Region region : sorted()) {
                    if (region.getRegion()
                                    .getEndKey()
                                    .equals(holding.getRegion().getStartKey())
                            && !region.getRegion().getEndKey().isEmpty()) {
                        before = region;
                    }
                }
            }
            answer(before, out);
        }

        @Override
        public void getRegionByID(GetRegionByIDRequest request, StreamObserver<GetRegionResponse> out) {
            if (admit(request.getHeader(), out)) {
                answer(regions.get(request.getRegionId()), out);
            }
        }

        private void answer(@Nullable Region found, StreamObserver<GetRegionResponse> out) {
            GetRegionResponse.Builder answer = GetRegionResponse.newBuilder().setHeader(header());
            if (found != null) {
                answer.setRegion(found.getRegion())
                        .setLeader(found.getLeader())
                        .addAllPendingPeers(found.getPendingPeersList());
            }
            out.onNext(answer.build());
            out.onCompleted();
        }

        @Override
        public void scanRegions(ScanRegionsRequest request, StreamObserver<ScanRegionsResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            KeyRange range = new KeyRange(ByteKey.of(request.getStartKey()), ByteKey.of(request.getEndKey()));
            ScanRegionsResponse.Builder answer =
                    ScanRegionsResponse.newBuilder().setHeader(header());
            sorted().stream()
                    .filter(r -> rangeOf(r).overlaps(range))
                    .limit(request.getLimit() == 0 ? Long.MAX_VALUE : request.getLimit())
                    .forEach(answer::addRegions);
            out.onNext(answer.build());
            out.onCompleted();
        }

        @Override
        public void getStore(GetStoreRequest request, StreamObserver<GetStoreResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            storeLookups.incrementAndGet();
            Store store = stores.get(request.getStoreId());
            GetStoreResponse.Builder answer = GetStoreResponse.newBuilder();
            out.onNext(
                    store == null
                            ? answer.setHeader(error(
                                            ErrorType.UNKNOWN,
                                            "invalid store ID " + request.getStoreId() + ", not found"))
                                    .build()
                            : answer.setHeader(header()).setStore(store).build());
            out.onCompleted();
        }

        @Override
        public void getAllStores(GetAllStoresRequest request, StreamObserver<GetAllStoresResponse> out) {
            if (admit(request.getHeader(), out)) {
                out.onNext(GetAllStoresResponse.newBuilder()
                        .setHeader(header())
                        .addAllStores(stores.values())
                        .build());
                out.onCompleted();
            }
        }

        @Override
        public void getGCSafePoint(GetGCSafePointRequest request, StreamObserver<GetGCSafePointResponse> out) {
            if (admit(request.getHeader(), out)) {
                out.onNext(GetGCSafePointResponse.newBuilder()
                        .setHeader(header())
                        .setSafePoint(gcSafePoint)
                        .build());
                out.onCompleted();
            }
        }

        @Override
        public void getGCState(GetGCStateRequest request, StreamObserver<GetGCStateResponse> out) {
            if (!knowsGcStates) {
                super.getGCState(request, out);
            } else if (admit(request.getHeader(), out)) {
                gcStateLookups.incrementAndGet();
                out.onNext(GetGCStateResponse.newBuilder()
                        .setHeader(header())
                        .setGcState(GCState.newBuilder()
                                .setTxnSafePoint(txnSafePoint)
                                .setGcSafePoint(gcSafePoint))
                        .build());
                out.onCompleted();
            }
        }

        @Override
        public void isBootstrapped(IsBootstrappedRequest request, StreamObserver<IsBootstrappedResponse> out) {
            if (admit(request.getHeader(), out)) {
                out.onNext(IsBootstrappedResponse.newBuilder()
                        .setHeader(header())
                        .setBootstrapped(bootstrapped)
                        .build());
                out.onCompleted();
            }
        }

        @Override
        public void bootstrap(BootstrapRequest request, StreamObserver<BootstrapResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            if (bootstrapped) {
                out.onNext(BootstrapResponse.newBuilder()
                        .setHeader(error(ErrorType.ALREADY_BOOTSTRAPPED, "cluster is already bootstrapped"))
                        .build());
                out.onCompleted();
                return;
            }
            bootstrapped = true;
            stores.put(request.getStore().getId(), request.getStore());
            regions.put(
                    request.getRegion().getId(),
                    Region.newBuilder().setRegion(request.getRegion()).build());
            if (loseBootstrapAnswer) {
                out.onError(
                        Status.UNAVAILABLE.withDescription("connection lost").asRuntimeException());
                return;
            }
            out.onNext(BootstrapResponse.newBuilder().setHeader(header()).build());
            out.onCompleted();
        }

        @Override
        public void allocID(AllocIDRequest request, StreamObserver<AllocIDResponse> out) {
            if (admit(request.getHeader(), out)) {
                out.onNext(AllocIDResponse.newBuilder()
                        .setHeader(header())
                        .setId(ids.addAndGet(request.getCount()))
                        .setCount(request.getCount())
                        .build());
                out.onCompleted();
            }
        }

        @Override
        public void putStore(PutStoreRequest request, StreamObserver<PutStoreResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            Store known = stores.get(request.getStore().getId());
            boolean tombstone = known != null && known.getState() == io.rutile.protocol.metapb.StoreState.Tombstone;
            if (!tombstone) {
                stores.put(request.getStore().getId(), request.getStore());
            }
            out.onNext(PutStoreResponse.newBuilder()
                    .setHeader(tombstone ? error(ErrorType.STORE_TOMBSTONE, "store is tombstone") : header())
                    .build());
            out.onCompleted();
        }

        @Override
        public void storeHeartbeat(StoreHeartbeatRequest request, StreamObserver<StoreHeartbeatResponse> out) {
            if (!admit(request.getHeader(), out)) {
                return;
            }
            out.onNext(StoreHeartbeatResponse.newBuilder()
                    .setHeader(
                            bootstrapped ? header() : error(ErrorType.NOT_BOOTSTRAPPED, "cluster is not bootstrapped"))
                    .setClusterVersion("8.5.0")
                    .build());
            out.onCompleted();
        }
    }

    private synchronized TimeStamp take(int count) {
        TimeStamp now = TimeStamp.of(System.currentTimeMillis() + clockAheadMs, 0);
        TimeStamp last = new TimeStamp(lastTimestamp);
        TimeStamp base = now.compareTo(last) > 0 ? now : last;
        if (base.logical() + count >= TimeStamp.LOGICAL_COUNT) {
            base = TimeStamp.of(base.physicalMs() + 1, 0);
        }
        lastTimestamp = base.value() + count;
        return new TimeStamp(lastTimestamp);
    }

    private @Nullable Region regionOf(ByteKey key) {
        return sorted().stream()
                .filter(r -> rangeOf(r).contains(key))
                .findFirst()
                .orElse(null);
    }

    private List<Region> sorted() {
        return regions.values().stream()
                .sorted(Comparator.comparing(r -> rangeOf(r).start()))
                .toList();
    }

    private static KeyRange rangeOf(Region region) {
        return new KeyRange(
                ByteKey.of(region.getRegion().getStartKey()),
                ByteKey.of(region.getRegion().getEndKey()));
    }
}
