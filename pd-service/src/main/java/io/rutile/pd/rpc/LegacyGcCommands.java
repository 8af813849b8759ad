package io.rutile.pd.rpc;

import static io.rutile.pd.rpc.PdCalls.now;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.grpc.Status;
import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.GcBarrier;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.pd.meta.MetaState;
import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.keyspacepb.KeyspaceMeta;
import io.rutile.protocol.pdpb.EventType;
import io.rutile.protocol.pdpb.GCSafePointV2;
import io.rutile.protocol.pdpb.GetAllGCSafePointV2Response;
import io.rutile.protocol.pdpb.GetGCSafePointResponse;
import io.rutile.protocol.pdpb.GetGCSafePointV2Request;
import io.rutile.protocol.pdpb.GetGCSafePointV2Response;
import io.rutile.protocol.pdpb.SafePointEvent;
import io.rutile.protocol.pdpb.UpdateGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateGCSafePointResponse;
import io.rutile.protocol.pdpb.UpdateGCSafePointV2Request;
import io.rutile.protocol.pdpb.UpdateGCSafePointV2Response;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointRequest;
import io.rutile.protocol.pdpb.UpdateServiceGCSafePointResponse;
import io.rutile.protocol.pdpb.UpdateServiceSafePointV2Request;
import io.rutile.protocol.pdpb.UpdateServiceSafePointV2Response;
import io.rutile.protocol.pdpb.WatchGCSafePointV2Response;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Safe points in the words of clients that know no barriers: a service's safe point is a barrier, and who moves the GC safe
 * point moves the transaction safe point with it. Refusals of the calls without a keyspace are statuses, as those clients
 * expect.
 */
final class LegacyGcCommands {

    /** Backups set theirs for all keyspaces at once. */
    private static final String GLOBAL_SERVICE = "native_br";

    private final MetaStore meta;

    LegacyGcCommands(MetaStore meta) {
        this.meta = meta;
    }

    CompletableFuture<? extends Message.Builder> get(LeaderTerm term) {
        return now(GetGCSafePointResponse.newBuilder()
                .setSafePoint(term.safePoints().state().gcSafePoint()));
    }

    CompletableFuture<? extends Message.Builder> update(LeaderTerm term, UpdateGCSafePointRequest request) {
        return term.safePoints()
                .updateGc(request.getSafePoint())
                .thenApply(outcome -> UpdateGCSafePointResponse.newBuilder()
                        .setNewSafePoint(((MetaOutcome.Moved) acceptedOrStatus(outcome)).after()));
    }

    CompletableFuture<? extends Message.Builder> updateService(
            LeaderTerm term, UpdateServiceGCSafePointRequest request) {
        String service = request.getServiceId().toStringUtf8();
        return answer(term, service, request.getSafePoint(), request.getTTL())
                .thenApply(answer -> UpdateServiceGCSafePointResponse.newBuilder()
                        .setServiceId(ByteString.copyFromUtf8(answer.service()))
                        .setTTL(answer.ttlSeconds())
                        .setMinSafePoint(answer.safePoint()));
    }

    CompletableFuture<? extends Message.Builder> getV2(LeaderTerm term, GetGCSafePointV2Request request) {
        GcScope.checkKnown(request.hasKeyspaceIdentity(), request.getKeyspaceIdentity(), request.getKeyspaceId(), meta);
        return now(GetGCSafePointV2Response.newBuilder()
                .setSafePoint(term.safePoints().state().gcSafePoint()));
    }

    CompletableFuture<? extends Message.Builder> updateV2(LeaderTerm term, UpdateGCSafePointV2Request request) {
        GcScope.checkKnown(request.hasKeyspaceIdentity(), request.getKeyspaceIdentity(), request.getKeyspaceId(), meta);
        // One keyspace's collector must not take what another keyspace still reads.
        return now(UpdateGCSafePointV2Response.newBuilder()
                .setNewSafePoint(term.safePoints().state().gcSafePoint()));
    }

    CompletableFuture<? extends Message.Builder> updateServiceV2(
            LeaderTerm term, UpdateServiceSafePointV2Request request) {
        GcScope.checkKnown(request.hasKeyspaceIdentity(), request.getKeyspaceIdentity(), request.getKeyspaceId(), meta);
        String service = request.getServiceId().toStringUtf8();
        CompletableFuture<ServiceAnswer> answer = service.equals(GcCommands.GC_WORKER)
                ? CompletableFuture.completedFuture(standing(term))
                : answer(term, service, request.getSafePoint(), request.getTtl());
        return answer.thenApply(said -> UpdateServiceSafePointV2Response.newBuilder()
                .setServiceId(ByteString.copyFromUtf8(said.service()))
                .setTtl(said.ttlSeconds())
                .setMinSafePoint(said.safePoint()));
    }

    CompletableFuture<? extends Message.Builder> allV2(LeaderTerm term) {
        GetAllGCSafePointV2Response.Builder response = GetAllGCSafePointV2Response.newBuilder()
                .setRevision(meta.state().appliedIndex());
        long safePoint = term.safePoints().state().gcSafePoint();
        for (KeyspaceMeta keyspace : meta.state().keyspaces().all()) {
            response.addGcSafePoints(
                    GCSafePointV2.newBuilder().setKeyspaceId(keyspace.getId()).setGcSafePoint(safePoint));
        }
        return now(response);
    }

    /** What a stream tells: the GC safe point, for every keyspace that has not been told of it. */
    static Optional<WatchGCSafePointV2Response.Builder> news(@Nullable MetaState told, MetaState state) {
        long safePoint = state.gc().gcSafePoint();
        // Whoever was told another safe point knows nothing.
        MetaState known = told == null || told.gc().gcSafePoint() != safePoint ? null : told;
        WatchGCSafePointV2Response.Builder response =
                WatchGCSafePointV2Response.newBuilder().setRevision(state.appliedIndex());
        for (KeyspaceMeta keyspace : state.keyspaces().all()) {
            if (known == null || known.keyspaces().byId(keyspace.getId()).isEmpty()) {
                response.addEvents(SafePointEvent.newBuilder()
                        .setKeyspaceId(keyspace.getId())
                        .setSafePoint(safePoint)
                        .setType(EventType.PUT));
            }
        }
        return response.getEventsCount() == 0 ? Optional.empty() : Optional.of(response);
    }

    /** The service that is furthest behind, as old clients see it. */
    private record ServiceAnswer(String service, long safePoint, long ttlSeconds) {}

    private CompletableFuture<ServiceAnswer> answer(LeaderTerm term, String service, long safePoint, long ttlSeconds) {
        SafePoints safePoints = term.safePoints();
        if (service.equals(GcCommands.GC_WORKER)) {
            return advance(term, safePoint, ttlSeconds);
        }
        checkService(service);
        boolean global = service.equals(GLOBAL_SERVICE);
        CompletableFuture<MetaOutcome> done = ttlSeconds > 0
                ? safePoints.setBarrier(global, service, safePoint, ttlSeconds)
                : safePoints.deleteBarrier(global, service);
        return done.thenApply(outcome -> {
            boolean behind =
                    outcome instanceof MetaOutcome.Refused refused && refused.reason() == Reason.BEHIND_SAFE_POINT;
            if (!behind) {
                acceptedOrStatus(outcome);
            }
            return standing(term);
        });
    }

    private static CompletableFuture<ServiceAnswer> advance(LeaderTerm term, long safePoint, long ttlSeconds) {
        if (ttlSeconds != Long.MAX_VALUE) {
            throw refused(
                    "TTL of service " + GcCommands.GC_WORKER + " must be infinity (max int64), not " + ttlSeconds);
        }
        return term.safePoints().advanceTxn(safePoint).thenApply(outcome -> {
            if (outcome instanceof MetaOutcome.Refused refused && refused.reason() == Reason.BEHIND_SAFE_POINT) {
                return standing(term);
            }
            MetaOutcome.Moved moved = (MetaOutcome.Moved) acceptedOrStatus(outcome);
            return moved.blocker()
                    .map(blocker -> new ServiceAnswer(
                            blocker.id(), moved.after(), term.safePoints().ttlSeconds(blocker)))
                    .orElseGet(() -> new ServiceAnswer(GcCommands.GC_WORKER, moved.after(), Long.MAX_VALUE));
        });
    }

    private static ServiceAnswer standing(LeaderTerm term) {
        return new ServiceAnswer(GcCommands.GC_WORKER, term.safePoints().state().txnSafePoint(), Long.MAX_VALUE);
    }

    private static void checkService(String service) {
        if (service.isEmpty() || service.length() > GcBarrier.ID_CHARS_MAX) {
            throw refused("a service id has 1 to " + GcBarrier.ID_CHARS_MAX + " characters");
        }
    }

    private static MetaOutcome acceptedOrStatus(MetaOutcome outcome) {
        if (outcome instanceof MetaOutcome.Refused refused) {
            throw refused(refused.message());
        }
        return outcome;
    }

    private static RuntimeException refused(String why) {
        return Status.UNKNOWN.withDescription(why).asRuntimeException();
    }
}
