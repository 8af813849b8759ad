package io.rutile.client.pd;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Metrics;
import io.rutile.client.pd.PdRetry.Method;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Endpoint;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.keyspacepb.KeyspaceGrpc;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.LoadKeyspaceRequest;
import io.rutile.protocol.keyspacepb.LoadKeyspaceResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetGCSafePointRequest;
import io.rutile.protocol.pdpb.GetGCSafePointResponse;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetGCStateResponse;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.GetStoreResponse;
import io.rutile.protocol.pdpb.IsBootstrappedRequest;
import io.rutile.protocol.pdpb.IsBootstrappedResponse;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PeerStats;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.PutStoreResponse;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import io.rutile.protocol.pdpb.SplitID;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A client of the Placement Driver group. Follows its leader; every call has one deadline ({@link
 * PdClientOptions#callTimeout}) and retries inside it. Futures fail with {@link PdException}. Safe from any thread.
 */
public final class PdClient implements AutoCloseable {

    /** Regions asked for in one request, so that no answer outgrows a message. */
    private static final int SCAN_PAGE_REGIONS = 1_024;

    private static final Method<GetRegionRequest, GetRegionResponse> GET_REGION =
            new Method<>(PDGrpc.getGetRegionMethod(), GetRegionResponse::getHeader);
    private static final Method<GetRegionRequest, GetRegionResponse> GET_PREV_REGION =
            new Method<>(PDGrpc.getGetPrevRegionMethod(), GetRegionResponse::getHeader);
    private static final Method<GetRegionByIDRequest, GetRegionResponse> GET_REGION_BY_ID =
            new Method<>(PDGrpc.getGetRegionByIDMethod(), GetRegionResponse::getHeader);
    private static final Method<ScanRegionsRequest, ScanRegionsResponse> SCAN_REGIONS =
            new Method<>(PDGrpc.getScanRegionsMethod(), ScanRegionsResponse::getHeader);
    private static final Method<GetStoreRequest, GetStoreResponse> GET_STORE =
            new Method<>(PDGrpc.getGetStoreMethod(), GetStoreResponse::getHeader);
    private static final Method<GetAllStoresRequest, GetAllStoresResponse> GET_ALL_STORES =
            new Method<>(PDGrpc.getGetAllStoresMethod(), GetAllStoresResponse::getHeader);
    private static final Method<IsBootstrappedRequest, IsBootstrappedResponse> IS_BOOTSTRAPPED =
            new Method<>(PDGrpc.getIsBootstrappedMethod(), IsBootstrappedResponse::getHeader);
    private static final Method<BootstrapRequest, BootstrapResponse> BOOTSTRAP =
            new Method<>(PDGrpc.getBootstrapMethod(), BootstrapResponse::getHeader);
    private static final Method<AllocIDRequest, AllocIDResponse> ALLOC_ID =
            new Method<>(PDGrpc.getAllocIDMethod(), AllocIDResponse::getHeader);
    private static final Method<AskBatchSplitRequest, AskBatchSplitResponse> ASK_BATCH_SPLIT =
            new Method<>(PDGrpc.getAskBatchSplitMethod(), AskBatchSplitResponse::getHeader);
    private static final Method<PutStoreRequest, PutStoreResponse> PUT_STORE =
            new Method<>(PDGrpc.getPutStoreMethod(), PutStoreResponse::getHeader);
    private static final Method<StoreHeartbeatRequest, StoreHeartbeatResponse> STORE_HEARTBEAT =
            new Method<>(PDGrpc.getStoreHeartbeatMethod(), StoreHeartbeatResponse::getHeader);
    private static final Method<GetGCSafePointRequest, GetGCSafePointResponse> GET_GC_SAFE_POINT =
            new Method<>(PDGrpc.getGetGCSafePointMethod(), GetGCSafePointResponse::getHeader);
    private static final Method<GetGCStateRequest, GetGCStateResponse> GET_GC_STATE =
            new Method<>(PDGrpc.getGetGCStateMethod(), GetGCStateResponse::getHeader);
    private static final Method<LoadKeyspaceRequest, LoadKeyspaceResponse> LOAD_KEYSPACE =
            new Method<>(KeyspaceGrpc.getLoadKeyspaceMethod(), LoadKeyspaceResponse::getHeader);

    private final ChannelCredentials credentials;
    private final ClientTimer timer;
    private final PdMetrics metrics;
    private final PdMembers members;
    private final PdRetry retry;
    private final TsoBatcher tso;
    private final Set<RegionHeartbeatStream> heartbeats = ConcurrentHashMap.newKeySet();

    private PdClient(PdClientOptions options, MeterRegistry registry) {
        credentials = options.credentials();
        timer = new ClientTimer("rutile-pd-client");
        metrics = new PdMetrics(registry);
        members = new PdMembers(
                options.endpoints().stream().map(Endpoint::parse).toList(), options.credentials(), timer, metrics);
        retry = new PdRetry(members, timer, metrics, options.callTimeout());
        tso = new TsoBatcher(members, timer, metrics, options.callTimeout());
    }

    /** Counts into Micrometer's global registry. @see #connect(PdClientOptions, MeterRegistry) */
    public static PdClient connect(PdClientOptions options) {
        return connect(options, Metrics.globalRegistry);
    }

    /**
     * Waits until one member has named the cluster and its leader.
     *
     * @throws PdException {@code UNAVAILABLE} if none does within the connect timeout, {@code CLUSTER_MISMATCH} if the endpoints
     *     belong to different clusters
     * @throws IllegalArgumentException if an endpoint is not {@code host:port}
     */
    public static PdClient connect(PdClientOptions options, MeterRegistry registry) {
        PdClient client = new PdClient(options, registry);
        try {
            client.members.connect(options.connectTimeout());
            return client;
        } catch (RuntimeException notConnected) {
            client.close();
            throw notConnected;
        }
    }

    /** How its connections are secured, and those to stores that it names should be. */
    public ChannelCredentials credentials() {
        return credentials;
    }

    public long clusterId() {
        return members.clusterId();
    }

    /** A timestamp greater than every one that any client was given before this call (T1). Concurrent calls share a request. */
    public CompletableFuture<TimeStamp> timestamp() {
        return tso.next();
    }

    /** The Region that holds this key, as PD writes keys (raw keys of API V1 as they are). */
    public CompletableFuture<Optional<RegionLocation>> regionByKey(ByteKey key) {
        return Futures.bare(
                retry.call(GET_REGION, header -> regionRequest(header, key)).thenApply(PdClient::location));
    }

    /** The Region in front of the one that holds this key. */
    public CompletableFuture<Optional<RegionLocation>> previousRegion(ByteKey key) {
        return Futures.bare(retry.call(GET_PREV_REGION, header -> regionRequest(header, key))
                .thenApply(PdClient::location));
    }

    private static GetRegionRequest regionRequest(RequestHeader header, ByteKey key) {
        return GetRegionRequest.newBuilder()
                .setHeader(header)
                .setRegionKey(key.toByteString())
                .build();
    }

    public CompletableFuture<Optional<RegionLocation>> regionById(long regionId) {
        return Futures.bare(retry.call(
                        GET_REGION_BY_ID,
                        header -> GetRegionByIDRequest.newBuilder()
                                .setHeader(header)
                                .setRegionId(regionId)
                                .build())
                .thenApply(PdClient::location));
    }

    /** An absent Region is PD's way of saying that it knows none yet. */
    private static Optional<RegionLocation> location(GetRegionResponse response) {
        if (response.getRegion().getId() == 0) {
            return Optional.empty();
        }
        return Optional.of(location(
                response.getRegion(),
                response.getLeader(),
                response.getDownPeersList(),
                response.getPendingPeersList()));
    }

    private static RegionLocation location(Region region, Peer leader, List<PeerStats> down, List<Peer> pending) {
        return new RegionLocation(
                region,
                leader.getStoreId() == 0 ? null : leader,
                down.stream().map(PeerStats::getPeer).toList(),
                List.copyOf(pending));
    }

    /**
     * Regions that overlap the range, in key order; asked for page by page.
     *
     * @param limit at most so many; 0 for all
     */
    public CompletableFuture<List<RegionLocation>> scanRegions(KeyRange range, int limit) {
        if (limit < 0) {
            throw new IllegalArgumentException("limit is negative: " + limit);
        }
        if (range.isEmpty()) {
            return CompletableFuture.completedFuture(List.of());
        }
        return scanPages(range, limit == 0 ? Integer.MAX_VALUE : limit, new ArrayList<>());
    }

    private CompletableFuture<List<RegionLocation>> scanPages(KeyRange rest, int limit, List<RegionLocation> found) {
        int page = Math.min(SCAN_PAGE_REGIONS, limit - found.size());
        return Futures.bare(retry.call(
                        SCAN_REGIONS,
                        header -> ScanRegionsRequest.newBuilder()
                                .setHeader(header)
                                .setStartKey(rest.start().toByteString())
                                .setEndKey(rest.end().toByteString())
                                .setLimit(page)
                                .build())
                .thenCompose(response -> {
                    List<RegionLocation> regions = locations(response);
                    found.addAll(regions);
                    if (regions.size() < page || found.size() >= limit) {
                        return CompletableFuture.completedFuture(List.copyOf(found));
                    }
                    ByteKey next =
                            ByteKey.of(regions.get(regions.size() - 1).region().getEndKey());
                    KeyRange beyond = new KeyRange(next, rest.end());
                    if (next.compareTo(rest.start()) <= 0 || beyond.isEmpty()) {
                        return CompletableFuture.completedFuture(List.copyOf(found));
                    }
                    return scanPages(beyond, limit, found);
                }));
    }

    /** Old members fill two parallel lists, new ones a list of pairs. */
    private static List<RegionLocation> locations(ScanRegionsResponse response) {
        if (response.getRegionsCount() > 0) {
            return response.getRegionsList().stream()
                    .map(r -> location(r.getRegion(), r.getLeader(), r.getDownPeersList(), r.getPendingPeersList()))
                    .toList();
        }
        List<RegionLocation> locations = new ArrayList<>();
        for (int i = 0; i < response.getRegionMetasCount(); i++) {
            Peer leader = i < response.getLeadersCount() ? response.getLeaders(i) : Peer.getDefaultInstance();
            locations.add(location(response.getRegionMetas(i), leader, List.of(), List.of()));
        }
        return locations;
    }

    /** Fails with {@code NOT_FOUND} for an id that was never given. Tombstones are answered as they are. */
    public CompletableFuture<Store> store(long storeId) {
        return Futures.bare(retry.call(
                        GET_STORE,
                        header -> GetStoreRequest.newBuilder()
                                .setHeader(header)
                                .setStoreId(storeId)
                                .build())
                .thenApply(GetStoreResponse::getStore));
    }

    public CompletableFuture<List<Store>> stores(boolean excludeTombstones) {
        return Futures.bare(retry.call(
                        GET_ALL_STORES,
                        header -> GetAllStoresRequest.newBuilder()
                                .setHeader(header)
                                .setExcludeTombstoneStores(excludeTombstones)
                                .build())
                .thenApply(GetAllStoresResponse::getStoresList));
    }

    public CompletableFuture<Boolean> isBootstrapped() {
        return Futures.bare(retry.call(
                        IS_BOOTSTRAPPED,
                        header -> IsBootstrappedRequest.newBuilder()
                                .setHeader(header)
                                .build())
                .thenApply(IsBootstrappedResponse::getBootstrapped));
    }

    /**
     * The first store's and first Region's entry; {@code ALREADY_BOOTSTRAPPED} if another store was first. A repetition of this
     * very call, after an answer was lost, counts as the call itself.
     */
    public CompletableFuture<Void> bootstrap(Store store, Region region) {
        return Futures.bare(retry.call(
                        BOOTSTRAP,
                        header -> BootstrapRequest.newBuilder()
                                .setHeader(header)
                                .setStore(store)
                                .setRegion(region)
                                .build())
                .<Void>thenApply(done -> null)
                .exceptionallyCompose(failure -> {
                    if (!isAlreadyBootstrapped(failure)) {
                        return CompletableFuture.failedFuture(failure);
                    }
                    return isKnown(store)
                            .thenCompose(ours -> ours
                                    ? CompletableFuture.completedFuture(null)
                                    : CompletableFuture.failedFuture(failure));
                }));
    }

    private static boolean isAlreadyBootstrapped(Throwable failure) {
        return Futures.causeOf(failure) instanceof PdException refused
                && refused.kind() == PdException.Kind.ALREADY_BOOTSTRAPPED;
    }

    /** Nobody else carries this id (T2), and a store that did not bootstrap is not entered before that. */
    private CompletableFuture<Boolean> isKnown(Store store) {
        return store(store.getId()).handle((known, failure) -> failure == null && known.getId() == store.getId());
    }

    /**
     * Ids that nobody was ever given (T2).
     *
     * @param count how many, 1 or more
     * @return the last of {@code count} consecutive ones
     */
    public CompletableFuture<Long> allocateIds(int count) {
        if (count < 1) {
            throw new IllegalArgumentException("count must be positive: " + count);
        }
        return Futures.bare(retry.call(
                        ALLOC_ID,
                        header -> AllocIDRequest.newBuilder()
                                .setHeader(header)
                                .setCount(count)
                                .build())
                .thenApply(AllocIDResponse::getId));
    }

    /**
     * Ids for the pieces that a Region is to be split into; they are nobody else's (T2).
     *
     * @param region as its leader has it; fails with {@code REFUSED} if PD knows a newer one there
     * @param pieces how many new Regions, 1 or more
     * @return for each piece a Region id and as many peer ids as the Region has peers
     */
    public CompletableFuture<List<SplitID>> askBatchSplit(Region region, int pieces) {
        if (pieces < 1) {
            throw new IllegalArgumentException("pieces must be positive: " + pieces);
        }
        return Futures.bare(retry.call(
                        ASK_BATCH_SPLIT,
                        header -> AskBatchSplitRequest.newBuilder()
                                .setHeader(header)
                                .setRegion(region)
                                .setSplitCount(pieces)
                                .build())
                .thenApply(AskBatchSplitResponse::getIdsList));
    }

    public CompletableFuture<Void> putStore(Store store) {
        return Futures.bare(retry.call(
                        PUT_STORE,
                        header -> PutStoreRequest.newBuilder()
                                .setHeader(header)
                                .setStore(store)
                                .build())
                .thenApply(done -> null));
    }

    public CompletableFuture<StoreHeartbeatResponse> storeHeartbeat(StoreStats stats) {
        return retry.call(
                STORE_HEARTBEAT,
                header -> StoreHeartbeatRequest.newBuilder()
                        .setHeader(header)
                        .setStats(stats)
                        .build());
    }

    /**
     * Below which stores may drop versions that a newer one at or below it hides (P7).
     *
     * @return {@link TimeStamp#ZERO} as long as there is none, and from a PD that keeps none
     */
    public CompletableFuture<TimeStamp> gcSafePoint() {
        return Futures.bare(retry.call(
                        GET_GC_SAFE_POINT,
                        header -> GetGCSafePointRequest.newBuilder()
                                .setHeader(header)
                                .build())
                .thenApply(response -> new TimeStamp(response.getSafePoint()))
                .exceptionallyCompose(failure -> isUnsupported(failure)
                        ? CompletableFuture.completedFuture(TimeStamp.ZERO)
                        : CompletableFuture.failedFuture(failure)));
    }

    /**
     * Before which no transaction may read or commit; the GC safe point follows it after a while. An older PD is asked for its GC
     * safe point instead.
     *
     * @return {@link TimeStamp#ZERO} as long as there is none, and from a PD that keeps none
     */
    public CompletableFuture<TimeStamp> txnSafePoint() {
        return Futures.bare(retry.call(
                        GET_GC_STATE,
                        header -> GetGCStateRequest.newBuilder()
                                .setHeader(header)
                                .setExcludeGcBarriers(true)
                                .build())
                .thenApply(response -> new TimeStamp(response.getGcState().getTxnSafePoint()))
                .exceptionallyCompose(
                        failure -> isUnsupported(failure) ? gcSafePoint() : CompletableFuture.failedFuture(failure)));
    }

    /** The keyspace of that name, whatever its state; {@code NOT_FOUND} if there is none. */
    public CompletableFuture<KeyspaceMeta> keyspace(String name) {
        return Futures.bare(retry.call(
                        LOAD_KEYSPACE,
                        header -> LoadKeyspaceRequest.newBuilder()
                                .setHeader(header)
                                .setName(name)
                                .build())
                .thenApply(LoadKeyspaceResponse::getKeyspace));
    }

    private static boolean isUnsupported(Throwable failure) {
        return Futures.causeOf(failure) instanceof PdException refused
                && refused.kind() == PdException.Kind.UNSUPPORTED;
    }

    /**
     * The stream on which a store reports the Regions that it leads. It reconnects to whoever leads PD, for as long as it is
     * open.
     *
     * @param onResponse PD's orders; called on a gRPC thread, one at a time
     * @param onReconnect called on a gRPC thread each time a stream stands, the first one included: what was sent before may be
     *     lost or unknown to this leader, so the store reports everything once more
     */
    public RegionHeartbeats regionHeartbeats(Consumer<RegionHeartbeatResponse> onResponse, Runnable onReconnect) {
        RegionHeartbeatStream stream =
                new RegionHeartbeatStream(members, timer, metrics, onResponse, onReconnect, heartbeats::remove);
        heartbeats.add(stream);
        stream.open();
        return stream;
    }

    /** One open heartbeat stream. */
    public interface RegionHeartbeats extends AutoCloseable {

        /** Sends, or drops if no leader is connected: the next heartbeat says it again. The header is filled in here. */
        void send(RegionHeartbeatRequest heartbeat);

        @Override
        void close();
    }

    /** Calls under way fail with {@code UNAVAILABLE}. */
    @Override
    public void close() {
        heartbeats.forEach(RegionHeartbeatStream::close);
        tso.close();
        members.close();
        timer.close();
    }
}
