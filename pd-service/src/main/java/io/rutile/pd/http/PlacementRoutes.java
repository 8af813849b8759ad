package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.schedule.placement.PlacementRule;
import io.rutile.pd.schedule.placement.PlacementRules;
import io.rutile.pd.schedule.placement.RuleBook;
import io.rutile.pd.schedule.placement.RuleBook.Draft;
import io.rutile.pd.schedule.placement.RuleGroup;
import io.rutile.pd.schedule.placement.RuleJson;
import io.rutile.protocol.ByteKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Placement rules, single ones, by group, and all of them. A change is decided on the rules as they are, as a whole: rules that make no
 * sense together, or that no stores could satisfy, are refused and nothing of the request is taken.
 */
final class PlacementRoutes {

    private final MetaStore meta;

    PlacementRoutes(MetaStore meta) {
        this.meta = meta;
    }

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/config/rules", request -> array(all(request))),
                change("POST", "/config/rules", this::putRules),
                change("POST", "/config/rules/batch", this::batch),
                onLeader(
                        "GET",
                        "/config/rules/group/{group}",
                        request -> array(ofGroup(request, request.text("group")))),
                onLeader("GET", "/config/rules/region/{region}", this::ofRegion),
                onLeader("GET", "/config/rules/key/{key}", request -> array(inForceAt(request, hexKey(request)))),
                onLeader("GET", "/config/rule/{group}/{id}", this::rule),
                change("POST", "/config/rule", this::putRule),
                change("DELETE", "/config/rule/{group}/{id}", this::deleteRule),
                onLeader("GET", "/config/rule_groups", this::groups),
                onLeader("GET", "/config/rule_group/{id}", this::group),
                change("POST", "/config/rule_group", this::putGroup),
                change("DELETE", "/config/rule_group/{id}", this::deleteGroup),
                onLeader("GET", "/config/placement-rule", this::bundles),
                change("POST", "/config/placement-rule", this::putBundles),
                onLeader(
                        "GET",
                        "/config/placement-rule/{group}",
                        request -> HttpAnswer.ok(bundle(request, request.text("group")))),
                change("POST", "/config/placement-rule/{group}", this::putBundle),
                change("DELETE", "/config/placement-rule/{group}", this::deleteBundle));
    }

    private RuleBook book() {
        return RuleBook.of(meta.state().placement());
    }

    /** What {@code pd/default} is by the settings. */
    private PlacementRule implied(LeaderTerm term) {
        return PlacementRule.replicas(
                meta.state().maxReplicas(), term.schedule().placement().locations());
    }

    private List<PlacementRule> all(Request request) {
        return book().rules(implied(request.term()));
    }

    private List<PlacementRule> ofGroup(Request request, String group) {
        return all(request).stream().filter(rule -> rule.group().equals(group)).toList();
    }

    private HttpAnswer ofRegion(Request request) {
        long id = request.id("region");
        ByteKey start = request.term()
                .cluster()
                .region(id)
                .orElseThrow(() -> ApiError.notFound("region " + id + " not found"))
                .startKey();
        return array(inForceAt(request, start));
    }

    private static ByteKey hexKey(Request request) {
        return Request.hexKey(request.text("key"));
    }

    private List<PlacementRule> inForceAt(Request request, ByteKey key) {
        PlacementRule implied = implied(request.term());
        PlacementRules rules = request.term().schedule().placement().rules();
        return rules.at(key, implied);
    }

    private HttpAnswer rule(Request request) {
        String group = request.text("group");
        String id = request.text("id");
        return ofGroup(request, group).stream()
                .filter(rule -> rule.id().equals(id))
                .findFirst()
                .map(rule -> HttpAnswer.ok(RuleJson.json(rule)))
                .orElseThrow(() -> ruleNotFound(group, id));
    }

    private static ApiError ruleNotFound(String group, String id) {
        return ApiError.notFound("placement rule " + Request.shown(group) + "/" + Request.shown(id) + " not found");
    }

    private CompletableFuture<HttpAnswer> putRule(Request request) {
        PlacementRule rule = read(() -> RuleJson.rule(request.body()));
        return decide(request, draft -> draft.put(rule, implied(request.term())), "Update rule successfully.");
    }

    /** Each in the place of the one of its name; the others stay. */
    private CompletableFuture<HttpAnswer> putRules(Request request) {
        List<PlacementRule> rules = new ArrayList<>();
        request.bodies().forEach(body -> rules.add(read(() -> RuleJson.rule(body))));
        return decide(
                request,
                draft -> rules.forEach(rule -> draft.put(rule, implied(request.term()))),
                "Update rules successfully.");
    }

    private CompletableFuture<HttpAnswer> deleteRule(Request request) {
        String group = request.text("group");
        String id = request.text("id");
        return decide(
                request,
                draft -> {
                    if (!draft.delete(group, id)) {
                        throw ruleNotFound(group, id);
                    }
                },
                "Delete rule successfully.");
    }

    /** Rules with an {@code action}: {@code add}, or {@code del}, which may name several by {@code delete_by_id_prefix}. */
    private CompletableFuture<HttpAnswer> batch(Request request) {
        List<Consumer<Draft>> edits = new ArrayList<>();
        for (ObjectNode body : request.bodies()) {
            String action = Request.text(body, "action");
            switch (action) {
                case "add" -> {
                    PlacementRule rule = read(() -> RuleJson.rule(body));
                    edits.add(draft -> draft.put(rule, implied(request.term())));
                }
                case "del" -> edits.add(deletion(request, body));
                default -> throw ApiError.badRequest("action must be add or del, not '" + Request.shown(action) + "'");
            }
        }
        return decide(request, draft -> edits.forEach(edit -> edit.accept(draft)), "Batch operations successfully.");
    }

    private Consumer<Draft> deletion(Request request, ObjectNode body) {
        String group = Request.text(body, "group_id");
        String id = Request.text(body, "id");
        JsonNode byPrefix = body.get("delete_by_id_prefix");
        boolean prefix = byPrefix != null && byPrefix.asBoolean(false);
        return draft -> {
            List<String> ids = prefix
                    ? ofGroup(request, group).stream()
                            .map(PlacementRule::id)
                            .filter(each -> each.startsWith(id))
                            .toList()
                    : List.of(id);
            boolean deleted = false;
            for (String each : ids) {
                deleted |= draft.delete(group, each);
            }
            if (!deleted && !prefix) {
                throw ruleNotFound(group, id);
            }
        };
    }

    private HttpAnswer groups(Request request) {
        RuleBook book = book();
        ArrayNode answer = Json.array();
        groupIds(request).forEach(id -> answer.add(RuleJson.json(book.group(id))));
        return HttpAnswer.ok(answer);
    }

    /** Those with rules, and those of which something was said. */
    private Collection<String> groupIds(Request request) {
        TreeSet<String> ids = new TreeSet<>();
        all(request).forEach(rule -> ids.add(rule.group()));
        book().groups().forEach(group -> ids.add(group.id()));
        return ids;
    }

    private HttpAnswer group(Request request) {
        String id = request.text("id");
        if (!groupIds(request).contains(id)) {
            throw groupNotFound(id);
        }
        return HttpAnswer.ok(RuleJson.json(book().group(id)));
    }

    private static ApiError groupNotFound(String id) {
        return ApiError.notFound("group " + Request.shown(id) + " of placement rules not found");
    }

    private CompletableFuture<HttpAnswer> putGroup(Request request) {
        RuleGroup group = read(() -> RuleJson.group(request.body()));
        return decide(request, draft -> draft.put(group), "Update rule group successfully.");
    }

    private CompletableFuture<HttpAnswer> deleteGroup(Request request) {
        String id = request.text("id");
        return decide(
                request,
                draft -> {
                    if (!draft.deleteGroupOnly(id)) {
                        throw groupNotFound(id);
                    }
                },
                "Delete rule group successfully.");
    }

    private HttpAnswer bundles(Request request) {
        ArrayNode answer = Json.array();
        groupIds(request).forEach(id -> answer.add(bundle(request, id)));
        return HttpAnswer.ok(answer);
    }

    /** A group with its rules. */
    private ObjectNode bundle(Request request, String id) {
        RuleGroup group = book().group(id);
        ObjectNode answer = Json.object();
        answer.put("group_id", id).put("group_index", group.index()).put("group_override", group.override());
        ArrayNode rules = answer.putArray("rules");
        ofGroup(request, id).forEach(rule -> rules.add(RuleJson.json(rule)));
        return answer;
    }

    /** These groups are all there are; with {@code partial=true} those that are not named stay. */
    private CompletableFuture<HttpAnswer> putBundles(Request request) {
        List<Consumer<Draft>> edits = new ArrayList<>();
        request.bodies().forEach(body -> edits.add(replacement(request, body, "")));
        boolean partial = request.flag("partial");
        return decide(
                request,
                draft -> {
                    if (!partial) {
                        draft.clear();
                    }
                    edits.forEach(edit -> edit.accept(draft));
                },
                "Update rules and groups successfully.");
    }

    private CompletableFuture<HttpAnswer> putBundle(Request request) {
        return decide(
                request,
                replacement(request, request.body(), request.text("group")),
                "Update group and rules successfully.");
    }

    /** @param group what the body may leave out; empty if it must name it */
    private Consumer<Draft> replacement(Request request, ObjectNode body, String group) {
        String id = body.has("group_id") ? Request.text(body, "group_id") : group;
        if (id.isEmpty() || !group.isEmpty() && !id.equals(group)) {
            throw ApiError.badRequest("group_id is not the group of the address, or missing");
        }
        ObjectNode said = Json.object().put("id", id);
        said.set("index", body.has("group_index") ? body.get("group_index") : Json.number(0));
        said.set("override", body.has("group_override") ? body.get("group_override") : Json.flag(false));
        RuleGroup settings = read(() -> RuleJson.group(said));
        List<PlacementRule> rules = new ArrayList<>();
        JsonNode listed = body.get("rules");
        if (listed == null || !listed.isArray()) {
            throw ApiError.badRequest("rules must be a list of placement rules");
        }
        for (JsonNode element : listed) {
            if (!(element instanceof ObjectNode rule)) {
                throw ApiError.badRequest("rules must be a list of placement rules");
            }
            ObjectNode named = rule.has("group_id") ? rule : rule.deepCopy().put("group_id", id);
            PlacementRule read = read(() -> RuleJson.rule(named));
            if (!read.group().equals(id)) {
                throw ApiError.badRequest("placement rule " + read.name() + " is not of the group " + id);
            }
            rules.add(read);
        }
        return draft -> {
            draft.deleteGroup(id);
            if (settings.index() != 0 || settings.override()) {
                draft.put(settings);
            }
            rules.forEach(rule -> draft.put(rule, implied(request.term())));
        };
    }

    private CompletableFuture<HttpAnswer> deleteBundle(Request request) {
        String id = request.text("group");
        if (!groupIds(request).contains(id)) {
            throw groupNotFound(id);
        }
        return decide(request, draft -> draft.deleteGroup(id), "Delete group and rules successfully.");
    }

    /** Decides on what the edit makes of the rules as they are. */
    private CompletableFuture<HttpAnswer> decide(Request request, Consumer<Draft> edit, String done) {
        Draft draft = book().edit();
        edit.accept(draft);
        if (draft.isUnchanged()) {
            return CompletableFuture.completedFuture(HttpAnswer.said(done));
        }
        LeaderTerm term = request.term();
        read(() -> draft.result().inForce(implied(term)));
        for (PlacementRule rule : draft.written()) {
            RuleBook.objection(rule, term.cluster().stores()).ifPresent(why -> {
                throw ApiError.badRequest(why);
            });
        }
        return Decisions.decide(request, draft.record(), done);
    }

    /** What makes no sense is the caller's to mend. */
    private static <T> T read(Supplier<T> reading) {
        try {
            return reading.get();
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest(String.valueOf(e.getMessage()));
        }
    }

    private static HttpAnswer array(Collection<PlacementRule> rules) {
        ArrayNode answer = Json.array();
        rules.forEach(rule -> answer.add(RuleJson.json(rule)));
        return HttpAnswer.ok(answer);
    }
}
