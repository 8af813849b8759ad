package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.meta.StoreRates;
import io.rutile.pd.meta.StoreRates.Of;
import io.rutile.pd.meta.StoreRecord;
import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.protocol.metapb.StoreState;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How many replicas a minute come to a store and leave it. */
final class StoreLimitRoutes {

    private static final String ADDED = "add-peer";
    private static final String REMOVED = "remove-peer";
    private static final String DONE = "Set store limit successfully.";

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/stores/limit", this::limits),
                change("POST", "/stores/limit", request -> set(request, StoreRates.EVERY)),
                change("POST", "/store/{id}/limit", request -> set(request, request.id("id"))));
    }

    private HttpAnswer limits(Request request) {
        ObjectNode answer = Json.object();
        for (StoreInfo store : request.term().cluster().stores()) {
            if (store.store().getState() != StoreState.Tombstone) {
                PerMinute limit = request.term().schedule().limits().stores().of(store.id());
                answer.putObject(Long.toString(store.id()))
                        .put(ADDED, limit.added())
                        .put(REMOVED, limit.removed());
            }
        }
        return HttpAnswer.ok(answer);
    }

    /** One kind, or both if none is named. */
    private static CompletableFuture<HttpAnswer> set(Request request, long storeId) {
        ObjectNode body = request.body();
        if (body.has("labels")) {
            throw ApiError.badRequest("limits by label are not served; name the store, or set the limit of all");
        }
        JsonNode rate = body.get("rate");
        if (rate == null || !rate.isNumber() || !StoreRates.allows(rate.doubleValue())) {
            throw ApiError.badRequest("rate must be a number of replicas a minute, 0 to " + (long) StoreRates.MAX);
        }
        String type = body.has("type") ? Request.text(body, "type") : "";
        List<Of> kinds = switch (type) {
            case "" -> List.of(Of.ADDED, Of.REMOVED);
            case ADDED -> List.of(Of.ADDED);
            case REMOVED -> List.of(Of.REMOVED);
            default ->
                throw ApiError.badRequest(
                        "type must be " + ADDED + " or " + REMOVED + ", not '" + Request.shown(type) + "'");
        };
        CompletableFuture<HttpAnswer> answer = CompletableFuture.completedFuture(HttpAnswer.said(DONE));
        for (Of kind : kinds) {
            StoreRecord record = new StoreRecord.LimitStore(storeId, kind, rate.doubleValue());
            answer = answer.thenCompose(before -> Decisions.decide(request, record, DONE));
        }
        return answer;
    }
}
