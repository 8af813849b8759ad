package io.rutile.pd.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.protocol.pdpb.AdvanceGCSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceGCSafePointResponse;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointResponse;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BatchScanRegionsRequest;
import io.rutile.protocol.pdpb.BatchScanRegionsResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.BootstrapResponse;
import io.rutile.protocol.pdpb.DeleteGCBarrierRequest;
import io.rutile.protocol.pdpb.DeleteGCBarrierResponse;
import io.rutile.protocol.pdpb.DeleteGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.DeleteGlobalGCBarrierResponse;
import io.rutile.protocol.pdpb.GetAllGCSafePointV2Request;
import io.rutile.protocol.pdpb.GetAllGCSafePointV2Response;
import io.rutile.protocol.pdpb.GetAllKeyspacesGCStatesRequest;
import io.rutile.protocol.pdpb.GetAllKeyspacesGCStatesResponse;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetAllStoresResponse;
import io.rutile.protocol.pdpb.GetClusterConfigRequest;
import io.rutile.protocol.pdpb.GetClusterConfigResponse;
import io.rutile.protocol.pdpb.GetClusterInfoRequest;
import io.rutile.protocol.pdpb.GetClusterInfoResponse;
import io.rutile.protocol.pdpb.GetGCSafePointRequest;
import io.rutile.protocol.pdpb.GetGCSafePointResponse;
import io.rutile.protocol.pdpb.GetGCSafePointV2Request;
import io.rutile.protocol.pdpb.GetGCSafePointV2Response;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetGCStateResponse;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetOperatorRequest;
import io.rutile.protocol.pdpb.GetOperatorResponse;
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
import io.rutile.protocol.pdpb.ScatterRegionRequest;
import io.rutile.protocol.pdpb.ScatterRegionResponse;
import io.rutile.protocol.pdpb.SetGCBarrierRequest;
import io.rutile.protocol.pdpb.SetGCBarrierResponse;
import io.rutile.protocol.pdpb.SetGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.SetGlobalGCBarrierResponse;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsRequest;
import io.rutile.protocol.pdpb.SplitAndScatterRegionsResponse;
import io.rutile.protocol.pdpb.SplitRegionsRequest;
import io.rutile.protocol.pdpb.SplitRegionsResponse;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import io.rutile.protocol.pdpb.UpdateGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateGCSafePointResponse;
import io.rutile.protocol.pdpb.UpdateGCSafePointV2Request;
import io.rutile.protocol.pdpb.UpdateGCSafePointV2Response;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointResponse;
import io.rutile.protocol.pdpb.UpdateServiceSafePointV2Request;
import io.rutile.protocol.pdpb.UpdateServiceSafePointV2Response;
import io.rutile.protocol.pdpb.WatchGCSafePointV2Request;
import io.rutile.protocol.pdpb.WatchGCSafePointV2Response;

/** {@code pdpb.PD}: one line an RPC. What is not here answers UNIMPLEMENTED. */
final class PdService extends PDGrpc.PDImplBase {

    private final PdCalls calls;
    private final MetaStore meta;
    private final MemberCommands members;
    private final BootstrapCommands bootstrap;
    private final StoreCommands stores;
    private final RegionCommands regions = new RegionCommands();
    private final SplitCommands splits = new SplitCommands();
    private final OperatorCommands operators = new OperatorCommands();
    private final GcCommands gc;
    private final LegacyGcCommands legacyGc;
    private final StateStreams streams;
    private final Counter timestamps;
    private final Counter rejectedHeartbeats;

    PdService(PdCalls calls, PdMember member, MetaStore meta, StateStreams streams, MeterRegistry metrics) {
        this.calls = calls;
        this.meta = meta;
        this.members = new MemberCommands(member);
        this.bootstrap = new BootstrapCommands(member);
        this.stores = new StoreCommands(meta);
        this.gc = new GcCommands(meta);
        this.legacyGc = new LegacyGcCommands(meta);
        this.streams = streams;
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
    public void scatterRegion(ScatterRegionRequest r, StreamObserver<ScatterRegionResponse> out) {
        calls.bootstrappedFirst(
                r.getHeader(), ScatterRegionResponse.getDefaultInstance(), out, t -> operators.scatter(t, r));
    }

    @Override
    public void getOperator(GetOperatorRequest r, StreamObserver<GetOperatorResponse> out) {
        calls.bootstrappedFirst(
                r.getHeader(), GetOperatorResponse.getDefaultInstance(), out, t -> operators.operator(t, r));
    }

    @Override
    public void splitRegions(SplitRegionsRequest r, StreamObserver<SplitRegionsResponse> out) {
        calls.bootstrappedFirst(
                r.getHeader(), SplitRegionsResponse.getDefaultInstance(), out, t -> operators.split(t, r));
    }

    @Override
    public void splitAndScatterRegions(
            SplitAndScatterRegionsRequest r, StreamObserver<SplitAndScatterRegionsResponse> out) {
        calls.bootstrappedFirst(
                r.getHeader(),
                SplitAndScatterRegionsResponse.getDefaultInstance(),
                out,
                t -> operators.splitAndScatter(t, r));
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

    @Override
    public void getGCState(GetGCStateRequest r, StreamObserver<GetGCStateResponse> out) {
        calls.bootstrapped(r.getHeader(), GetGCStateResponse.getDefaultInstance(), out, t -> gc.state(t, r));
    }

    @Override
    public void getAllKeyspacesGCStates(
            GetAllKeyspacesGCStatesRequest r, StreamObserver<GetAllKeyspacesGCStatesResponse> out) {
        calls.bootstrapped(
                r.getHeader(), GetAllKeyspacesGCStatesResponse.getDefaultInstance(), out, t -> gc.allStates(t, r));
    }

    @Override
    public void advanceTxnSafePoint(AdvanceTxnSafePointRequest r, StreamObserver<AdvanceTxnSafePointResponse> out) {
        calls.bootstrapped(
                r.getHeader(), AdvanceTxnSafePointResponse.getDefaultInstance(), out, t -> gc.advanceTxn(t, r));
    }

    @Override
    public void advanceGCSafePoint(AdvanceGCSafePointRequest r, StreamObserver<AdvanceGCSafePointResponse> out) {
        calls.bootstrapped(
                r.getHeader(), AdvanceGCSafePointResponse.getDefaultInstance(), out, t -> gc.advanceGc(t, r));
    }

    @Override
    public void setGCBarrier(SetGCBarrierRequest r, StreamObserver<SetGCBarrierResponse> out) {
        calls.bootstrapped(r.getHeader(), SetGCBarrierResponse.getDefaultInstance(), out, t -> gc.setBarrier(t, r));
    }

    @Override
    public void deleteGCBarrier(DeleteGCBarrierRequest r, StreamObserver<DeleteGCBarrierResponse> out) {
        calls.bootstrapped(
                r.getHeader(), DeleteGCBarrierResponse.getDefaultInstance(), out, t -> gc.deleteBarrier(t, r));
    }

    @Override
    public void setGlobalGCBarrier(SetGlobalGCBarrierRequest r, StreamObserver<SetGlobalGCBarrierResponse> out) {
        calls.bootstrapped(
                r.getHeader(), SetGlobalGCBarrierResponse.getDefaultInstance(), out, t -> gc.setGlobalBarrier(t, r));
    }

    @Override
    public void deleteGlobalGCBarrier(
            DeleteGlobalGCBarrierRequest r, StreamObserver<DeleteGlobalGCBarrierResponse> out) {
        calls.bootstrapped(
                r.getHeader(),
                DeleteGlobalGCBarrierResponse.getDefaultInstance(),
                out,
                t -> gc.deleteGlobalBarrier(t, r));
    }

    @Override
    public void getGCSafePoint(GetGCSafePointRequest r, StreamObserver<GetGCSafePointResponse> out) {
        calls.bootstrapped(r.getHeader(), GetGCSafePointResponse.getDefaultInstance(), out, t -> legacyGc.get(t));
    }

    @Override
    public void updateGCSafePoint(UpdateGCSafePointRequest r, StreamObserver<UpdateGCSafePointResponse> out) {
        calls.bootstrapped(
                r.getHeader(), UpdateGCSafePointResponse.getDefaultInstance(), out, t -> legacyGc.update(t, r));
    }

    @Override
    public void updateServiceGCSafePoint(
            UpdateServiceGCSafePointRequest r, StreamObserver<UpdateServiceGCSafePointResponse> out) {
        calls.bootstrapped(
                r.getHeader(),
                UpdateServiceGCSafePointResponse.getDefaultInstance(),
                out,
                t -> legacyGc.updateService(t, r));
    }

    @Override
    public void getGCSafePointV2(GetGCSafePointV2Request r, StreamObserver<GetGCSafePointV2Response> out) {
        calls.bootstrapped(
                r.getHeader(), GetGCSafePointV2Response.getDefaultInstance(), out, t -> legacyGc.getV2(t, r));
    }

    @Override
    public void updateGCSafePointV2(UpdateGCSafePointV2Request r, StreamObserver<UpdateGCSafePointV2Response> out) {
        calls.bootstrapped(
                r.getHeader(), UpdateGCSafePointV2Response.getDefaultInstance(), out, t -> legacyGc.updateV2(t, r));
    }

    @Override
    public void updateServiceSafePointV2(
            UpdateServiceSafePointV2Request r, StreamObserver<UpdateServiceSafePointV2Response> out) {
        calls.bootstrapped(
                r.getHeader(),
                UpdateServiceSafePointV2Response.getDefaultInstance(),
                out,
                t -> legacyGc.updateServiceV2(t, r));
    }

    @Override
    public void getAllGCSafePointV2(GetAllGCSafePointV2Request r, StreamObserver<GetAllGCSafePointV2Response> out) {
        calls.bootstrapped(
                r.getHeader(), GetAllGCSafePointV2Response.getDefaultInstance(), out, t -> legacyGc.allV2(t));
    }

    @Override
    public void watchGCSafePointV2(WatchGCSafePointV2Request r, StreamObserver<WatchGCSafePointV2Response> out) {
        streams.open(r.getHeader(), WatchGCSafePointV2Response.getDefaultInstance(), out, LegacyGcCommands::news);
    }
}
