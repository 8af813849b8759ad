package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.HeatMap;
import io.rutile.pd.cluster.HeatMeasure;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.leader.LeaderTerm;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Who reads and writes where, over time: Rutile's own, made for drawing. */
final class HeatRoutes {

    /** Regions of a row are counted so far. */
    private static final int COUNTED_MAX = 1_000;

    List<Route> routes() {
        return List.of(onLeader("GET", "/hotspot/heat-map", HeatRoutes::heatMap));
    }

    private static HttpAnswer heatMap(Request request) {
        String of = request.query("of").orElse(HeatMeasure.WRITTEN_BYTES.label());
        HeatMeasure measure = HeatMeasure.named(of)
                .orElseThrow(() -> ApiError.badRequest("of must be one of "
                        + Arrays.stream(HeatMeasure.values())
                                .map(HeatMeasure::label)
                                .collect(Collectors.joining(", "))
                        + ", not '" + Request.shown(of) + "'"));
        LeaderTerm term = request.term();
        HeatMap.Picture picture = term.cluster().heat().picture(measure);
        ObjectNode answer = Json.object();
        answer.put("of", measure.label());
        answer.put("now_ms", term.nowMs());
        ArrayNode rows = answer.putArray("rows");
        for (int row = 0; row < picture.rows().size(); row++) {
            addRow(rows.addObject(), picture, row, term.cluster());
        }
        ArrayNode columns = answer.putArray("columns");
        for (HeatMap.Column column : picture.columns()) {
            ObjectNode node = columns.addObject();
            node.put("from_ms", wallMs(column.fromNanos(), picture, term));
            node.put("to_ms", wallMs(column.toNanos(), picture, term));
            ArrayNode amounts = node.putArray("amounts");
            column.amounts().forEach(amounts::add);
        }
        return HttpAnswer.ok(answer);
    }

    /** Which Regions are there now: the first of them, and how many. */
    private static void addRow(ObjectNode node, HeatMap.Picture picture, int row, ClusterState cluster) {
        List<RegionInfo> regions = cluster.scan(picture.range(row), COUNTED_MAX);
        node.put("start_key", RegionJson.hex(picture.rows().get(row)));
        node.put("region_id", regions.isEmpty() ? 0 : regions.get(0).id());
        node.put("regions", regions.size());
    }

    private static long wallMs(long atNanos, HeatMap.Picture picture, LeaderTerm term) {
        return term.nowMs() - TimeUnit.NANOSECONDS.toMillis(picture.nowNanos() - atNanos);
    }
}
