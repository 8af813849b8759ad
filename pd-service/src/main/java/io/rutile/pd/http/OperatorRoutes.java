package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.schedule.Admission;
import io.rutile.pd.schedule.operator.Operator;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorStep;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Operators under way, those that somebody asks for, and calling them off. */
final class OperatorRoutes {

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/operators", this::operators),
                onLeader("GET", "/operators/{region}", this::operator),
                onLeader("POST", "/operators", this::add),
                onLeader("DELETE", "/operators/{region}", this::cancel),
                onLeader("GET", "/schedulers", OperatorRoutes::schedulers));
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

    /** Their names as tools of the field know them. */
    private static HttpAnswer schedulers(Request request) {
        ArrayNode answer = Json.array();
        request.term().coordinator().schedulers().names().forEach(name -> answer.add(name + "-scheduler"));
        return HttpAnswer.ok(answer);
    }

    private static Predicate<Operator> kinds(List<String> kinds) {
        Predicate<Operator> wanted = operator -> kinds.isEmpty();
        for (String kind : kinds) {
            Predicate<Operator> fits = switch (kind) {
                case "leader" -> operator -> has(operator, OperatorStep.TransferLeadership.class);
                case "region" ->
                    operator ->
                            has(operator, OperatorStep.AddPeer.class) || has(operator, OperatorStep.RemovePeer.class);
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
        long regionId = Request.positive(body, "region_id");
        RegionInfo region = term.cluster()
                .region(regionId)
                .orElseThrow(() -> ApiError.notFound("region " + regionId + " not found"));
        OperatorBuilder plan = OperatorPlans.of(name, region, term.cluster(), body);
        Admission admission = term.coordinator().submit(plan);
        if (admission != Admission.ADDED) {
            throw ApiError.unavailable("no operator was made for region " + regionId + ": " + admission.words());
        }
        return HttpAnswer.said("The operator is created.");
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
