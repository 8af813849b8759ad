package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.schedule.Coordinator.StoreExplanation;
import io.rutile.pd.schedule.operator.StoreInfluence;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Why something moves, and why nothing does: Rutile's own, for those who do not reach the management port. */
final class SchedulingRoutes {

    private static final int LISTED_DEFAULT = 100;
    private static final int LISTED_MAX = 1_000;

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/scheduling", SchedulingRoutes::report),
                onLeader("GET", "/scheduling/regions", SchedulingRoutes::regions));
    }

    private static HttpAnswer report(Request request) {
        LeaderTerm term = request.term();
        ObjectNode answer = Json.object();
        answer.put("regions", term.cluster().regionCount());
        answer.put("max_replicas", term.cluster().maxReplicas());
        ArrayNode stores = answer.putArray("stores");
        for (StoreInfo store : term.cluster().stores()) {
            addStore(stores.addObject(), store.id(), term.coordinator().explain(store));
        }
        ArrayNode schedulers = answer.putArray("schedulers");
        term.coordinator().schedulers().verdicts().forEach((name, verdict) -> {
            ObjectNode node = schedulers.addObject();
            node.put("name", name);
            node.put("outcome", verdict.outcome().name());
            node.put("summary", verdict.summary());
            node.put("at_ms", verdict.atMs());
        });
        ArrayNode evictions = answer.putArray("evictions");
        term.coordinator()
                .evictions()
                .inForce()
                .forEach(eviction -> evictions
                        .addObject()
                        .put("store_id", eviction.storeId())
                        .put("owner", eviction.owner())
                        .put("why", eviction.why())
                        .put("left_seconds", eviction.left().toSeconds()));
        return HttpAnswer.ok(answer);
    }

    /** Looks at all Regions until there are enough, as the patrol does in minutes: for people, not for every second. */
    private static HttpAnswer regions(Request request) {
        int limit = request.limit(LISTED_DEFAULT, LISTED_MAX);
        ObjectNode answer = Json.object();
        ArrayNode unhealthy = answer.putArray("unhealthy");
        request.term()
                .coordinator()
                .unhealthy(limit)
                .forEach(region -> unhealthy
                        .addObject()
                        .put("region_id", region.region())
                        .put("action", region.action())
                        .put("reason", region.reason()));
        return HttpAnswer.ok(answer);
    }

    private static void addStore(ObjectNode node, long id, StoreExplanation explained) {
        node.put("id", id);
        node.put("new_replicas", explained.newReplicas());
        node.put("new_leaders", explained.newLeaders());
        StoreInfluence underWay = explained.underWay();
        node.put("receiving", underWay.receiving());
        node.put("peers_change", underWay.peers());
        node.put("leaders_change", underWay.leaders());
        ObjectNode schedulers = node.putObject("schedulers");
        explained.schedulers().forEach(schedulers::put);
    }
}
