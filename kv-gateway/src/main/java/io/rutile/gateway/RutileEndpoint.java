package io.rutile.gateway;

import io.rutile.gateway.console.ClusterFacts.Store;
import io.rutile.gateway.console.ClusterView;
import io.rutile.gateway.console.RegionQuery;
import io.rutile.gateway.kv.Failure;
import io.rutile.gateway.kv.Failures;
import io.rutile.protocol.ByteKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.LongFunction;
import org.springframework.boot.actuate.endpoint.annotation.DeleteOperation;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;

/**
 * {@code /actuator/rutile/…}: the cluster for those who operate it. {@code GET} of {@code stores}, {@code regions}, {@code regions/4},
 * {@code leaders}, {@code operators} and {@code scheduling} (why nothing moves); {@code POST drain/4} empties store 4 for good, {@code
 * DELETE drain/4} keeps it. The management port lets only admins in, and writes down who they are.
 *
 * <p>Threads of the management port wait for PD here, for as long as its members may take.
 */
@Endpoint(id = "rutile")
final class RutileEndpoint {

    private static final String DRAIN = "drain";
    private static final String REGIONS = "regions";

    private final ClusterView cluster;

    RutileEndpoint(ClusterView cluster) {
        this.cluster = cluster;
    }

    /** Who leads how much, and why it gets no more. */
    record LeaderLine(long storeId, String address, String state, long leaders, long leaderBytes, String newLeaders) {}

    @ReadOperation
    WebEndpointResponse<?> overview() {
        return answered(cluster.overview());
    }

    @ReadOperation
    WebEndpointResponse<?> look(@Selector String what) {
        return switch (what) {
            case "stores" -> answered(cluster.stores());
            case REGIONS -> answered(cluster.regions(new RegionQuery.From(ByteKey.EMPTY), RegionQuery.LIMIT_MAX));
            case "leaders" -> answered(cluster.stores().thenApply(RutileEndpoint::leaders));
            case "operators" -> answered(cluster.operators());
            case "scheduling" -> answered(cluster.scheduling());
            default -> notFound();
        };
    }

    private static List<LeaderLine> leaders(List<Store> stores) {
        return stores.stream()
                .map(store -> new LeaderLine(
                        store.id(),
                        store.address(),
                        store.state(),
                        store.leaders(),
                        store.leaderBytes(),
                        store.newLeaders()))
                .toList();
    }

    @ReadOperation
    WebEndpointResponse<?> lookAt(@Selector String what, @Selector String id) {
        if (!what.equals(REGIONS)) {
            return notFound();
        }
        return withId(
                id,
                region -> cluster.region(region)
                        .<WebEndpointResponse<?>>thenApply(found -> found.isPresent()
                                ? new WebEndpointResponse<>(found.get())
                                : said(404, "region " + region + " is not known")));
    }

    @WriteOperation
    WebEndpointResponse<?> begin(@Selector String what, @Selector String id) {
        return what.equals(DRAIN) ? withId(id, store -> done(cluster.drain(store))) : notFound();
    }

    @DeleteOperation
    WebEndpointResponse<?> end(@Selector String what, @Selector String id) {
        return what.equals(DRAIN) ? withId(id, store -> done(cluster.keep(store))) : notFound();
    }

    private static CompletableFuture<WebEndpointResponse<?>> done(CompletableFuture<Void> change) {
        return change.thenApply(nothing -> new WebEndpointResponse<>(WebEndpointResponse.STATUS_NO_CONTENT));
    }

    private static WebEndpointResponse<?> withId(
            String id, LongFunction<CompletableFuture<WebEndpointResponse<?>>> question) {
        long number;
        try {
            number = Long.parseLong(id);
        } catch (NumberFormatException e) {
            number = 0;
        }
        return number > 0 ? waited(question.apply(number)) : said(400, "the id is a positive number");
    }

    private static <T> WebEndpointResponse<?> answered(CompletableFuture<T> answer) {
        return waited(answer.thenApply(body -> new WebEndpointResponse<>(body)));
    }

    private static WebEndpointResponse<?> waited(CompletableFuture<? extends WebEndpointResponse<?>> answer) {
        try {
            return answer.join();
        } catch (CompletionException e) {
            Failure failure = Failures.of(e);
            return said(status(failure.kind()), failure.detail());
        }
    }

    private static int status(Failure.Kind kind) {
        return switch (kind) {
            case INVALID_REQUEST -> 400;
            case UNAVAILABLE, BUSY -> 503;
            case UNDETERMINED, INTERNAL -> 500;
            default -> 502;
        };
    }

    private static WebEndpointResponse<?> notFound() {
        return said(404, "there are stores, regions, leaders, operators, scheduling and drain");
    }

    private static WebEndpointResponse<?> said(int status, String detail) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("status", status);
        body.put("detail", detail);
        return new WebEndpointResponse<>(body, status);
    }
}
