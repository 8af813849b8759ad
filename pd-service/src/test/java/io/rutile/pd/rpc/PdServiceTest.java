package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.protocol.metapb.Cluster;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Region;
import io.rutile.protocol.metapb.RegionEpoch;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.AllocIDResponse;
import io.rutile.protocol.pdpb.AskBatchSplitRequest;
import io.rutile.protocol.pdpb.AskBatchSplitResponse;
import io.rutile.protocol.pdpb.BatchScanRegionsRequest;
import io.rutile.protocol.pdpb.BatchScanRegionsResponse;
import io.rutile.protocol.pdpb.BootstrapRequest;
import io.rutile.protocol.pdpb.Error;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetAllStoresRequest;
import io.rutile.protocol.pdpb.GetClusterConfigRequest;
import io.rutile.protocol.pdpb.GetClusterInfoRequest;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.GetMembersResponse;
import io.rutile.protocol.pdpb.GetRegionByIDRequest;
import io.rutile.protocol.pdpb.GetRegionRequest;
import io.rutile.protocol.pdpb.GetRegionResponse;
import io.rutile.protocol.pdpb.GetStoreRequest;
import io.rutile.protocol.pdpb.IsBootstrappedRequest;
import io.rutile.protocol.pdpb.KeyRange;
import io.rutile.protocol.pdpb.PutClusterConfigRequest;
import io.rutile.protocol.pdpb.PutStoreRequest;
import io.rutile.protocol.pdpb.ReportBatchSplitRequest;
import io.rutile.protocol.pdpb.ScanRegionsRequest;
import io.rutile.protocol.pdpb.ScanRegionsResponse;
import io.rutile.protocol.pdpb.ServiceMode;
import io.rutile.protocol.pdpb.SplitID;
import io.rutile.protocol.pdpb.StoreHeartbeatRequest;
import io.rutile.protocol.pdpb.StoreHeartbeatResponse;
import io.rutile.protocol.pdpb.StoreStats;
import io.rutile.protocol.pdpb.SyncMaxTSRequest;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The conformance cases of unary calls, by their ids, over a real port. */
class PdServiceTest {

    private static final long TOMBSTONE = 30;

    @TempDir
    Path directory;

    private LocalPd pd;

    @BeforeEach
    void start() {
        pd = new LocalPd(
                LocalMeta.withStores(directory, List.of(LocalCluster.tombstone(TOMBSTONE))), DoorOptions.DEFAULTS);
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void d10FreshClusterSaysThatItIsNotBootstrapped() {
        assertThat(region("").getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
        var asked = pd.stub()
                .isBootstrapped(IsBootstrappedRequest.newBuilder()
                        .setHeader(pd.header())
                        .build());
        assertThat(asked.getBootstrapped()).isFalse();
        assertThat(asked.getHeader().hasError()).isFalse();
        assertThat(allocate(1).getId()).isPositive();
        assertThat(allocate(1).getHeader().hasError()).isFalse();
        assertThat(pd.stub()
                        .getMembers(GetMembersRequest.getDefaultInstance())
                        .getHeader()
                        .hasError())
                .isFalse();
    }

    @Test
    void d11BootstrapIsCheckedAndHappensOnce() {
        Region good = LocalPd.firstRegion();

        assertThat(bootstrap(
                                LocalCluster.store(1),
                                good.toBuilder().addPeers(Regions.peer(2, 4)).build())
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(bootstrap(
                                LocalCluster.store(1),
                                good.toBuilder().setStartKey(bytes("a")).build())
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(bootstrap(
                                LocalCluster.store(1),
                                good.toBuilder().setEndKey(bytes("z")).build())
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(bootstrap(LocalCluster.store(0), good).getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(bootstrap(LocalCluster.store(1), good.toBuilder().setId(0).build())
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(bootstrap(LocalCluster.store(5), good).getType()).isEqualTo(ErrorType.UNKNOWN);

        assertThat(bootstrap(LocalCluster.store(1), good)).isEqualTo(Error.getDefaultInstance());
        assertThat(region("k").getRegion()).isEqualTo(good);

        assertThat(bootstrap(LocalCluster.store(1), good).getType()).isEqualTo(ErrorType.ALREADY_BOOTSTRAPPED);
        assertThat(bootstrap(LocalCluster.store(0), good).getType()).isEqualTo(ErrorType.ALREADY_BOOTSTRAPPED);
    }

    @Test
    void d15UnknownStoreIsNotFound() {
        pd.bootstrapped();

        var missing = pd.stub()
                .getStore(GetStoreRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStoreId(999)
                        .build());

        assertThat(missing.getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(missing.getHeader().getError().getMessage()).contains("invalid store ID 999, not found");
    }

    @Test
    void storeIsAnsweredAsServing() {
        pd.bootstrapped();

        var found = pd.stub()
                .getStore(GetStoreRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStoreId(1)
                        .build());

        assertThat(found.getStore().getAddress())
                .isEqualTo(LocalCluster.store(1).getAddress());
        assertThat(found.getStore().getNodeState()).isEqualTo(NodeState.Serving);
        assertThat(found.getStore().getLastHeartbeat()).isPositive();
    }

    @Test
    void d16AddressOfALivingStoreIsTaken() {
        pd.bootstrapped();
        String a = LocalCluster.store(1).getAddress();
        String c = LocalCluster.store(TOMBSTONE).getAddress();

        Error duplicate = put(LocalCluster.store(9).toBuilder().setAddress(a).build());
        assertThat(duplicate.getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(duplicate.getMessage()).contains("duplicated store address");
        assertThat(put(LocalCluster.store(10).toBuilder().setAddress(c).build()))
                .isEqualTo(Error.getDefaultInstance());
        assertThat(put(LocalCluster.store(1))).isEqualTo(Error.getDefaultInstance());
        assertThat(put(LocalCluster.store(TOMBSTONE)).getType()).isEqualTo(ErrorType.STORE_TOMBSTONE);
        assertThat(put(LocalCluster.store(0)).getType()).isEqualTo(ErrorType.UNKNOWN);
    }

    @Test
    void allStoresMayLeaveTombstonesOut() {
        pd.bootstrapped();

        assertThat(stores(false)).containsExactly(1L, TOMBSTONE);
        assertThat(stores(true)).containsExactly(1L);
    }

    @Test
    void storeHeartbeatIsAnsweredByWhatTheStoreIs() {
        pd.bootstrapped();

        var answer =
                heartbeat(StoreStats.newBuilder().setStoreId(1).setCapacity(7).build());
        assertThat(answer.getClusterVersion()).isEqualTo("8.5.0");
        assertThat(answer.getState()).isEqualTo(NodeState.Serving);
        assertThat(pd.term().cluster().store(1))
                .isNotNull()
                .extracting(s -> s.stats().getCapacity())
                .isEqualTo(7L);

        assertThat(heartbeat(StoreStats.newBuilder().setStoreId(TOMBSTONE).build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.STORE_TOMBSTONE);
        assertThat(heartbeat(StoreStats.newBuilder().setStoreId(77).build())
                        .getHeader()
                        .getError()
                        .getMessage())
                .contains("invalid store ID 77, not found");
        assertStatus(
                () -> pd.stub()
                        .storeHeartbeat(StoreHeartbeatRequest.newBuilder()
                                .setHeader(pd.header())
                                .build()),
                Status.Code.UNKNOWN,
                "invalid store heartbeat");
    }

    @Test
    void d18WrongClusterIsRefusedWhereItIsChecked() {
        pd.bootstrapped();

        assertStatus(
                () -> pd.stub()
                        .getRegion(GetRegionRequest.newBuilder()
                                .setHeader(pd.wrongHeader())
                                .build()),
                Status.Code.FAILED_PRECONDITION,
                "mismatch cluster id, need " + pd.header().getClusterId() + " but got 42");
        assertStatus(
                () -> pd.stub().getRegion(GetRegionRequest.getDefaultInstance()),
                Status.Code.FAILED_PRECONDITION,
                "mismatch cluster id");
        Answers<TsoResponse> stream = new Answers<>();
        pd.asyncStub()
                .tso(stream)
                .onNext(TsoRequest.newBuilder()
                        .setHeader(pd.wrongHeader())
                        .setCount(1)
                        .build());
        assertThat(stream.end()).hasMessageContaining("mismatch cluster id");

        assertThat(pd.stub()
                        .getMembers(GetMembersRequest.newBuilder()
                                .setHeader(pd.wrongHeader())
                                .build())
                        .getMembersCount())
                .isEqualTo(1);
        assertThat(pd.stub()
                        .getClusterInfo(GetClusterInfoRequest.getDefaultInstance())
                        .getServiceModesList())
                .containsExactly(ServiceMode.PD_SVC_MODE);
    }

    @Test
    void d19RegionsAreScannedInOrder() {
        pd.bootstrapped();
        threeRegions();

        assertThat(ids(scan("", "", 2))).containsExactly(101L, 102L);
        assertThat(ids(scan("h", "q", 0))).containsExactly(102L, 103L);
        assertThat(ids(scan("h", "", 1))).containsExactly(102L);
        assertThat(ids(scan("", "", Integer.MAX_VALUE))).containsExactly(101L, 102L, 103L);
        ScanRegionsResponse all = scan("", "", 0);
        assertThat(all.getRegionMetasList()).extracting(Region::getId).containsExactly(101L, 102L, 103L);
        assertThat(all.getLeadersCount()).isEqualTo(3);
        assertThat(all.getLeaders(2).getId())
                .as("a leaderless region has an empty peer")
                .isZero();
        assertThat(scan("q", "h", 0).getRegionsList()).isEmpty();
    }

    @Test
    void manyRangesAreScannedAtOnce() {
        pd.bootstrapped();
        threeRegions();

        assertThat(batchScan(false, 0, "a", "h", "i", "j").getRegionsList())
                .extracting(r -> r.getRegion().getId())
                .containsExactly(101L, 102L);
        assertThat(batchScan(true, 0, "", "").getRegionsList()).hasSize(3);
        assertThat(batchScan(true, 1, "", "").getRegionsList()).hasSize(1);
        assertThat(batchScan(true, 2, "", "a", "a", "").getRegionsList()).hasSize(2);
        assertThat(batchScan(false, 0, "m", "z", "a", "b")
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(batchScan(false, 0, "z", "m").getHeader().getError().getType())
                .isEqualTo(ErrorType.UNKNOWN);
    }

    @Test
    void holeInABatchScanIsSaid() {
        pd.bootstrapped();
        observe(Regions.region(101, "", "g", 1).epoch(1, 2));
        observe(Regions.region(103, "p", "", 1).epoch(1, 2));

        assertThat(batchScan(true, 0, "a", "h").getHeader().getError().getType())
                .isEqualTo(ErrorType.REGIONS_NOT_CONTAIN_ALL_KEY_RANGE);
        assertThat(batchScan(true, 0, "q", "").getHeader().hasError()).isFalse();
        assertThat(batchScan(false, 0, "a", "h").getRegionsCount()).isEqualTo(1);
    }

    @Test
    void regionIsFoundByKeyByNeighbourAndById() {
        pd.bootstrapped();
        threeRegions();

        assertThat(region("h").getRegion().getId()).isEqualTo(102);
        assertThat(region("h").getLeader().getStoreId()).isEqualTo(1);
        assertThat(pd.stub()
                        .getPrevRegion(GetRegionRequest.newBuilder()
                                .setHeader(pd.header())
                                .setRegionKey(bytes("h"))
                                .build())
                        .getRegion()
                        .getId())
                .isEqualTo(101);
        assertThat(byId(103).getRegion().getId()).isEqualTo(103);
        assertThat(byId(999).hasRegion()).isFalse();
        assertThat(byId(999).getHeader().hasError()).isFalse();
    }

    @Test
    void d20SplitGetsFreshIds() {
        pd.bootstrapped();
        Region region = Regions.region(101, "", "", 1, 2, 3).epoch(3, 4).info().region();
        observe(Regions.region(101, "", "", 1, 2, 3).epoch(3, 4));

        AskBatchSplitResponse answer = ask(region, 2);

        assertThat(answer.getIdsList()).hasSize(2).allMatch(id -> id.getNewPeerIdsCount() == 3);
        List<Long> ids = new ArrayList<>();
        for (SplitID split : answer.getIdsList()) {
            ids.add(split.getNewRegionId());
            ids.addAll(split.getNewPeerIdsList());
        }
        assertThat(ids).doesNotHaveDuplicates().hasSize(8);
        assertThat(allocate(1).getId())
                .isGreaterThan(ids.stream().mapToLong(i -> i).max().getAsLong());

        assertThat(ask(epoch(region, 3, 3), 1).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(ask(epoch(region, 2, 4), 1).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(ask(region, 0).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(ask(region, -1).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(pd.stub()
                        .askBatchSplit(AskBatchSplitRequest.newBuilder()
                                .setHeader(pd.header())
                                .setSplitCount(1)
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.REGION_NOT_FOUND);
    }

    @Test
    void d20SplitOfAKeyThatNoRegionHoldsIsRefused() {
        pd.bootstrapped();
        observe(Regions.region(101, "", "g", 1).epoch(1, 2));

        assertThat(ask(Regions.region(9, "k", "", 1).info().region(), 1)
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.UNKNOWN);
    }

    @Test
    void splitIsRefusedBeforeBootstrapWhateverElseIsWrong() {
        var answer = pd.stub()
                .askBatchSplit(AskBatchSplitRequest.newBuilder()
                        .setHeader(pd.wrongHeader())
                        .build());

        assertThat(answer.getHeader().getError().getType()).isEqualTo(ErrorType.NOT_BOOTSTRAPPED);
    }

    @Test
    void splitReportIsCheckedAndChangesNothing() {
        pd.bootstrapped();
        Region left = Regions.region(5, "", "m", 1).info().region();
        Region right = Regions.region(6, "m", "", 1).info().region();

        assertThat(report(left, right)).isEqualTo(Error.getDefaultInstance());
        assertThat(report(left).getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(report(right, left).getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(region("a").getRegion().getId())
                .isEqualTo(LocalPd.firstRegion().getId());
    }

    @Test
    void d26BatchOfIdsIsAnsweredByItsLast() {
        assertThat(allocate(100).getId()).isEqualTo(100);

        AllocIDResponse five = allocate(5);
        AllocIDResponse none = allocate(0);

        assertThat(five.getId()).isEqualTo(105);
        assertThat(five.getCount()).isEqualTo(5);
        assertThat(none.getId()).isEqualTo(106);
        assertThat(none.getCount()).isZero();
        assertThat(allocate(-1).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(allocate(1_000_000_000).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
    }

    @Test
    void replicaCountIsASetting() {
        pd.bootstrapped();

        assertThat(config().getMaxPeerCount()).isEqualTo(3);
        assertThat(config().getId()).isEqualTo(pd.header().getClusterId());
        assertThat(putConfig(5)).isEqualTo(Error.getDefaultInstance());
        assertThat(config().getMaxPeerCount()).isEqualTo(5);
        assertThat(putConfig(0).getType()).isEqualTo(ErrorType.INVALID_VALUE);
    }

    @Test
    void membersNameALeaderWithAnIdAndAUrlThatHasAPort() {
        GetMembersResponse answer = pd.stub().getMembers(GetMembersRequest.getDefaultInstance());

        assertThat(answer.getHeader().getClusterId())
                .isPositive()
                .isEqualTo(pd.header().getClusterId());
        assertThat(answer.getLeader().getMemberId()).isNotZero();
        assertThat(answer.getLeader().getClientUrlsList()).containsExactly(pd.url());
        assertThat(answer.getEtcdLeader()).isEqualTo(answer.getLeader());
    }

    @Test
    void followerSaysNotLeaderAndNamesWhoIs() {
        pd.bootstrapped();
        pd.follow(2);

        assertStatus(() -> region("a"), Status.Code.UNAVAILABLE, "not leader");
        assertStatus(() -> allocate(1), Status.Code.UNAVAILABLE, "not leader");
        Answers<TsoResponse> stream = new Answers<>();
        pd.asyncStub()
                .tso(stream)
                .onNext(TsoRequest.newBuilder()
                        .setHeader(pd.header())
                        .setCount(1)
                        .build());
        assertThat(stream.end()).hasMessageContaining("not leader");
        assertThat(pd.stub()
                        .getClusterInfo(GetClusterInfoRequest.getDefaultInstance())
                        .getServiceModesCount())
                .isEqualTo(1);
        assertThat(pd.stub().getMembers(GetMembersRequest.getDefaultInstance()).hasLeader())
                .as("the new leader has not announced itself yet")
                .isFalse();
    }

    @Test
    void whatIsNotThereYetSaysUnimplemented() {
        assertStatus(
                () -> pd.stub()
                        .syncMaxTS(SyncMaxTSRequest.newBuilder()
                                .setHeader(pd.header())
                                .build()),
                Status.Code.UNIMPLEMENTED,
                "");
    }

    private void threeRegions() {
        observe(Regions.region(101, "", "g", 1).epoch(1, 2));
        observe(Regions.region(102, "g", "p", 1).epoch(1, 2));
        observe(Regions.region(103, "p", "", 1).epoch(1, 2).leader(0));
    }

    private void observe(Regions region) {
        RegionInfo info = region.info();
        assertThat(pd.term().cluster().observe(info)).isEmpty();
    }

    private GetRegionResponse region(String key) {
        return pd.stub()
                .getRegion(GetRegionRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegionKey(bytes(key))
                        .build());
    }

    private GetRegionResponse byId(long id) {
        return pd.stub()
                .getRegionByID(GetRegionByIDRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegionId(id)
                        .build());
    }

    private ScanRegionsResponse scan(String start, String end, int limit) {
        return pd.stub()
                .scanRegions(ScanRegionsRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStartKey(bytes(start))
                        .setEndKey(bytes(end))
                        .setLimit(limit)
                        .build());
    }

    private BatchScanRegionsResponse batchScan(boolean whole, int limit, String... borders) {
        BatchScanRegionsRequest.Builder request = BatchScanRegionsRequest.newBuilder()
                .setHeader(pd.header())
                .setLimit(limit)
                .setContainAllKeyRange(whole);
        for (int i = 0; i < borders.length; i += 2) {
            request.addRanges(
                    KeyRange.newBuilder().setStartKey(bytes(borders[i])).setEndKey(bytes(borders[i + 1])));
        }
        return pd.stub().batchScanRegions(request.build());
    }

    private static List<Long> ids(ScanRegionsResponse response) {
        return response.getRegionsList().stream()
                .map(r -> r.getRegion().getId())
                .toList();
    }

    private Error bootstrap(Store store, Region region) {
        return pd.stub()
                .bootstrap(BootstrapRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStore(store)
                        .setRegion(region)
                        .build())
                .getHeader()
                .getError();
    }

    private Error put(Store store) {
        return pd.stub()
                .putStore(PutStoreRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStore(store)
                        .build())
                .getHeader()
                .getError();
    }

    private List<Long> stores(boolean withoutTombstones) {
        return pd
                .stub()
                .getAllStores(GetAllStoresRequest.newBuilder()
                        .setHeader(pd.header())
                        .setExcludeTombstoneStores(withoutTombstones)
                        .build())
                .getStoresList()
                .stream()
                .map(Store::getId)
                .toList();
    }

    private StoreHeartbeatResponse heartbeat(StoreStats stats) {
        return pd.stub()
                .storeHeartbeat(StoreHeartbeatRequest.newBuilder()
                        .setHeader(pd.header())
                        .setStats(stats)
                        .build());
    }

    private AllocIDResponse allocate(int count) {
        return pd.stub()
                .allocID(AllocIDRequest.newBuilder()
                        .setHeader(pd.header())
                        .setCount(count)
                        .build());
    }

    private AskBatchSplitResponse ask(Region region, int count) {
        return pd.stub()
                .askBatchSplit(AskBatchSplitRequest.newBuilder()
                        .setHeader(pd.header())
                        .setRegion(region)
                        .setSplitCount(count)
                        .build());
    }

    private Error report(Region... regions) {
        return pd.stub()
                .reportBatchSplit(ReportBatchSplitRequest.newBuilder()
                        .setHeader(pd.header())
                        .addAllRegions(List.of(regions))
                        .build())
                .getHeader()
                .getError();
    }

    private Cluster config() {
        return pd.stub()
                .getClusterConfig(GetClusterConfigRequest.newBuilder()
                        .setHeader(pd.header())
                        .build())
                .getCluster();
    }

    private Error putConfig(int replicas) {
        return pd.stub()
                .putClusterConfig(PutClusterConfigRequest.newBuilder()
                        .setHeader(pd.header())
                        .setCluster(Cluster.newBuilder().setMaxPeerCount(replicas))
                        .build())
                .getHeader()
                .getError();
    }

    private static Region epoch(Region region, long confVer, long version) {
        return region.toBuilder()
                .setRegionEpoch(RegionEpoch.newBuilder().setConfVer(confVer).setVersion(version))
                .build();
    }

    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static void assertStatus(Runnable call, Status.Code code, String text) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
                .hasMessageContaining(text);
    }
}
