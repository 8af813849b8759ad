package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.schedule.Admission;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorStep;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Operators under way, those that somebody asks for, and calling them off. */
final class OperatorRoutes {

    /** Regions that one request scatters. */
    private static final int SCATTERED_MAX = 4_096;

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/operators", this::operators),
                onLeader("GET", "/operators/{region}", this::operator),
                onLeader("POST", "/operators", this::add),
                onLeader("DELETE", "/operators/{region}", this::cancel));
    }

    /** Texts, as tools print them; objects with {@code ?object=true}. */
    private HttpAnswer operators(Request request) {
        Predicate<Operator> wanted = kinds(request.queries("kind"));
        boolean objects = request.flag("object");
        ArrayNode answer = Json.array();
        request.term().operators().operators().stream()
                .filter(wanted)
                .sorted(Comparator.comparingLong(Operator::regionId))
                .forEach(operator ->
                        answer.add(objects ? json(operator, request.term()) : Json.text(operator.toString())));
        return HttpAnswer.ok(answer);
    }

    private static Predicate<Operator> kinds(List<String> kinds) {
        Predicate<Operator> wanted = operator -> kinds.isEmpty();
        for (String kind : kinds) {
            Predicate<Operator> fits = switch (kind) {
                case "leader" -> operator -> has(operator, OperatorStep.TransferLeadership.class);
                case "region" -> operator -> operator.influence().stream().anyMatch(step -> step.peers() != 0);
                case "admin" -> operator -> operator.why().startsWith(OperatorPlans.ADMIN);
                default ->
                    throw ApiError.badRequest(
                            "kind must be leader, region or admin, not '" + Request.shown(kind) + "'");
            };
            wanted = wanted.or(fits);
        }
        return wanted;
    }

    private static boolean has(Operator operator, Class<? extends OperatorStep> kind) {
        return operator.steps().stream().anyMatch(kind::isInstance);
    }

    private HttpAnswer operator(Request request) {
        Operator operator = known(request);
        return request.flag("object")
                ? HttpAnswer.ok(json(operator, request.term()))
                : HttpAnswer.said("status: RUNNING, operator: " + operator);
    }

    private static Operator known(Request request) {
        long regionId = request.id("region");
        Operator operator = request.term().operators().operatorOf(regionId);
        if (operator == null) {
            throw ApiError.notFound("operator not found: none is under way for region " + regionId);
        }
        return operator;
    }

    private HttpAnswer add(Request request) {
        ObjectNode body = request.body();
        LeaderTerm term = request.term();
        String name = Request.text(body, "name");
        if (name.equals("scatter-region")) {
            long regionId = Request.positive(body, "region_id");
            scatter(term, known(term, regionId), "");
            return HttpAnswer.said("The operator is created.");
        }
        if (name.equals("scatter-regions")) {
            return scatterRegions(term, body);
        }
        if (name.equals("merge-region")) {
            RegionInfo source = known(term, Request.positive(body, "source_region_id"));
            RegionInfo target = known(term, Request.positive(body, "target_region_id"));
            return made(source.id(), term.coordinator().submit(OperatorPlans.merge(source, target)));
        }
        long regionId = Request.positive(body, "region_id");
        RegionInfo region = known(term, regionId);
        OperatorBuilder plan = OperatorPlans.of(name, region, term.cluster(), body);
        return made(regionId, term.coordinator().submit(plan));
    }

    private static HttpAnswer made(long regionId, Admission admission) {
        if (admission != Admission.ADDED) {
            throw ApiError.unavailable("no operator was made for region " + regionId + ": " + admission.words());
        }
        return HttpAnswer.said("The operator is created.");
    }

    private static RegionInfo known(LeaderTerm term, long regionId) {
        return term.cluster()
                .region(regionId)
                .orElseThrow(() -> ApiError.notFound("region " + regionId + " not found"));
    }

    private static void scatter(LeaderTerm term, RegionInfo region, String group) {
        term.coordinator().scatter(region, group, false).ifPresent(why -> {
            throw ApiError.unavailable("region " + region.id() + " is not scattered: " + why);
        });
    }

    /** Those with ids, or those of a range; what went wrong is counted, not thrown. */
    private static HttpAnswer scatterRegions(LeaderTerm term, ObjectNode body) {
        List<Long> ids = new ArrayList<>();
        JsonNode said = body.get("region_ids");
        if (said != null && said.isArray() && !said.isEmpty()) {
            for (JsonNode id : said) {
                if (!id.isIntegralNumber() || !id.canConvertToLong()) {
                    throw ApiError.badRequest("region_ids must be numbers of regions");
                }
                ids.add(id.longValue());
            }
        } else {
            KeyRange range = new KeyRange(
                    Request.hexKey(Request.text(body, "start_key")), Request.hexKey(Request.text(body, "end_key")));
            term.cluster().scan(range, SCATTERED_MAX + 1).forEach(region -> ids.add(region.id()));
        }
        if (ids.size() > SCATTERED_MAX) {
            throw ApiError.badRequest("at most " + SCATTERED_MAX + " regions at once");
        }
        String group = body.has("group") ? Request.text(body, "group") : "";
        int failed = term.coordinator().scatter(ids, group, false).size();
        int percentage = ids.isEmpty() ? 100 : 100 * (ids.size() - failed) / ids.size();
        return HttpAnswer.ok(
                Json.object().put("finished-percentage", percentage).put("failures-count", failed));
    }

    private HttpAnswer cancel(Request request) {
        long regionId = request.id("region");
        if (!request.term().operators().cancel(regionId)) {
            throw ApiError.notFound("operator not found: none is under way for region " + regionId);
        }
        return HttpAnswer.said("The pending operator is canceled.");
    }

    private static JsonNode json(Operator operator, LeaderTerm term) {
        ObjectNode node = Json.object();
        node.put("region_id", operator.regionId());
        node.put("desc", operator.why());
        node.put("status", "RUNNING");
        ArrayNode steps = node.putArray("steps");
        operator.steps().forEach(step -> steps.add(step.toString()));
        node.put("current_step", operator.currentStep().map(Object::toString).orElse(""));
        node.put("age_seconds", operator.age(term.nowNanos()).toSeconds());
        return node;
    }
}
