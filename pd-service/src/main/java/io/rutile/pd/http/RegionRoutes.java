package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionFaults;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.StoreState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Regions: one by one, by store and range, those that are not as they should be, and the greatest of them. */
final class RegionRoutes {

    /** In one answer, whatever was asked for. */
    static final int REGIONS_MAX = 10_240;

    private static final int REGIONS_DEFAULT = 16;
    private static final long OVERSIZED_MIB = 144;
    private static final long UNDERSIZED_MIB = 20;
    private static final int BIN_MIB_DEFAULT = 10;
    private static final int BIN_KEYS_DEFAULT = 10_000;

    List<Route> routes() {
        List<Route> routes = new ArrayList<>(List.of(
                onLeader("GET", "/region/id/{id}", this::byId),
                onLeader("GET", "/region/id/{id}/why", this::why),
                onLeader("GET", "/region/key/{key}", this::byKey),
                onLeader("GET", "/regions", this::all),
                onLeader("GET", "/regions/count", this::count),
                onLeader("GET", "/regions/key", this::range),
                onLeader("GET", "/regions/store/{id}", this::onStore),
                onLeader("GET", "/regions/sibling/{id}", this::siblings),
                onLeader("GET", "/regions/range-holes", this::holes),
                onLeader(
                        "GET",
                        "/regions/check/hist-size",
                        r -> histogram(r, BIN_MIB_DEFAULT, RegionInfo::approximateSizeMib)),
                onLeader(
                        "GET",
                        "/regions/check/hist-keys",
                        r -> histogram(r, BIN_KEYS_DEFAULT, RegionInfo::approximateKeys)),
                onLeader("GET", "/stats/region", this::statistics)));
        CHECKS.forEach((name, check) -> routes.add(onLeader("GET", "/regions/check/" + name, r -> checked(r, check))));
        ORDERS.forEach((name, order) -> routes.add(onLeader("GET", "/regions/" + name, r -> top(r, order))));
        return routes;
    }

    /** What a Region may be checked for. */
    private interface Check {
        boolean finds(RegionInfo region, ClusterState cluster);
    }

    private static final Map<String, Check> CHECKS = Map.of(
            "miss-peer", RegionFaults::isMissingPeer,
            "extra-peer", (region, cluster) -> region.peers().size() > cluster.maxReplicas(),
            "down-peer", (region, cluster) -> RegionFaults.hasDownPeer(region),
            "pending-peer", (region, cluster) -> RegionFaults.hasPendingPeer(region),
            "learner-peer",
                    (region, cluster) -> region.peers().stream().anyMatch(peer -> peer.getRole() == PeerRole.Learner),
            "offline-peer", (region, cluster) -> region.peers().stream().anyMatch(peer -> isLeaving(cluster, peer)),
            "empty-region", (region, cluster) -> region.approximateSizeMib() <= 1,
            "oversized-region", (region, cluster) -> region.approximateSizeMib() > OVERSIZED_MIB,
            "undersized-region", (region, cluster) -> region.approximateSizeMib() < UNDERSIZED_MIB);

    private static final Map<String, Comparator<RegionInfo>> ORDERS = Map.of(
            "readflow", Comparator.comparingLong(region -> region.flow().bytesRead()),
            "writeflow", Comparator.comparingLong(region -> region.flow().bytesWritten()),
            "size", Comparator.comparingLong(RegionInfo::approximateSizeMib),
            "keys", Comparator.comparingLong(RegionInfo::approximateKeys),
            "confver", Comparator.comparingLong(region -> region.epoch().getConfVer()),
            "version", Comparator.comparingLong(region -> region.epoch().getVersion()));

    private static boolean isLeaving(ClusterState cluster, Peer peer) {
        StoreInfo store = cluster.store(peer.getStoreId());
        return store == null || store.store().getState() != StoreState.Up;
    }

    private HttpAnswer byId(Request request) {
        return oneOrNull(request.term().cluster().region(request.id("id")));
    }

    private HttpAnswer byKey(Request request) {
        return oneOrNull(request.term().cluster().regionByKey(request.key("key")));
    }

    /** A Region that nobody reported is {@code null}, as tools expect it. */
    private static HttpAnswer oneOrNull(Optional<RegionInfo> region) {
        return region.map(found -> HttpAnswer.ok(RegionJson.region(found))).orElseGet(() -> HttpAnswer.ok(Json.none()));
    }

    /** What is done for a Region and why, or why nothing is. */
    private HttpAnswer why(Request request) {
        var explained = request.term().coordinator().explain(known(request));
        return HttpAnswer.ok(Json.object()
                .put("region_id", explained.region())
                .put("healthy", explained.healthy())
                .put("action", explained.action())
                .put("reason", explained.reason()));
    }

    private static RegionInfo known(Request request) {
        long id = request.id("id");
        return request.term().cluster().region(id).orElseThrow(() -> ApiError.notFound("region " + id + " not found"));
    }

    private HttpAnswer all(Request request) {
        return selected(request, REGIONS_MAX, region -> true);
    }

    private HttpAnswer count(Request request) {
        return HttpAnswer.ok(Json.object().put("count", request.term().cluster().regionCount()));
    }

    private HttpAnswer onStore(Request request) {
        long storeId = request.id("id");
        return selected(request, REGIONS_MAX, region -> region.peerOn(storeId) != null);
    }

    private HttpAnswer checked(Request request, Check check) {
        ClusterState cluster = request.term().cluster();
        return selected(request, REGIONS_MAX, region -> check.finds(region, cluster));
    }

    private static HttpAnswer selected(Request request, int limitDefault, Predicate<RegionInfo> fits) {
        RegionWalk.Selection found =
                RegionWalk.select(request.term().cluster(), request.limit(limitDefault, REGIONS_MAX), fits);
        return HttpAnswer.ok(RegionJson.list(found.count(), found.regions()));
    }

    private HttpAnswer range(Request request) {
        KeyRange range = queryRange(request, "key");
        List<RegionInfo> found = request.term().cluster().scan(range, request.limit(REGIONS_DEFAULT, REGIONS_MAX));
        return HttpAnswer.ok(RegionJson.list(found.size(), found));
    }

    private static KeyRange queryRange(Request request, String startName) {
        KeyRange range = new KeyRange(request.queryKey(startName), request.queryKey("end_key"));
        if (range.isEmpty()) {
            throw ApiError.badRequest("the range begins behind its end");
        }
        return range;
    }

    private HttpAnswer siblings(Request request) {
        RegionInfo region = known(request);
        ClusterState cluster = request.term().cluster();
        List<RegionInfo> found = new ArrayList<>();
        cluster.regionBefore(region.startKey()).ifPresent(found::add);
        ByteKey end = region.range().end();
        if (!end.isEmpty()) {
            cluster.regionByKey(end).ifPresent(found::add);
        }
        return HttpAnswer.ok(RegionJson.list(found.size(), found));
    }

    private static HttpAnswer top(Request request, Comparator<RegionInfo> order) {
        List<RegionInfo> found =
                RegionWalk.top(request.term().cluster(), request.limit(REGIONS_DEFAULT, REGIONS_MAX), order);
        return HttpAnswer.ok(RegionJson.list(found.size(), found));
    }

    /** Ranges of keys that no known Region holds: pairs of hex keys. */
    private HttpAnswer holes(Request request) {
        ArrayNode holes = Json.array();
        ByteKey[] covered = {ByteKey.EMPTY};
        boolean[] toTheEnd = {false};
        RegionWalk.over(request.term().cluster(), region -> {
            if (!region.startKey().equals(covered[0]) && holes.size() < REGIONS_MAX) {
                holes.addArray().add(RegionJson.hex(covered[0])).add(RegionJson.hex(region.startKey()));
            }
            covered[0] = region.range().end();
            toTheEnd[0] = covered[0].isEmpty();
        });
        if (!toTheEnd[0]) {
            holes.addArray().add(RegionJson.hex(covered[0])).add("");
        }
        return HttpAnswer.ok(holes);
    }

    /** How many Regions there are of each size; {@code bound} is the width of a bin. */
    private static HttpAnswer histogram(Request request, int width, ToLongFunction<RegionInfo> measure) {
        long bound = request.query("bound")
                .map(text -> Request.positive(text, "bound"))
                .orElse((long) width);
        Map<Long, Long> bins = new TreeMap<>();
        RegionWalk.over(
                request.term().cluster(), region -> bins.merge(measure.applyAsLong(region) / bound, 1L, Long::sum));
        ArrayNode answer = Json.array();
        bins.forEach((bin, count) -> answer.addObject()
                .put("start", bin * bound)
                .put("end", (bin + 1) * bound - 1)
                .put("count", count));
        return HttpAnswer.ok(answer);
    }

    /** What a range adds up to, by store. */
    private HttpAnswer statistics(Request request) {
        KeyRange range = queryRange(request, "start_key");
        RangeStatistics statistics = new RangeStatistics();
        RegionWalk.over(request.term().cluster(), region -> {
            if (region.range().overlaps(range)) {
                statistics.add(region);
            }
        });
        ObjectNode answer = statistics.json();
        return HttpAnswer.ok(answer);
    }
}
