package io.rutile.pd.http;

import static io.rutile.pd.http.Route.change;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.leader.LeaderTerm;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.SettingRecord;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.SchedulerSettings;
import io.rutile.pd.schedule.Schedulers;
import io.rutile.pd.schedule.scheduler.EvictLeaderScheduler;
import io.rutile.pd.schedule.scheduler.HotRegionScheduler;
import io.rutile.pd.schedule.scheduler.Verdict;
import io.rutile.protocol.metapb.StoreState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Schedulers by the names that tools of the field give them: which work, which do not, what can be set of them, and what each said
 * last. All that is decided here is hard state.
 */
final class SchedulerRoutes {

    private static final String SUFFIX = "-scheduler";

    /** What the one that spreads hot Regions is called elsewhere. */
    private static final String HOT = "balance-hot-region";

    /** A pause is a pause; for longer, a scheduler is removed. */
    private static final Duration PAUSE_MAX = Duration.ofDays(30);

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/schedulers", SchedulerRoutes::names),
                change("POST", "/schedulers", this::add),
                change("POST", "/schedulers/{name}", this::pause),
                change("DELETE", "/schedulers/{name}", this::remove),
                onLeader("GET", "/schedulers/diagnostic/{name}", SchedulerRoutes::diagnostic),
                onLeader("GET", "/scheduler-config", SchedulerRoutes::configs),
                onLeader("GET", "/scheduler-config/{name}/list", SchedulerRoutes::config),
                change("POST", "/scheduler-config/{name}/config", this::configure),
                change("DELETE", "/scheduler-config/{name}/delete/{store}", this::deleteStore));
    }

    /** Those that work; with {@code status} those that are paused, or removed. */
    private static HttpAnswer names(Request request) {
        LeaderTerm term = request.term();
        ScheduleOptions now = term.schedule();
        boolean times = request.flag("timestamp");
        String status = request.query("status").orElse("");
        Predicate<String> wanted = switch (status) {
            case "" -> name -> !now.schedulersOff().contains(name);
            case "paused" -> name -> pausedUntil(term, name).isPresent();
            case "disabled" -> name -> now.schedulersOff().contains(name);
            default ->
                throw ApiError.badRequest("status must be paused or disabled, not '" + Request.shown(status) + "'");
        };
        ArrayNode answer = Json.array();
        for (String name : term.coordinator().schedulers().names()) {
            if (wanted.test(name)) {
                Optional<Instant> until = pausedUntil(term, name);
                if (times && until.isPresent()) {
                    answer.addObject().put("name", name + SUFFIX).put("resume_at", GoText.time(until.get()));
                } else {
                    answer.add(name + SUFFIX);
                }
            }
        }
        return HttpAnswer.ok(answer);
    }

    private static Optional<Instant> pausedUntil(LeaderTerm term, String name) {
        return Optional.ofNullable(term.schedule().schedulersPaused().get(name))
                .filter(until -> until.toEpochMilli() > term.nowMs());
    }

    /** Works from now on; the one that evicts leaders is added for a store. */
    private CompletableFuture<HttpAnswer> add(Request request) {
        ObjectNode body = request.body();
        String name = known(Request.text(body, "name"));
        String done = "The scheduler is created.";
        if (name.equals(EvictLeaderScheduler.NAME) && body.has("store_id")) {
            return evict(request, Request.positive(body, "store_id"), done);
        }
        return Decisions.decide(request, SchedulerSettings.on(name), done);
    }

    private static CompletableFuture<HttpAnswer> evict(Request request, long storeId, String done) {
        StoreInfo store = request.term().cluster().store(storeId);
        if (store == null) {
            throw ApiError.notFound("store " + storeId + " not found");
        }
        if (store.store().getState() == StoreState.Tombstone) {
            throw ApiError.gone("store " + storeId + " is a tombstone");
        }
        return Decisions.decide(request, SchedulerSettings.evict(storeId), done);
    }

    /** Does nothing from now on. {@code evict-leader-scheduler-4}: store 4 leads again. */
    private CompletableFuture<HttpAnswer> remove(Request request) {
        String said = request.text("name");
        String done = "The scheduler is removed.";
        String evictions = EvictLeaderScheduler.NAME + SUFFIX + "-";
        if (said.startsWith(evictions)) {
            return readmit(request, Request.positive(said.substring(evictions.length()), "the store's id"), done);
        }
        String name = known(said);
        List<MetaRecord> records = new ArrayList<>();
        if (name.equals(EvictLeaderScheduler.NAME)) {
            // It also serves stores that stop, so it goes on for them.
            request.term().schedule().evicted().forEach(store -> records.add(SchedulerSettings.readmit(store)));
        } else {
            records.add(SchedulerSettings.off(name));
        }
        return decideAll(request, records, done);
    }

    private static CompletableFuture<HttpAnswer> readmit(Request request, long storeId, String done) {
        if (!request.term().schedule().evicted().contains(storeId)) {
            throw ApiError.notFound("scheduler not found: none evicts the leaders of store " + storeId);
        }
        return Decisions.decide(request, SchedulerSettings.readmit(storeId), done);
    }

    /** For {@code delay} seconds; 0: it goes on. {@code all}: each of them. */
    private CompletableFuture<HttpAnswer> pause(Request request) {
        String said = request.text("name");
        JsonNode delay = request.body().get("delay");
        if (delay == null
                || !delay.isIntegralNumber()
                || !delay.canConvertToLong()
                || delay.longValue() < 0
                || delay.longValue() > PAUSE_MAX.toSeconds()) {
            throw ApiError.badRequest("delay must be 0 to " + PAUSE_MAX.toSeconds() + " seconds");
        }
        LeaderTerm term = request.term();
        Instant until = Instant.ofEpochMilli(term.nowMs()).plusSeconds(delay.longValue());
        List<MetaRecord> records = new ArrayList<>();
        for (String name : said.equals("all") ? Schedulers.NAMES : List.of(known(said))) {
            if (term.schedule().schedulersOff().contains(name)) {
                if (!said.equals("all")) {
                    throw ApiError.notFound("scheduler not found: " + name + SUFFIX + " was removed");
                }
            } else {
                records.add(
                        delay.longValue() == 0 ? SchedulerSettings.on(name) : SchedulerSettings.paused(name, until));
            }
        }
        return decideAll(request, records, "Pause or resume the scheduler successfully.");
    }

    private static CompletableFuture<HttpAnswer> decideAll(Request request, List<MetaRecord> records, String done) {
        CompletableFuture<HttpAnswer> answer = CompletableFuture.completedFuture(HttpAnswer.said(done));
        for (MetaRecord record : records) {
            answer = answer.thenCompose(before -> Decisions.decide(request, record, done));
        }
        return answer;
    }

    /** What the scheduler said last. */
    private static HttpAnswer diagnostic(Request request) {
        String name = known(request.text("name"));
        LeaderTerm term = request.term();
        Verdict verdict = term.coordinator().schedulers().verdicts().get(name);
        String status;
        if (term.schedule().schedulersOff().contains(name)) {
            status = "disabled";
        } else if (pausedUntil(term, name).isPresent()) {
            status = "paused";
        } else if (verdict == null) {
            status = "pending";
        } else {
            status = switch (verdict.outcome()) {
                case MADE -> "scheduling";
                case NOTHING, OFF -> "normal";
                case BLOCKED -> "pending";
            };
        }
        return HttpAnswer.ok(Json.object()
                .put("name", name + SUFFIX)
                .put("status", status)
                .put("summary", verdict == null ? "" : verdict.summary())
                .put(
                        "timestamp",
                        verdict == null ? 0 : Duration.ofMillis(verdict.atMs()).toSeconds()));
    }

    private static HttpAnswer configs(Request request) {
        ObjectNode answer = Json.object();
        for (String name : request.term().coordinator().schedulers().names()) {
            answer.set(name + SUFFIX, json(name, request.term()));
        }
        return HttpAnswer.ok(answer);
    }

    private static HttpAnswer config(Request request) {
        return HttpAnswer.ok(json(known(request.text("name")), request.term()));
    }

    private static ObjectNode json(String name, LeaderTerm term) {
        ObjectNode answer = Json.object();
        for (Setting setting : settingsOf(name)) {
            answer.set(setting.key(), SettingJson.value(setting, term));
        }
        if (name.equals(EvictLeaderScheduler.NAME)) {
            ObjectNode stores = answer.putObject("store-id-ranges");
            for (long store : new TreeSet<>(term.schedule().evicted())) {
                stores.putArray(Long.toString(store))
                        .addObject()
                        .put("start-key", "")
                        .put("end-key", "");
            }
        }
        return answer;
    }

    private static List<Setting> settingsOf(String name) {
        List<Setting> found = new ArrayList<>();
        for (Setting setting : Setting.values()) {
            if (setting.group().equals("scheduler." + name)) {
                found.add(setting);
            }
        }
        return found;
    }

    private CompletableFuture<HttpAnswer> configure(Request request) {
        String name = known(request.text("name"));
        ObjectNode body = request.body();
        String done = "Config updated.";
        if (name.equals(EvictLeaderScheduler.NAME)) {
            return evict(request, Request.positive(body, "store_id"), done);
        }
        List<MetaRecord> records = new ArrayList<>();
        for (Map.Entry<String, JsonNode> entry : body.properties()) {
            if (entry.getKey().equals("name")) {
                continue;
            }
            Setting setting = settingsOf(name).stream()
                    .filter(known -> known.key().equals(entry.getKey()))
                    .findFirst()
                    .orElseThrow(() ->
                            ApiError.badRequest(name + SUFFIX + " has no setting " + Request.shown(entry.getKey())));
            records.add(SettingRecord.ChangeSetting.of(setting, SettingJson.text(setting, entry.getValue())));
        }
        if (records.isEmpty()) {
            throw ApiError.badRequest("nothing is to be set");
        }
        return decideAll(request, records, done);
    }

    private CompletableFuture<HttpAnswer> deleteStore(Request request) {
        String name = known(request.text("name"));
        if (!name.equals(EvictLeaderScheduler.NAME)) {
            throw ApiError.badRequest(name + SUFFIX + " is not for single stores");
        }
        return readmit(request, request.id("store"), "Config updated.");
    }

    /** Ours, with and without the ending. @throws ApiError 404 if there is none of this name */
    private static String known(String said) {
        String name = said.endsWith(SUFFIX) ? said.substring(0, said.length() - SUFFIX.length()) : said;
        if (name.equals(HOT)) {
            return HotRegionScheduler.NAME;
        }
        if (!Schedulers.NAMES.contains(name)) {
            throw ApiError.notFound("scheduler not found: " + Request.shown(said) + " is none of " + Schedulers.NAMES);
        }
        return name;
    }
}
