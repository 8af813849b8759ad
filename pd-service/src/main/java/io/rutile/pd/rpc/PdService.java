package io.rutile.pd.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.leader.Leadership;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BatchScanRegionsRequest;
import io.rutile.protocol.pdpb.BatchScanRegionsResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetClusterConfigRequest;
import io.rutile.protocol.pdpb.GetClusterConfigResponse;
import io.rutile.protocol.pdpb.GetClusterInfoRequest;
import io.rutile.protocol.pdpb.GetClusterInfoResponse;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.GetStoreResponse;
import io.rutile.protocol.pdpb.IsBootstrappedRequest;
import io.rutile.protocol.pdpb.IsBootstrappedResponse;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.PutClusterConfigRequest;
import io.rutile.protocol.pdpb.PutClusterConfigResponse;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.PutStoreResponse;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.protocol.pdpb.RegionHeartbeatResponse;
import io.rutile.protocol.pdpb.ReportBatchSplitRequest;
import io.rutile.protocol.pdpb.ReportBatchSplitResponse;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;

/** {@code pdpb.PD}: one line an RPC. What is not here answers UNIMPLEMENTED. */
final class PdService extends PDGrpc.PDImplBase {

    private final PdCalls calls;
    private final MetaStore meta;
    private final MemberCommands members;
    private final BootstrapCommands bootstrap;
    private final StoreCommands stores;
    private final RegionCommands regions = new RegionCommands();
    private final SplitCommands splits = new SplitCommands();
    private final Counter timestamps;
    private final Counter rejectedHeartbeats;

    PdService(Leadership leadership, PdMember member, MetaStore meta, MeterRegistry metrics) {
        this.calls = new PdCalls(leadership, member);
        this.meta = meta;
        this.members = new MemberCommands(member);
        this.bootstrap = new BootstrapCommands(member);
        this.stores = new StoreCommands(meta);
        this.timestamps = Counter.builder("kv.pd.tso.timestamps")
                .description("Timestamps handed out")
                .register(metrics);
        this.rejectedHeartbeats = Counter.builder("kv.pd.cluster.heartbeats.rejected")
                .description("Region heartbeats that were stale or malformed and changed nothing")
                .register(metrics);
    }

    @Override
    public void getMembers(GetMembersRequest r, StreamObserver<GetMembersResponse> out) {
        calls.anywhere(out, members::members);
    }

    @Override
    public void getClusterInfo(GetClusterInfoRequest r, StreamObserver<GetClusterInfoResponse> out) {
        calls.anywhere(out, members::clusterInfo);
    }

    @Override
    public StreamObserver<TsoRequest> tso(StreamObserver<TsoResponse> out) {
        return new TsoStream(calls, (ServerCallStreamObserver<TsoResponse>) out, timestamps);
    }

    @Override
    public void isBootstrapped(IsBootstrappedRequest r, StreamObserver<IsBootstrappedResponse> out) {
        calls.onLeader(
                r.getHeader(), IsBootstrappedResponse.getDefaultInstance(), out, t -> bootstrap.isBootstrapped());
    }

    @Override
    public void bootstrap(BootstrapRequest r, StreamObserver<BootstrapResponse> out) {
        calls.onLeader(r.getHeader(), BootstrapResponse.getDefaultInstance(), out, t -> bootstrap.bootstrap(t, r));
    }

    @Override
    public void allocID(AllocIDRequest r, StreamObserver<AllocIDResponse> out) {
        calls.onLeader(r.getHeader(), AllocIDResponse.getDefaultInstance(), out, t -> bootstrap.allocate(t, r));
    }

    @Override
    public void getStore(GetStoreRequest r, StreamObserver<GetStoreResponse> out) {
        calls.bootstrapped(r.getHeader(), GetStoreResponse.getDefaultInstance(), out, t -> stores.get(t, r));
    }

    @Override
    public void getAllStores(GetAllStoresRequest r, StreamObserver<GetAllStoresResponse> out) {
        calls.bootstrapped(r.getHeader(), GetAllStoresResponse.getDefaultInstance(), out, t -> stores.all(t, r));
    }

    @Override
    public void putStore(PutStoreRequest r, StreamObserver<PutStoreResponse> out) {
        calls.bootstrapped(r.getHeader(), PutStoreResponse.getDefaultInstance(), out, t -> stores.put(t, r));
    }

    @Override
    public void storeHeartbeat(StoreHeartbeatRequest r, StreamObserver<StoreHeartbeatResponse> out) {
        calls.bootstrapped(
                r.getHeader(), StoreHeartbeatResponse.getDefaultInstance(), out, t -> stores.heartbeat(t, r));
    }

    @Override
    public StreamObserver<RegionHeartbeatRequest> regionHeartbeat(StreamObserver<RegionHeartbeatResponse> out) {
        return new RegionHeartbeatStream(
                calls, meta, (ServerCallStreamObserver<RegionHeartbeatResponse>) out, rejectedHeartbeats);
    }

    @Override
    public void getRegion(GetRegionRequest r, StreamObserver<GetRegionResponse> out) {
        calls.bootstrapped(r.getHeader(), GetRegionResponse.getDefaultInstance(), out, t -> regions.byKey(t, r));
    }

    @Override
    public void getPrevRegion(GetRegionRequest r, StreamObserver<GetRegionResponse> out) {
        calls.bootstrapped(r.getHeader(), GetRegionResponse.getDefaultInstance(), out, t -> regions.previous(t, r));
    }

    @Override
    public void getRegionByID(GetRegionByIDRequest r, StreamObserver<GetRegionResponse> out) {
        calls.bootstrapped(r.getHeader(), GetRegionResponse.getDefaultInstance(), out, t -> regions.byId(t, r));
    }

    @Override
    public void scanRegions(ScanRegionsRequest r, StreamObserver<ScanRegionsResponse> out) {
        calls.bootstrapped(r.getHeader(), ScanRegionsResponse.getDefaultInstance(), out, t -> regions.scan(t, r));
    }

    @Override
    public void batchScanRegions(BatchScanRegionsRequest r, StreamObserver<BatchScanRegionsResponse> out) {
        calls.bootstrapped(
                r.getHeader(), BatchScanRegionsResponse.getDefaultInstance(), out, t -> regions.batchScan(t, r));
    }

    @Override
    public void askBatchSplit(AskBatchSplitRequest r, StreamObserver<AskBatchSplitResponse> out) {
        calls.bootstrappedFirst(r.getHeader(), AskBatchSplitResponse.getDefaultInstance(), out, t -> splits.ask(t, r));
    }

    @Override
    public void reportBatchSplit(ReportBatchSplitRequest r, StreamObserver<ReportBatchSplitResponse> out) {
        calls.bootstrapped(r.getHeader(), ReportBatchSplitResponse.getDefaultInstance(), out, t -> splits.report(r));
    }

    @Override
    public void getClusterConfig(GetClusterConfigRequest r, StreamObserver<GetClusterConfigResponse> out) {
        calls.bootstrapped(r.getHeader(), GetClusterConfigResponse.getDefaultInstance(), out, t -> stores.config());
    }

    @Override
    public void putClusterConfig(PutClusterConfigRequest r, StreamObserver<PutClusterConfigResponse> out) {
        calls.bootstrapped(
                r.getHeader(), PutClusterConfigResponse.getDefaultInstance(), out, t -> stores.putConfig(t, r));
    }
}
