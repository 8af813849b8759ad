package io.rutile.pd.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.rutile.pd.leader.Clocks;
import io.rutile.pd.leader.LeaderOptions;
import io.rutile.pd.meta.GcRecord;
import io.rutile.pd.meta.LocalMeta;
import io.rutile.pd.rpc.LocalPd.Answers;
import io.rutile.pd.tso.ManualClock;
import io.rutile.protocol.pdpb.AdvanceGCSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceGCSafePointResponse;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointResponse;
import io.rutile.protocol.pdpb.DeleteGCBarrierRequest;
import io.rutile.protocol.pdpb.DeleteGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GCBarrierInfo;
import io.rutile.protocol.pdpb.GCSafePointV2;
import io.rutile.protocol.pdpb.GCState;
import io.rutile.protocol.pdpb.GetAllGCSafePointV2Request;
import io.rutile.protocol.pdpb.GetAllKeyspacesGCStatesRequest;
import io.rutile.protocol.pdpb.GetGCSafePointRequest;
import io.rutile.protocol.pdpb.GetGCSafePointV2Request;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetGCStateResponse;
import io.rutile.protocol.pdpb.GlobalGCBarrierInfo;
import io.rutile.protocol.pdpb.KeyspaceScope;
import io.rutile.protocol.pdpb.ResponseHeader;
import io.rutile.protocol.pdpb.SafePointEvent;
import io.rutile.protocol.pdpb.SetGCBarrierRequest;
import io.rutile.protocol.pdpb.SetGCBarrierResponse;
import io.rutile.protocol.pdpb.SetGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.UpdateGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateGCSafePointV2Request;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointResponse;
import io.rutile.protocol.pdpb.UpdateServiceSafePointV2Request;
import io.rutile.protocol.pdpb.WatchGCSafePointV2Request;
import io.rutile.protocol.pdpb.WatchGCSafePointV2Response;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Safe points and barriers over a real port: the conformance cases by their ids, and what clients of all ages say. */
class GcServiceTest {

    private static final long INFINITY = Long.MAX_VALUE;

    @TempDir
    Path directory;

    private final ManualClock clock = new ManualClock(1_700_000_000_000L);
    private LocalPd pd;

    @BeforeEach
    void start() {
        pd = new LocalPd(
                        LocalMeta.in(directory),
                        DoorOptions.DEFAULTS,
                        LeaderOptions.DEFAULTS,
                        new Clocks(clock, System::nanoTime))
                .bootstrapped();
    }

    @AfterEach
    void stop() {
        pd.close();
    }

    @Test
    void d21BarrierStopsTheTxnSafePoint() {
        advanceTxn(10);
        setBarrier("backup", 15, 60);

        AdvanceTxnSafePointResponse answer = advanceTxn(20);

        assertThat(answer.getHeader().hasError()).isFalse();
        assertThat(answer.getOldTxnSafePoint()).isEqualTo(10);
        assertThat(answer.getNewTxnSafePoint()).isEqualTo(15);
        assertThat(answer.getBlockerDescription()).contains("backup").contains("15");
        assertThat(advanceTxn(14).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(state().getTxnSafePoint()).isEqualTo(15);
    }

    @Test
    void d22SmallerGcSafePointIsAnsweredWithTheOldOne() {
        updateGc(10);

        assertThat(updateGc(5)).isEqualTo(10);
        assertThat(gcSafePoint()).isEqualTo(10);
    }

    @Test
    void d23ExpiredBarrierBlocksNothing() {
        advanceTxn(10);
        setBarrier("backup", 15, 1);
        assertThat(advanceTxn(20).getNewTxnSafePoint()).isEqualTo(15);

        clock.advance(2_000);

        AdvanceTxnSafePointResponse answer = advanceTxn(20);
        assertThat(answer.getNewTxnSafePoint()).isEqualTo(20);
        assertThat(answer.getBlockerDescription()).isEmpty();
    }

    @Test
    void d24GcWorkerMustNotExpire() {
        assertThatThrownBy(() -> service("gc_worker", 30, 60))
                .hasMessageContaining("UNKNOWN")
                .hasMessageContaining("TTL")
                .hasMessageContaining("must be infinity");

        assertThat(state().getTxnSafePoint()).isZero();
        assertThat(state().getGcBarriersList()).isEmpty();
    }

    @Test
    void d27ServiceSafePointsAreBarriers() {
        advanceTxn(10);
        setBarrier("x", 15, 600);

        assertService(service("y", 20, 60), "gc_worker", 10);
        assertThat(state().getGcBarriersList()).contains(barrier("y", 20, 60));
        assertService(service("y", 5, 60), "gc_worker", 10);
        assertThat(state().getGcBarriersList()).contains(barrier("y", 20, 60));
        assertService(service("gc_worker", 30, INFINITY), "x", 15);
        assertThat(state().getTxnSafePoint()).isEqualTo(15);
    }

    @Test
    void gcWorkerMovesTheTxnSafePointAndNeverBack() {
        UpdateServiceGCSafePointResponse moved = service("gc_worker", 30, INFINITY);
        assertService(moved, "gc_worker", 30);
        assertThat(moved.getTTL()).isEqualTo(INFINITY);
        assertService(service("gc_worker", 20, INFINITY), "gc_worker", 30);
        assertThat(state().getTxnSafePoint()).isEqualTo(30);
    }

    @Test
    void serviceWithoutTimeLeftIsForgottenAndABackupHoldsGlobally() {
        service("cdc", 20, 60);
        service("native_br", 25, 60);
        assertThat(state().getGcBarriersList()).containsExactly(barrier("cdc", 20, 60));
        assertThat(stateAnswer(true).getGlobalGcBarriers().getBarriersList())
                .containsExactly(GlobalGCBarrierInfo.newBuilder()
                        .setBarrierId("native_br")
                        .setBarrierTs(25)
                        .setTtlSeconds(60)
                        .build());

        service("cdc", 0, 0);
        service("native_br", 0, -1);

        assertThat(state().getGcBarriersList()).isEmpty();
        assertThat(stateAnswer(true).getGlobalGcBarriers().getBarriersList()).isEmpty();
        assertThatThrownBy(() -> service("", 20, 60)).hasMessageContaining("UNKNOWN");
        assertThatThrownBy(() -> service("s".repeat(1_000), 20, 60)).hasMessageContaining("UNKNOWN");
    }

    @Test
    void clientThatOnlyUpdatesTheGcSafePointMovesBoth() {
        assertThat(updateGc(40)).isEqualTo(40);

        assertThat(state().getTxnSafePoint()).isEqualTo(40);
        assertThat(state().getGcSafePoint()).isEqualTo(40);
        setBarrier("x", 50, 60);
        assertThat(updateGc(60)).as("P7: not past a barrier").isEqualTo(50);
        assertThatThrownBy(() -> updateGc(-1L)).hasMessageContaining("UNKNOWN").hasMessageContaining("future");
    }

    @Test
    void gcSafePointDoesNotPassTheTxnSafePointP7() {
        advanceTxn(10);

        assertThat(advanceGc(11).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        AdvanceGCSafePointResponse moved = advanceGc(10);
        assertThat(moved.getOldGcSafePoint()).isZero();
        assertThat(moved.getNewGcSafePoint()).isEqualTo(10);
        assertThat(advanceGc(9).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(gcSafePoint()).isEqualTo(10);
    }

    @Test
    void barrierIsCheckedSetShownAndTakenAway() {
        advanceTxn(10);

        assertThat(setBarrier("x", 9, 60).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(setBarrier("x", 20, 0).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(setBarrier("", 20, 60).getHeader().getError().getType()).isEqualTo(ErrorType.UNKNOWN);
        assertThat(setBarrier("gc_worker", 20, 60).getHeader().getError().getType())
                .isEqualTo(ErrorType.UNKNOWN);
        assertThat(setBarrier("x", 10, INFINITY).getNewBarrierInfo()).isEqualTo(barrier("x", 10, INFINITY));
        clock.advance(1_000_000_000_000L);
        assertThat(state().getGcBarriersList()).containsExactly(barrier("x", 10, INFINITY));
        assertThat(stateAnswer(false).getGcState().getGcBarriersCount()).isEqualTo(1);

        var deleted = pd.stub()
                .deleteGCBarrier(DeleteGCBarrierRequest.newBuilder()
                        .setHeader(pd.header())
                        .setBarrierId("x")
                        .build());
        assertThat(deleted.getDeletedBarrierInfo()).isEqualTo(barrier("x", 10, INFINITY));
        var again = pd.stub()
                .deleteGCBarrier(DeleteGCBarrierRequest.newBuilder()
                        .setHeader(pd.header())
                        .setBarrierId("x")
                        .build());
        assertThat(again.hasDeletedBarrierInfo()).isFalse();
        assertThat(again.getHeader().hasError()).isFalse();
    }

    @Test
    void globalBarrierIsSetShownAndTakenAway() {
        GlobalGCBarrierInfo info = GlobalGCBarrierInfo.newBuilder()
                .setBarrierId("all")
                .setBarrierTs(15)
                .setTtlSeconds(60)
                .build();

        assertThat(pd.stub()
                        .setGlobalGCBarrier(SetGlobalGCBarrierRequest.newBuilder()
                                .setHeader(pd.header())
                                .setBarrierId("all")
                                .setBarrierTs(15)
                                .setTtlSeconds(60)
                                .build())
                        .getNewBarrierInfo())
                .isEqualTo(info);
        assertThat(advanceTxn(20).getNewTxnSafePoint()).isEqualTo(15);
        assertThat(pd.stub()
                        .deleteGlobalGCBarrier(DeleteGlobalGCBarrierRequest.newBuilder()
                                .setHeader(pd.header())
                                .setBarrierId("all")
                                .build())
                        .getDeletedBarrierInfo())
                .isEqualTo(info);
        assertThat(advanceTxn(20).getNewTxnSafePoint()).isEqualTo(20);
    }

    @Test
    void keyspacesFollowTheWholeCluster() {
        updateGc(10);
        setBarrier("x", 20, 60);
        int whole = 0xffff_ffff;

        GCState asked = pd.stub()
                .getGCState(GetGCStateRequest.newBuilder()
                        .setHeader(pd.header())
                        .setKeyspaceScope(scope(0))
                        .build())
                .getGcState();
        assertThat(asked.getTxnSafePoint()).isEqualTo(10);
        assertThat(asked.getIsKeyspaceLevelGc()).isFalse();
        assertThat(asked.getKeyspaceScope().getKeyspaceId()).isEqualTo(whole);
        assertThat(pd.stub()
                        .getGCState(GetGCStateRequest.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceScope(scope(77))
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
        assertThat(pd.stub()
                        .advanceTxnSafePoint(AdvanceTxnSafePointRequest.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceScope(scope(0))
                                .setTarget(30)
                                .build())
                        .getHeader()
                        .hasError())
                .isTrue();
        assertThat(pd.stub()
                        .advanceTxnSafePoint(AdvanceTxnSafePointRequest.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceScope(scope(whole))
                                .setTarget(15)
                                .build())
                        .getNewTxnSafePoint())
                .isEqualTo(15);

        var all = pd.stub()
                .getAllKeyspacesGCStates(GetAllKeyspacesGCStatesRequest.newBuilder()
                        .setHeader(pd.header())
                        .build());
        assertThat(all.getGcStatesList())
                .extracting(s -> s.getKeyspaceScope().getKeyspaceId())
                .containsExactly(whole, 0);
        assertThat(all.getGcStatesList())
                .allMatch(s -> s.getTxnSafePoint() == 15 && s.getGcSafePoint() == 10 && !s.getIsKeyspaceLevelGc());
        assertThat(all.getGcStates(0).getGcBarriersList()).containsExactly(barrier("x", 20, 60));
    }

    @Test
    void clientsOfKeyspaceLevelGcAreAnsweredWithTheClusters() {
        updateGc(10);

        assertThat(pd.stub()
                        .getGCSafePointV2(GetGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceId(0)
                                .build())
                        .getSafePoint())
                .isEqualTo(10);
        assertThat(pd.stub()
                        .getGCSafePointV2(GetGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceId(9)
                                .build())
                        .getHeader()
                        .getError()
                        .getType())
                .isEqualTo(ErrorType.ENTRY_NOT_FOUND);
        assertThat(pd.stub()
                        .updateGCSafePointV2(UpdateGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .setKeyspaceId(0)
                                .setSafePoint(30)
                                .build())
                        .getNewSafePoint())
                .as("one keyspace does not collect another's garbage")
                .isEqualTo(10);
        assertThat(pd.stub()
                        .getAllGCSafePointV2(GetAllGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .build())
                        .getGcSafePointsList())
                .containsExactly(GCSafePointV2.newBuilder()
                        .setKeyspaceId(0)
                        .setGcSafePoint(10)
                        .build());
        var held = pd.stub()
                .updateServiceSafePointV2(UpdateServiceSafePointV2Request.newBuilder()
                        .setHeader(pd.header())
                        .setKeyspaceId(0)
                        .setServiceId(ByteString.copyFromUtf8("cdc"))
                        .setSafePoint(20)
                        .setTtl(60)
                        .build());
        assertThat(held.getMinSafePoint()).isEqualTo(10);
        assertThat(advanceTxn(30).getNewTxnSafePoint()).isEqualTo(20);
    }

    @Test
    void watchTellsTheSafePointAndEveryMoveUntilTheTermIsOver() {
        updateGc(10);
        Answers<WatchGCSafePointV2Response> watch = new Answers<>();
        pd.asyncStub()
                .watchGCSafePointV2(
                        WatchGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .build(),
                        watch);
        assertThat(watch.next().getEventsList())
                .extracting(SafePointEvent::getSafePoint)
                .containsExactly(10L);

        updateGc(20);

        assertThat(watch.next().getEventsList())
                .extracting(SafePointEvent::getSafePoint)
                .containsExactly(20L);
        pd.follow(2);
        assertThat(watch.end()).hasMessageContaining("not leader");
    }

    @Test
    void watchOfAnotherClusterIsRefused() {
        Answers<WatchGCSafePointV2Response> watch = new Answers<>();
        pd.asyncStub()
                .watchGCSafePointV2(
                        WatchGCSafePointV2Request.newBuilder()
                                .setHeader(pd.wrongHeader())
                                .build(),
                        watch);

        assertThat(watch.end()).hasMessageContaining("mismatch cluster id");
    }

    @Test
    void watchesAreBounded() {
        for (int i = 0; i < StateStreams.STREAMS_MAX; i++) {
            Answers<WatchGCSafePointV2Response> watch = new Answers<>();
            pd.asyncStub()
                    .watchGCSafePointV2(
                            WatchGCSafePointV2Request.newBuilder()
                                    .setHeader(pd.header())
                                    .build(),
                            watch);
            watch.next();
        }
        Answers<WatchGCSafePointV2Response> more = new Answers<>();
        pd.asyncStub()
                .watchGCSafePointV2(
                        WatchGCSafePointV2Request.newBuilder()
                                .setHeader(pd.header())
                                .build(),
                        more);

        assertThat(more.end()).hasMessageContaining("RESOURCE_EXHAUSTED");
        assertThat(pd.metrics.counter("kv.pd.rpc.watches.refused").count()).isEqualTo(1);
    }

    @Test
    void safePointsSurviveALeaderChange() {
        updateGc(10);
        setBarrier("x", 12, 60);

        // Another member's decision, as it arrives in the log.
        pd.meta.log().applyForeign(new GcRecord.AdvanceTxnSafePoint(11, clock.millis()));

        assertThat(state().getTxnSafePoint()).isEqualTo(11);
        assertThat(advanceTxn(20).getNewTxnSafePoint()).isEqualTo(12);
    }

    private static KeyspaceScope scope(int keyspaceId) {
        return KeyspaceScope.newBuilder().setKeyspaceId(keyspaceId).build();
    }

    private static GCBarrierInfo barrier(String id, long ts, long ttlSeconds) {
        return GCBarrierInfo.newBuilder()
                .setBarrierId(id)
                .setBarrierTs(ts)
                .setTtlSeconds(ttlSeconds)
                .build();
    }

    private AdvanceTxnSafePointResponse advanceTxn(long target) {
        return pd.stub()
                .advanceTxnSafePoint(AdvanceTxnSafePointRequest.newBuilder()
                        .setHeader(pd.header())
                        .setTarget(target)
                        .build());
    }

    private AdvanceGCSafePointResponse advanceGc(long target) {
        return pd.stub()
                .advanceGCSafePoint(AdvanceGCSafePointRequest.newBuilder()
                        .setHeader(pd.header())
                        .setTarget(target)
                        .build());
    }

    private SetGCBarrierResponse setBarrier(String id, long ts, long ttlSeconds) {
        return pd.stub()
                .setGCBarrier(SetGCBarrierRequest.newBuilder()
                        .setHeader(pd.header())
                        .setBarrierId(id)
                        .setBarrierTs(ts)
                        .setTtlSeconds(ttlSeconds)
                        .build());
    }

    private long updateGc(long safePoint) {
        return pd.stub()
                .updateGCSafePoint(UpdateGCSafePointRequest.newBuilder()
                        .setHeader(pd.header())
                        .setSafePoint(safePoint)
                        .build())
                .getNewSafePoint();
    }

    private long gcSafePoint() {
        return pd.stub()
                .getGCSafePoint(GetGCSafePointRequest.newBuilder()
                        .setHeader(pd.header())
                        .build())
                .getSafePoint();
    }

    private UpdateServiceGCSafePointResponse service(String id, long safePoint, long ttlSeconds) {
        return pd.stub()
                .updateServiceGCSafePoint(UpdateServiceGCSafePointRequest.newBuilder()
                        .setHeader(pd.header())
                        .setServiceId(ByteString.copyFromUtf8(id))
                        .setSafePoint(safePoint)
                        .setTTL(ttlSeconds)
                        .build());
    }

    private static void assertService(UpdateServiceGCSafePointResponse answer, String service, long safePoint) {
        assertThat(answer.getHeader()).extracting(ResponseHeader::hasError).isEqualTo(false);
        assertThat(answer.getServiceId().toStringUtf8()).isEqualTo(service);
        assertThat(answer.getMinSafePoint()).isEqualTo(safePoint);
    }

    private GCState state() {
        return stateAnswer(false).getGcState();
    }

    private GetGCStateResponse stateAnswer(boolean global) {
        return pd.stub()
                .getGCState(GetGCStateRequest.newBuilder()
                        .setHeader(pd.header())
                        .setIncludeGlobalGcBarriers(global)
                        .build());
    }
}
