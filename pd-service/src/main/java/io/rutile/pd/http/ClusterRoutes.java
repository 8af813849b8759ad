package io.rutile.pd.http;

import static io.rutile.pd.http.Route.anywhere;
import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.meta.MetaStore;
import io.rutile.protocol.TimeStamp;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** The cluster as a whole, and this process. */
final class ClusterRoutes {

    /** What tools compare versions with: the one whose protocol is spoken. */
    static final String VERSION = "v8.5.0";

    private final MetaStore meta;
    private final long startedSeconds = InstantSource.system().instant().getEpochSecond();

    ClusterRoutes(MetaStore meta) {
        this.meta = meta;
    }

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/cluster", this::cluster),
                onLeader("GET", "/cluster/status", this::clusterStatus),
                anywhere("GET", "/ping", request -> HttpAnswer.empty()),
                anywhere(
                        "GET",
                        "/version",
                        request -> HttpAnswer.ok(Json.object().put("version", VERSION))),
                anywhere("GET", "/status", this::status),
                anywhere("GET", "/tso/{ts}", this::timestamp));
    }

    private HttpAnswer cluster(Request request) {
        return HttpAnswer.ok(Json.object()
                .put("id", meta.state().clusterId())
                .put("max_peer_count", meta.state().maxReplicas()));
    }

    private HttpAnswer clusterStatus(Request request) {
        return HttpAnswer.ok(
                Json.object().put("is_initialized", meta.state().bootstrapped()).put("replication_status", ""));
    }

    private HttpAnswer status(Request request) {
        return HttpAnswer.ok(Json.object()
                .put("build_ts", "")
                .put("version", VERSION)
                .put("git_hash", "")
                .put("start_timestamp", startedSeconds));
    }

    /** Takes a timestamp apart. */
    private HttpAnswer timestamp(Request request) {
        String digits = request.text("ts");
        long ts;
        try {
            ts = Long.parseUnsignedLong(digits);
        } catch (NumberFormatException e) {
            throw ApiError.badRequest("'" + Request.shown(digits) + "' is not a timestamp: 64 bits in decimal");
        }
        TimeStamp parsed = new TimeStamp(ts);
        ObjectNode answer = Json.object();
        answer.put("physical", parsed.physicalMs());
        answer.put("logical", parsed.logical());
        answer.put("time", GoText.time(Instant.ofEpochMilli(parsed.physicalMs())));
        return HttpAnswer.ok(answer);
    }
}
