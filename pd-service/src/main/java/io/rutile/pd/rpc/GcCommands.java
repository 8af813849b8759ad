package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.Message;
import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.GcBarrier;
import io.rutile.pd.meta.GcState;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.keyspacepb.KeyspaceState;
import io.rutile.protocol.pdpb.AdvanceGCSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceGCSafePointResponse;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointRequest;
import io.rutile.protocol.pdpb.AdvanceTxnSafePointResponse;
import io.rutile.protocol.pdpb.DeleteGCBarrierRequest;
import io.rutile.protocol.pdpb.DeleteGCBarrierResponse;
import io.rutile.protocol.pdpb.DeleteGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.DeleteGlobalGCBarrierResponse;
import io.rutile.protocol.pdpb.GCBarrierInfo;
import io.rutile.protocol.pdpb.GCState;
import io.rutile.protocol.pdpb.GetAllKeyspacesGCStatesRequest;
import io.rutile.protocol.pdpb.GetAllKeyspacesGCStatesResponse;
import io.rutile.protocol.pdpb.GetGCStateRequest;
import io.rutile.protocol.pdpb.GetGCStateResponse;
import io.rutile.protocol.pdpb.GlobalGCBarrierInfo;
import io.rutile.protocol.pdpb.GlobalGCBarriersInfo;
import io.rutile.protocol.pdpb.KeyspaceScope;
import io.rutile.protocol.pdpb.SetGCBarrierRequest;
import io.rutile.protocol.pdpb.SetGCBarrierResponse;
import io.rutile.protocol.pdpb.SetGlobalGCBarrierRequest;
import io.rutile.protocol.pdpb.SetGlobalGCBarrierResponse;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Safe points and barriers in the words of today's clients; those of older ones are in {@link LegacyGcCommands}. */
final class GcCommands {

    /** The service that moves the safe point itself: its name is no barrier's. */
    static final String GC_WORKER = "gc_worker";

    private final MetaStore meta;

    GcCommands(MetaStore meta) {
        this.meta = meta;
    }

    CompletableFuture<? extends Message.Builder> advanceTxn(LeaderTerm term, AdvanceTxnSafePointRequest request) {
        GcScope.checkWholeCluster(request.getKeyspaceScope());
        return term.safePoints().advanceTxn(request.getTarget()).thenApply(outcome -> {
            MetaOutcome.Moved moved = moved(outcome);
            AdvanceTxnSafePointResponse.Builder response = AdvanceTxnSafePointResponse.newBuilder()
                    .setOldTxnSafePoint(moved.before())
                    .setNewTxnSafePoint(moved.after());
            moved.blocker().ifPresent(blocker -> response.setBlockerDescription(described(blocker)));
            return response;
        });
    }

    CompletableFuture<? extends Message.Builder> advanceGc(LeaderTerm term, AdvanceGCSafePointRequest request) {
        GcScope.checkWholeCluster(request.getKeyspaceScope());
        return term.safePoints().advanceGc(request.getTarget()).thenApply(outcome -> {
            MetaOutcome.Moved moved = moved(outcome);
            return AdvanceGCSafePointResponse.newBuilder()
                    .setOldGcSafePoint(moved.before())
                    .setNewGcSafePoint(moved.after());
        });
    }

    CompletableFuture<? extends Message.Builder> setBarrier(LeaderTerm term, SetGCBarrierRequest request) {
        GcScope.checkKnown(request.getKeyspaceScope(), meta);
        return set(term, false, request.getBarrierId(), request.getBarrierTs(), request.getTtlSeconds())
                .thenApply(barrier ->
                        SetGCBarrierResponse.newBuilder().setNewBarrierInfo(info(barrier, term.safePoints())));
    }

    CompletableFuture<? extends Message.Builder> setGlobalBarrier(LeaderTerm term, SetGlobalGCBarrierRequest request) {
        return set(term, true, request.getBarrierId(), request.getBarrierTs(), request.getTtlSeconds())
                .thenApply(barrier -> SetGlobalGCBarrierResponse.newBuilder()
                        .setNewBarrierInfo(globalInfo(barrier, term.safePoints())));
    }

    CompletableFuture<? extends Message.Builder> deleteBarrier(LeaderTerm term, DeleteGCBarrierRequest request) {
        GcScope.checkKnown(request.getKeyspaceScope(), meta);
        return delete(term, false, request.getBarrierId()).thenApply(deleted -> {
            DeleteGCBarrierResponse.Builder response = DeleteGCBarrierResponse.newBuilder();
            deleted.barrier().ifPresent(known -> response.setDeletedBarrierInfo(info(known, term.safePoints())));
            return response;
        });
    }

    CompletableFuture<? extends Message.Builder> deleteGlobalBarrier(
            LeaderTerm term, DeleteGlobalGCBarrierRequest request) {
        return delete(term, true, request.getBarrierId()).thenApply(deleted -> {
            DeleteGlobalGCBarrierResponse.Builder response = DeleteGlobalGCBarrierResponse.newBuilder();
            deleted.barrier().ifPresent(known -> response.setDeletedBarrierInfo(globalInfo(known, term.safePoints())));
            return response;
        });
    }

    CompletableFuture<? extends Message.Builder> state(LeaderTerm term, GetGCStateRequest request) {
        GcScope.checkKnown(request.getKeyspaceScope(), meta);
        GetGCStateResponse.Builder response =
                GetGCStateResponse.newBuilder().setGcState(wholeCluster(term, request.getExcludeGcBarriers()));
        if (request.getIncludeGlobalGcBarriers()) {
            response.setGlobalGcBarriers(GlobalGCBarriersInfo.newBuilder().addAllBarriers(globalBarriers(term)));
        }
        return now(response);
    }

    /** The whole cluster's first, then what each keyspace follows: the same safe points. */
    CompletableFuture<? extends Message.Builder> allStates(LeaderTerm term, GetAllKeyspacesGCStatesRequest request) {
        GCState shared = wholeCluster(term, request.getExcludeGcBarriers());
        GetAllKeyspacesGCStatesResponse.Builder response =
                GetAllKeyspacesGCStatesResponse.newBuilder().addGcStates(shared);
        for (KeyspaceMeta keyspace : meta.state().keyspaces().all()) {
            if (keyspace.getState() != KeyspaceState.TOMBSTONE) {
                response.addGcStates(shared.toBuilder()
                        .clearGcBarriers()
                        .setKeyspaceScope(KeyspaceScope.newBuilder().setKeyspaceId(keyspace.getId())));
            }
        }
        if (!request.getExcludeGlobalGcBarriers()) {
            response.addAllGlobalGcBarriers(globalBarriers(term));
        }
        return now(response);
    }

    private static CompletableFuture<GcBarrier> set(
            LeaderTerm term, boolean global, String id, long ts, long ttlSeconds) {
        checkId(id);
        if (ttlSeconds <= 0) {
            throw PdError.unknown("the TTL of a barrier must be positive, not " + ttlSeconds);
        }
        return term.safePoints()
                .setBarrier(global, id, ts, ttlSeconds)
                .thenApply(outcome -> ((MetaOutcome.Barrier) PdHeaders.accepted(outcome))
                        .barrier()
                        .orElseThrow());
    }

    private static CompletableFuture<MetaOutcome.Barrier> delete(LeaderTerm term, boolean global, String id) {
        checkId(id);
        return term.safePoints().deleteBarrier(global, id).thenApply(outcome ->
                (MetaOutcome.Barrier) PdHeaders.accepted(outcome));
    }

    private static void checkId(String id) {
        if (id.isEmpty() || id.length() > GcBarrier.ID_CHARS_MAX || id.equals(GC_WORKER)) {
            throw PdError.unknown(
                    "a barrier id has 1 to " + GcBarrier.ID_CHARS_MAX + " characters and is not '" + GC_WORKER + "'");
        }
    }

    private static GCState wholeCluster(LeaderTerm term, boolean withoutBarriers) {
        SafePoints safePoints = term.safePoints();
        GcState gc = safePoints.state();
        List<GCBarrierInfo> barriers = withoutBarriers
                ? List.of()
                : safePoints.barriers(false).stream()
                        .map(barrier -> info(barrier, safePoints))
                        .toList();
        return GCState.newBuilder()
                .setKeyspaceScope(GcScope.wholeCluster())
                .setTxnSafePoint(gc.txnSafePoint())
                .setGcSafePoint(gc.gcSafePoint())
                .addAllGcBarriers(barriers)
                .build();
    }

    private static Collection<GlobalGCBarrierInfo> globalBarriers(LeaderTerm term) {
        SafePoints safePoints = term.safePoints();
        return safePoints.barriers(true).stream()
                .map(barrier -> globalInfo(barrier, safePoints))
                .toList();
    }

    private static GCBarrierInfo info(GcBarrier barrier, SafePoints safePoints) {
        return GCBarrierInfo.newBuilder()
                .setBarrierId(barrier.id())
                .setBarrierTs(barrier.ts())
                .setTtlSeconds(safePoints.ttlSeconds(barrier))
                .build();
    }

    private static GlobalGCBarrierInfo globalInfo(GcBarrier barrier, SafePoints safePoints) {
        return GlobalGCBarrierInfo.newBuilder()
                .setBarrierId(barrier.id())
                .setBarrierTs(barrier.ts())
                .setTtlSeconds(safePoints.ttlSeconds(barrier))
                .build();
    }

    static MetaOutcome.Moved moved(MetaOutcome outcome) {
        return (MetaOutcome.Moved) PdHeaders.accepted(outcome);
    }

    private static String described(GcBarrier blocker) {
        return "barrier '" + blocker.id() + "' at " + Long.toUnsignedString(blocker.ts());
    }
}
