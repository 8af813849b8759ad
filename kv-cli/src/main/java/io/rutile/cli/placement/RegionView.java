package io.rutile.cli.placement;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;

/**
 * A Region as PD shows it.
 *
 * @param startKey hex; empty for the first of all keys
 * @param endKey hex; empty for none
 * @param leaderStore 0 if nobody leads
 * @param stores that have a replica
 * @param peers its replicas' ids, in the same order
 * @param troubles such as {@code 1 down}, empty if all is well
 * @param writtenBytes since its leader's report before
 * @param readBytes since its leader's report before
 */
public record RegionView(
        long id,
        String startKey,
        String endKey,
        long leaderStore,
        List<Long> stores,
        List<Long> peers,
        List<String> troubles,
        long sizeMib,
        long sizeBytes,
        long keys,
        long writtenBytes,
        long readBytes,
        long writtenKeys,
        long readKeys) {

    public static RegionView of(JsonObject json) {
        List<Long> stores = new ArrayList<>();
        List<Long> peers = new ArrayList<>();
        long learners = 0;
        for (JsonElement peer : json.getAsJsonArray("peers")) {
            stores.add(Fields.number(peer.getAsJsonObject(), "store_id"));
            peers.add(Fields.number(peer.getAsJsonObject(), "id"));
            learners += Fields.text(peer.getAsJsonObject(), "role_name").equals("Learner") ? 1 : 0;
        }
        JsonElement leader = json.get("leader");
        long leaderStore =
                leader == null || !leader.isJsonObject() ? 0 : Fields.number(leader.getAsJsonObject(), "store_id");
        List<String> troubles = new ArrayList<>();
        if (leaderStore == 0) {
            troubles.add("no leader");
        }
        count(troubles, json, "down_peers", "down");
        count(troubles, json, "pending_peers", "pending");
        if (learners > 0) {
            troubles.add(learners + " learner");
        }
        return new RegionView(
                json.get("id").getAsLong(),
                json.get("start_key").getAsString(),
                json.get("end_key").getAsString(),
                leaderStore,
                stores,
                peers,
                troubles,
                Fields.number(json, "approximate_size"),
                Fields.number(json, "approximate_bytes"),
                Fields.number(json, "approximate_keys"),
                Fields.number(json, "written_bytes"),
                Fields.number(json, "read_bytes"),
                Fields.number(json, "written_keys"),
                Fields.number(json, "read_keys"));
    }

    public static List<RegionView> list(JsonObject answer) {
        List<RegionView> regions = new ArrayList<>();
        answer.getAsJsonArray("regions").forEach(region -> regions.add(of(region.getAsJsonObject())));
        return regions;
    }

    private static void count(List<String> troubles, JsonObject json, String field, String what) {
        JsonElement peers = json.get(field);
        if (peers != null && peers.isJsonArray() && !peers.getAsJsonArray().isEmpty()) {
            troubles.add(peers.getAsJsonArray().size() + " " + what);
        }
    }
}
