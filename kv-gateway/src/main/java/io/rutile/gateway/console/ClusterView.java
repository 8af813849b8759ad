package io.rutile.gateway.console;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.region.KeySpace;
import io.rutile.gateway.console.ClusterFacts.Faults;
import io.rutile.gateway.console.ClusterFacts.Heat;
import io.rutile.gateway.console.ClusterFacts.Operators;
import io.rutile.gateway.console.ClusterFacts.Overview;
import io.rutile.gateway.console.ClusterFacts.Region;
import io.rutile.gateway.console.ClusterFacts.RegionDetail;
import io.rutile.gateway.console.ClusterFacts.RegionPage;
import io.rutile.gateway.console.ClusterFacts.Scheduling;
import io.rutile.gateway.console.ClusterFacts.Store;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.FailureException;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;

/**
 * The cluster as PD's leader sees it. Whoever looks shares answers with everybody else ({@link PdAnswers}). Futures fail with {@link
 * FailureException}: {@code UNAVAILABLE} if PD does not answer, {@code BUSY} at a bound, {@code SERVER} if PD says no. Who may look was
 * asked before. Safe from any thread, never blocks.
 */
public final class ClusterView implements AutoCloseable {

    static final int OPERATORS_MAX = 500;

    /** PD walks over all Regions for these. */
    private static final Duration WALK_FRESH = Duration.ofSeconds(10);

    private static final Duration REASONS_FRESH = Duration.ofSeconds(3);
    private static final Duration HEAT_FRESH = Duration.ofSeconds(3);

    /** What of a Region's traffic the heat map is about. */
    public enum Measure {
        WRITTEN_BYTES,
        READ_BYTES,
        WRITTEN_KEYS,
        READ_KEYS;

        /** Its name in requests: {@code written-bytes}. */
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private final PdHttp pd;
    private final PdAnswers answers;
    private final Function<KeySpace.Mode, CompletableFuture<KeySpace>> keySpaces;

    /** @param keySpaces how applications' keys become PD's; may ask PD */
    public ClusterView(
            PdHttp.Options options,
            Function<KeySpace.Mode, CompletableFuture<KeySpace>> keySpaces,
            MeterRegistry metrics) {
        this.pd = new PdHttp(options, metrics);
        this.answers = new PdAnswers(pd::get, System::nanoTime);
        this.keySpaces = keySpaces;
    }

    public CompletableFuture<Overview> overview() {
        CompletableFuture<JsonNode> cluster = answers.get("/cluster");
        CompletableFuture<JsonNode> members = answers.get("/members");
        CompletableFuture<JsonNode> health = answers.get("/health", REASONS_FRESH);
        CompletableFuture<JsonNode> count = answers.get("/regions/count");
        CompletableFuture<JsonNode> miss = answers.get("/regions/check/miss-peer?limit=1", WALK_FRESH);
        CompletableFuture<JsonNode> down = answers.get("/regions/check/down-peer?limit=1", WALK_FRESH);
        CompletableFuture<JsonNode> pending = answers.get("/regions/check/pending-peer?limit=1", WALK_FRESH);
        return told(CompletableFuture.allOf(cluster, members, health, count, miss, down, pending)
                .thenApply(done -> new Overview(
                        Long.toUnsignedString(PdJson.number(cluster.join(), "id")),
                        (int) PdJson.number(cluster.join(), "max_peer_count"),
                        PdJson.number(count.join(), "count"),
                        new Faults(
                                PdJson.number(miss.join(), "count"),
                                PdJson.number(down.join(), "count"),
                                PdJson.number(pending.join(), "count")),
                        PdJson.members(members.join(), health.join()))));
    }

    public CompletableFuture<List<Store>> stores() {
        CompletableFuture<JsonNode> stores = answers.get("/stores");
        CompletableFuture<JsonNode> rates = answers.get("/hotspot/stores");
        // A PD that is not updated yet has no such route: then there are no reasons.
        CompletableFuture<JsonNode> reasons = answers.get("/scheduling", REASONS_FRESH)
                .exceptionallyCompose(failure -> isNotFound(failure)
                        ? CompletableFuture.completedFuture(NullNode.getInstance())
                        : CompletableFuture.failedFuture(failure));
        return told(CompletableFuture.allOf(stores, rates, reasons)
                .thenApply(done -> PdJson.stores(stores.join(), rates.join(), reasons.join())));
    }

    /** @param limit 1 to {@link RegionQuery#LIMIT_MAX} */
    public CompletableFuture<RegionPage> regions(RegionQuery query, int limit) {
        if (limit < 1 || limit > RegionQuery.LIMIT_MAX) {
            throw new IllegalArgumentException("limit is 1 to " + RegionQuery.LIMIT_MAX);
        }
        if (!(query instanceof RegionQuery.From)) {
            return told(answers.get(query.path(limit))
                    .thenApply(answer -> new RegionPage(PdJson.number(answer, "count"), PdJson.regions(answer), "")));
        }
        // One more than is shown tells where the next page begins.
        CompletableFuture<JsonNode> some = answers.get(query.path(limit + 1));
        CompletableFuture<JsonNode> count = answers.get("/regions/count");
        return told(some.thenCombine(count, (answer, all) -> {
            List<Region> regions = PdJson.regions(answer);
            boolean more = regions.size() > limit;
            return new RegionPage(
                    PdJson.number(all, "count"),
                    more ? regions.subList(0, limit) : regions,
                    more ? regions.get(limit).startKey() : "");
        }));
    }

    /** The key as PD has it. Fails as the calls of the client do if the keyspace cannot be found out. */
    public CompletableFuture<ByteKey> border(KeySpace.Mode mode, ByteKey key) {
        return keySpaces.apply(mode).thenApply(keys -> keys.border(keys.toWire(key)));
    }

    /** Empty if nobody has reported such a Region. */
    public CompletableFuture<Optional<RegionDetail>> region(long id) {
        CompletableFuture<JsonNode> region = answers.get("/region/id/" + id);
        return told(region.thenCompose(found -> {
            if (!found.isObject()) {
                return CompletableFuture.completedFuture(Optional.<RegionDetail>empty());
            }
            CompletableFuture<JsonNode> why = answers.get("/region/id/" + id + "/why");
            CompletableFuture<JsonNode> siblings = answers.get("/regions/sibling/" + id);
            return why.thenCombine(
                            siblings,
                            (reason, beside) -> Optional.of(new RegionDetail(
                                    PdJson.region(found),
                                    reason.path("healthy").asBoolean(false),
                                    PdJson.text(reason, "action"),
                                    PdJson.text(reason, "reason"),
                                    PdJson.regions(beside))))
                    // It may have gone between the two questions.
                    .exceptionallyCompose(failure -> isNotFound(failure)
                            ? CompletableFuture.completedFuture(Optional.empty())
                            : CompletableFuture.failedFuture(failure));
        }));
    }

    private static boolean isNotFound(Throwable failure) {
        return causeOf(failure) instanceof PdHttp.RefusedException refused && refused.status() == 404;
    }

    public CompletableFuture<Operators> operators() {
        return told(answers.get("/operators?object=true")
                .thenApply(answer -> new Operators(
                        answer.size(),
                        PdJson.list(answer, PdJson::operator).stream()
                                .limit(OPERATORS_MAX)
                                .toList())));
    }

    public CompletableFuture<Scheduling> scheduling() {
        return told(answers.get("/scheduling", REASONS_FRESH)
                .thenCombine(answers.get("/scheduling/regions", WALK_FRESH), PdJson::scheduling));
    }

    public CompletableFuture<Heat> heat(Measure measure) {
        return told(answers.get("/hotspot/heat-map?of=" + measure.label(), HEAT_FRESH)
                .thenApply(PdJson::heat));
    }

    /** The store is emptied from now on, for good. Fails with {@code INVALID_REQUEST} and PD's words if PD refuses. */
    public CompletableFuture<Void> drain(long storeId) {
        return changed("DELETE", "/store/" + storeId);
    }

    /** The store stays after all. @see #drain */
    public CompletableFuture<Void> keep(long storeId) {
        return changed("POST", "/store/" + storeId + "/state?state=Up");
    }

    private CompletableFuture<Void> changed(String method, String path) {
        return told(pd.change(method, path).<Void>thenApply(done -> null))
                .whenComplete((done, failure) -> answers.forget());
    }

    /** What PD refuses is told in its own words. */
    private static <T> CompletableFuture<T> told(CompletableFuture<T> answer) {
        return answer.exceptionallyCompose(failure -> {
            Throwable cause = causeOf(failure);
            if (!(cause instanceof PdHttp.RefusedException refused)) {
                return CompletableFuture.failedFuture(cause);
            }
            String words = "the Placement Driver says: " + refused.getMessage();
            boolean callers = refused.status() < 500 && refused.status() != 405;
            return CompletableFuture.failedFuture(new FailureException(
                    (callers ? Failure.Kind.INVALID_REQUEST : Failure.Kind.SERVER).because(words)));
        });
    }

    private static Throwable causeOf(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    @Override
    public void close() {
        pd.close();
    }
}
