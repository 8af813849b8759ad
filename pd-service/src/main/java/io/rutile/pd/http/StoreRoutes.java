package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.StoreRecord;
import io.rutile.pd.meta.StoreRecord.LabelChange;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.metapb.StoreState;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Stores: what they are like, their life, their labels. */
final class StoreRoutes {

    /** What people call a store that is Offline: it is being emptied. */
    private static final Set<String> STATES =
            Set.of("up", "offline", "tombstone", "disconnected", "down", "preparing", "serving", "removing", "removed");

    private final MetaStore meta;

    StoreRoutes(MetaStore meta) {
        this.meta = meta;
    }

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/stores", this::stores),
                onLeader("GET", "/stores/check", this::stores),
                change("DELETE", "/stores/remove-tombstone", this::forgetTombstones),
                onLeader("GET", "/store/{id}", this::store),
                change("DELETE", "/store/{id}", this::remove),
                change("POST", "/store/{id}/state", this::state),
                change("POST", "/store/{id}/label", this::label),
                change("DELETE", "/store/{id}/label", this::unlabel),
                onLeader("GET", "/labels", this::labels),
                onLeader("GET", "/labels/stores", this::labelled));
    }

    private HttpAnswer stores(Request request) {
        Predicate<StoreInfo> wanted = states(request.queries("state"));
        return list(request, request.term().cluster().stores().stream().filter(wanted));
    }

    private static HttpAnswer list(Request request, Stream<StoreInfo> stores) {
        StoreTallies tallies = StoreTallies.of(request.term().cluster());
        ArrayNode array = Json.array();
        stores.forEach(store -> array.add(StoreJson.store(store, tallies.of(store.id()))));
        ObjectNode answer = Json.object();
        answer.put("count", array.size());
        answer.set("stores", array);
        return HttpAnswer.ok(answer);
    }

    /** Names or numbers of states; tombstones only when they are asked for. */
    private static Predicate<StoreInfo> states(List<String> said) {
        if (said.isEmpty()) {
            return store -> store.store().getState() != StoreState.Tombstone;
        }
        Set<String> wanted = new TreeSet<>();
        for (String state : said) {
            wanted.add(stateName(state));
        }
        return store -> wanted.contains(StoreJson.stateName(store).toLowerCase(Locale.ROOT))
                || wanted.contains(store.store().getState().name().toLowerCase(Locale.ROOT))
                || wanted.contains(store.store().getNodeState().name().toLowerCase(Locale.ROOT));
    }

    private static String stateName(String said) {
        String name = said.toLowerCase(Locale.ROOT);
        if (STATES.contains(name)) {
            return name;
        }
        try {
            StoreState byNumber = StoreState.forNumber(Integer.parseInt(said));
            if (byNumber != null) {
                return byNumber.name().toLowerCase(Locale.ROOT);
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw ApiError.badRequest("unknown state '" + Request.shown(said) + "'");
    }

    private HttpAnswer store(Request request) {
        StoreInfo store = known(request);
        return HttpAnswer.ok(
                StoreJson.store(store, StoreTallies.of(request.term().cluster()).of(store.id())));
    }

    private static StoreInfo known(Request request) {
        long id = request.id("id");
        StoreInfo store = request.term().cluster().store(id);
        if (store == null) {
            throw ApiError.notFound("store " + id + " not found");
        }
        return store;
    }

    private CompletableFuture<HttpAnswer> remove(Request request) {
        return Decisions.decide(
                request,
                new StoreRecord.RemoveStore(request.id("id"), request.flag("force")),
                "The store is set as Offline.");
    }

    private CompletableFuture<HttpAnswer> state(Request request) {
        long id = request.id("id");
        String state = request.query("state").orElse("").toLowerCase(Locale.ROOT);
        return switch (state) {
            case "up" -> Decisions.decide(request, new StoreRecord.RestoreStore(id), "The store's state is updated.");
            case "offline" ->
                Decisions.decide(request, new StoreRecord.RemoveStore(id, false), "The store's state is updated.");
            default ->
                throw ApiError.badRequest("state must be Up or Offline, not '" + Request.shown(state)
                        + "'; a store becomes a tombstone by itself when it is empty");
        };
    }

    private CompletableFuture<HttpAnswer> forgetTombstones(Request request) {
        return Decisions.decide(request, new StoreRecord.ForgetTombstones(), outcome -> {
            long count = outcome instanceof MetaOutcome.Applied applied ? applied.value() : 0;
            return HttpAnswer.said("Remove tombstone successfully. " + count + " removed.");
        });
    }

    private CompletableFuture<HttpAnswer> label(Request request) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> label : request.body().properties()) {
            if (!label.getValue().isString()) {
                throw ApiError.badRequest("label '" + Request.shown(label.getKey()) + "' must be a text");
            }
            labels.put(label.getKey(), label.getValue().stringValue());
        }
        LabelChange change = request.flag("force") ? LabelChange.REPLACE : LabelChange.MERGE;
        return Decisions.decide(
                request, new StoreRecord.LabelStore(request.id("id"), change, labels), "The store's label is updated.");
    }

    /** The label's name is the body, as a JSON text, or the query's {@code key}. */
    private CompletableFuture<HttpAnswer> unlabel(Request request) {
        String key = request.query("key").orElseGet(request::textBody);
        return Decisions.decide(
                request,
                new StoreRecord.LabelStore(request.id("id"), LabelChange.DELETE, Map.of(key, "")),
                "The store's label is deleted.");
    }

    private HttpAnswer labels(Request request) {
        Set<List<String>> seen = new LinkedHashSet<>();
        meta.state()
                .livingStores()
                .forEach(store ->
                        store.getLabelsList().forEach(label -> seen.add(List.of(label.getKey(), label.getValue()))));
        ArrayNode answer = Json.array();
        seen.forEach(label -> answer.addObject().put("key", label.get(0)).put("value", label.get(1)));
        return HttpAnswer.ok(answer);
    }

    private HttpAnswer labelled(Request request) {
        String name = request.query("name").orElse("");
        String value = request.query("value").orElse("");
        return list(
                request,
                request.term().cluster().stores().stream()
                        .filter(store -> store.store().getState() != StoreState.Tombstone)
                        .filter(store -> hasLabel(store, name, value)));
    }

    private static boolean hasLabel(StoreInfo store, String name, String value) {
        List<StoreLabel> labels = new ArrayList<>(store.store().getLabelsList());
        labels.removeIf(label -> !name.isEmpty() && !label.getKey().equalsIgnoreCase(name));
        labels.removeIf(label -> !value.isEmpty() && !label.getValue().equalsIgnoreCase(value));
        return !labels.isEmpty();
    }
}
