package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.meta.GcBarrier;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaStore;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How far garbage may be collected, and who holds that back. */
final class GcRoutes {

    private final MetaStore meta;

    GcRoutes(MetaStore meta) {
        this.meta = meta;
    }

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/gc/safepoint", this::safePoints),
                change("DELETE", "/gc/safepoint/{id}", this::delete),
                onLeader("GET", "/min-resolved-ts", this::minResolvedTs));
    }

    private HttpAnswer safePoints(Request request) {
        SafePoints safePoints = request.term().safePoints();
        List<GcBarrier> barriers = new ArrayList<>(safePoints.barriers(false));
        barriers.addAll(safePoints.barriers(true));
        ObjectNode answer = Json.object();
        ArrayNode services = answer.putArray("service_gc_safe_points");
        long lowest = safePoints.state().txnSafePoint();
        for (GcBarrier barrier : barriers) {
            services.addObject()
                    .put("service_id", barrier.id())
                    .put("expired_at", expiresAtSeconds(barrier))
                    .put("safe_point", barrier.ts());
        }
        // The cluster's own part goes by the name that tools look for.
        services.addObject()
                .put("service_id", "gc_worker")
                .put("expired_at", Long.MAX_VALUE)
                .put("safe_point", lowest);
        answer.put("min_service_gc_safe_point", lowest);
        answer.put("gc_safe_point", safePoints.state().gcSafePoint());
        return HttpAnswer.ok(answer);
    }

    private static long expiresAtSeconds(GcBarrier barrier) {
        return barrier.expiresAtMs() == GcBarrier.NEVER
                ? Long.MAX_VALUE
                : TimeUnit.MILLISECONDS.toSeconds(barrier.expiresAtMs());
    }

    private CompletableFuture<HttpAnswer> delete(Request request) {
        String id = request.text("id");
        if (id.equals("gc_worker")) {
            throw ApiError.refused("gc_worker is the cluster's own safe point and stays");
        }
        SafePoints safePoints = request.term().safePoints();
        boolean global = meta.state().gc().barriers().get(id) == null;
        return safePoints.deleteBarrier(global, id).thenApply(outcome -> {
            boolean wasThere = outcome instanceof MetaOutcome.Barrier deleted
                    && deleted.barrier().isPresent();
            if (!wasThere) {
                throw ApiError.notFound("no service has the safe point '" + Request.shown(id) + "'");
            }
            return HttpAnswer.said("Delete service GC safepoint successfully.");
        });
    }

    /** Nobody resolves timestamps ahead of reads yet: 0, as for a cluster that has not begun to. */
    private HttpAnswer minResolvedTs(Request request) {
        return HttpAnswer.ok(Json.object()
                .put("min_resolved_ts", 0)
                .put("is_real_time", false)
                .put("persist_interval", "0s"));
    }
}
