package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.SettingRecord;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.RuleBook;
import java.util.ArrayList;
import java.util.EnumMap;
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
    private static final String PLACEMENT_RULES = "enable-placement-rules";
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
                onLeader("GET", "/config/replicate", request -> HttpAnswer.ok(replication(request))),
                change("POST", "/config/replicate", request -> set(request, REPLICATION)),
                onLeader("GET", "/config/cluster-version", request -> HttpAnswer.said(clusterVersion())));
    }

    private HttpAnswer all(Request request) {
        ObjectNode answer = Json.object();
        answer.put("cluster-version", clusterVersion());
        answer.set(SCHEDULE, schedule(request));
        answer.set(REPLICATION, replication(request));
        return HttpAnswer.ok(answer);
    }

    private static ObjectNode schedule(Request request) {
        return values(request, SCHEDULE, Json.object());
    }

    /** Truth values and lists are texts here: so tools expect them. */
    private ObjectNode replication(Request request) {
        ObjectNode answer = values(
                request,
                REPLICATION,
                Json.object().put(MAX_REPLICAS, meta.state().maxReplicas()));
        return answer.put("strictly-match-label", "false").put(PLACEMENT_RULES, "true");
    }

    private static ObjectNode values(Request request, String group, ObjectNode into) {
        for (Setting setting : Setting.values()) {
            if (setting.group().equals(group)) {
                into.set(setting.key(), SettingJson.value(setting, request.term()));
            }
        }
        return into;
    }

    private String clusterVersion() {
        return meta.state().clusterVersion().toString();
    }

    /** @param within the group that names without one belong to; empty for any */
    private CompletableFuture<HttpAnswer> set(Request request, String within) {
        Map<Setting, String> values = new EnumMap<>(Setting.class);
        List<MetaRecord> records = new ArrayList<>();
        boolean asItIs = false;
        for (Map.Entry<String, JsonNode> entry : request.body().properties()) {
            Name name = Name.of(within, entry.getKey());
            if (name.is(REPLICATION, PLACEMENT_RULES)) {
                checkPlacementRules(entry.getValue());
                asItIs = true;
            } else if (name.is(REPLICATION, MAX_REPLICAS)) {
                records.add(new MetaRecord.SetMaxReplicas(count(entry.getKey(), entry.getValue())));
            } else {
                Setting setting = setting(name, entry.getKey());
                values.put(setting, SettingJson.text(setting, entry.getValue()));
            }
        }
        checkRules(values.containsKey(Setting.LOCATION_LABELS)
                || values.containsKey(Setting.ISOLATION_LEVEL)
                || !records.isEmpty());
        checkIsolation(request, values);
        values.forEach((setting, value) -> records.add(SettingRecord.ChangeSetting.of(setting, value)));
        if (records.isEmpty() && !asItIs) {
            throw ApiError.badRequest("nothing is to be set");
        }
        CompletableFuture<HttpAnswer> answer = CompletableFuture.completedFuture(HttpAnswer.said(DONE));
        for (MetaRecord record : records) {
            answer = answer.thenCompose(before -> Decisions.decide(request, record, DONE));
        }
        return answer;
    }

    /** A name with its group, or without; then any group will do, or the one that is spoken of. */
    private record Name(String group, String key, boolean elsewhere) {

        static Name of(String within, String said) {
            int dot = said.indexOf('.');
            String group = dot < 0 ? within : said.substring(0, dot);
            return new Name(group, said.substring(dot + 1), !within.isEmpty() && !group.equals(within));
        }

        boolean is(String itsGroup, String itsKey) {
            return !elsewhere && key.equals(itsKey) && (group.isEmpty() || group.equals(itsGroup));
        }
    }

    private static Setting setting(Name name, String said) {
        for (Setting setting : Setting.values()) {
            boolean served = setting.group().equals(SCHEDULE) || setting.group().equals(REPLICATION);
            if (served && name.is(setting.group(), setting.key())) {
                return setting;
            }
        }
        throw ApiError.badRequest("config item " + Request.shown(said) + " not found");
    }

    /** Tools switch them on before they use them; here they are never off. */
    private static void checkPlacementRules(JsonNode value) {
        if (!value.asString("").equals("true")) {
            throw ApiError.refused("placement rules cannot be switched off; delete those that should not hold");
        }
    }

    /** What placement rules say instead must not be set where it would mean nothing. */
    private void checkRules(boolean ofDefaultRule) {
        if (ofDefaultRule && RuleBook.of(meta.state().placement()).overridesSettings()) {
            throw ApiError.refused("placement rule pd/default was written or deleted, so "
                    + "max-replicas, location-labels and isolation-level say nothing: change the rules");
        }
    }

    private static void checkIsolation(Request request, Map<Setting, String> values) {
        Locations now = request.term().schedule().placement().locations();
        String said = values.get(Setting.LOCATION_LABELS);
        List<String> labels = said == null ? now.labels() : Setting.labels(said);
        String isolation = values.getOrDefault(Setting.ISOLATION_LEVEL, now.isolation());
        if (!isolation.isEmpty() && !labels.contains(isolation)) {
            throw ApiError.badRequest("isolation-level '" + isolation + "' is none of the location-labels " + labels);
        }
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
}
