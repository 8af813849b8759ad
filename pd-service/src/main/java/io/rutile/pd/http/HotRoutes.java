package io.rutile.pd.http;

import static io.rutile.pd.http.Route.onLeader;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.protocol.pdpb.StoreStats;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import tools.jackson.databind.node.ObjectNode;

/** Where the load is: of stores what their heartbeats say; which Regions count as hot nobody decides yet. */
final class HotRoutes {

    private static final Map<String, ToLongFunction<StoreStats>> RATES = Map.of(
            "bytes-write-rate", StoreStats::getBytesWritten,
            "bytes-read-rate", StoreStats::getBytesRead,
            "keys-write-rate", StoreStats::getKeysWritten,
            "keys-read-rate", StoreStats::getKeysRead);

    List<Route> routes() {
        return List.of(
                onLeader("GET", "/hotspot/stores", this::stores),
                onLeader("GET", "/hotspot/regions/read", request -> none()),
                onLeader("GET", "/hotspot/regions/write", request -> none()));
    }

    /** By the second, over the interval of each store's last heartbeat. */
    private HttpAnswer stores(Request request) {
        ObjectNode answer = Json.object();
        RATES.forEach((name, amount) -> {
            ObjectNode byStore = answer.putObject(name);
            for (StoreInfo store : request.term().cluster().stores()) {
                StoreStats stats = store.stats();
                long seconds = stats.getInterval().getEndTimestamp()
                        - stats.getInterval().getStartTimestamp();
                if (seconds > 0) {
                    byStore.put(Long.toString(store.id()), (double) amount.applyAsLong(stats) / seconds);
                }
            }
        });
        answer.putObject("query-write-rate");
        answer.putObject("query-read-rate");
        return HttpAnswer.ok(answer);
    }

    private static HttpAnswer none() {
        ObjectNode answer = Json.object();
        answer.putObject("as_peer");
        answer.putObject("as_leader");
        return HttpAnswer.ok(answer);
    }
}
