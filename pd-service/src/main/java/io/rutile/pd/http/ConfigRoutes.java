package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.SettingRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What can be set while the cluster runs. What is not known is refused, and nothing of such a request is taken. */
final class ConfigRoutes {

    private static final String SCHEDULE = "schedule";
    private static final String REPLICATION = "replication";
    private static final String MAX_REPLICAS = "max-replicas";
    private static final String DONE = "The config is updated.";

    private final MetaStore meta;

    ConfigRoutes(MetaStore meta) {
        this.meta = meta;
    }

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/config", this::all),
                change("POST", "/config", request -> set(request, "")),
                onLeader("GET", "/config/schedule", request -> HttpAnswer.ok(schedule(request))),
                change("POST", "/config/schedule", request -> set(request, SCHEDULE)),
                onLeader("GET", "/config/replicate", request -> HttpAnswer.ok(replication())),
                change("POST", "/config/replicate", request -> set(request, REPLICATION)),
                onLeader("GET", "/config/cluster-version", request -> HttpAnswer.said(clusterVersion())));
    }

    private HttpAnswer all(Request request) {
        ObjectNode answer = Json.object();
        answer.put("cluster-version", clusterVersion());
        answer.set(SCHEDULE, schedule(request));
        answer.set(REPLICATION, replication());
        return HttpAnswer.ok(answer);
    }

    private static ObjectNode schedule(Request request) {
        Duration downAfter = request.term().cluster().downAfter();
        return Json.object().put(Setting.MAX_STORE_DOWN_TIME.key(), GoText.duration(downAfter));
    }

    /** Truth values and lists are texts here: so tools expect them. */
    private ObjectNode replication() {
        return Json.object()
                .put(MAX_REPLICAS, meta.state().maxReplicas())
                .put("location-labels", "")
                .put("strictly-match-label", "false")
                .put("enable-placement-rules", "false");
    }

    private String clusterVersion() {
        return meta.state().clusterVersion().toString();
    }

    /** @param within the group that names without one belong to; empty for any */
    private static CompletableFuture<HttpAnswer> set(Request request, String within) {
        List<MetaRecord> records = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : request.body().properties()) {
            records.add(record(within, entry.getKey(), entry.getValue()));
        }
        if (records.isEmpty()) {
            throw ApiError.badRequest("nothing is to be set");
        }
        CompletableFuture<HttpAnswer> answer = CompletableFuture.completedFuture(HttpAnswer.said(DONE));
        for (MetaRecord record : records) {
            answer = answer.thenCompose(before -> Decisions.decide(request, record, DONE));
        }
        return answer;
    }

    private static MetaRecord record(String within, String name, JsonNode value) {
        int dot = name.indexOf('.');
        String group = dot < 0 ? within : name.substring(0, dot);
        String key = name.substring(dot + 1);
        boolean elsewhere = !within.isEmpty() && !group.equals(within);
        if (!elsewhere && key.equals(MAX_REPLICAS) && (group.isEmpty() || group.equals(REPLICATION))) {
            return new MetaRecord.SetMaxReplicas(count(name, value));
        }
        for (Setting setting : Setting.values()) {
            if (!elsewhere && key.equals(setting.key()) && (group.isEmpty() || group.equals(setting.group()))) {
                return duration(setting, value);
            }
        }
        throw ApiError.badRequest("config item " + Request.shown(name) + " not found");
    }

    private static int count(String name, JsonNode value) {
        String text = value.isString() || value.isIntegralNumber() ? value.asString() : "";
        try {
            int count = Integer.parseInt(text);
            if (count >= 1 && count <= MetaRecord.SetMaxReplicas.MAX) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw ApiError.badRequest(name + " must be a number from 1 to " + MetaRecord.SetMaxReplicas.MAX + ", not "
                + Request.shown(value.toString()));
    }

    private static MetaRecord duration(Setting setting, JsonNode value) {
        if (!value.isString()) {
            throw ApiError.badRequest(setting.key() + " must be a duration such as \"30m\"");
        }
        Duration duration = GoText.parseDuration(value.stringValue(), setting.key());
        if (!setting.allows(duration)) {
            throw ApiError.badRequest(setting.key() + " must be " + GoText.duration(setting.min()) + " to "
                    + GoText.duration(setting.max()) + ", not " + GoText.duration(duration));
        }
        return SettingRecord.ChangeSetting.of(setting, duration);
    }
}
