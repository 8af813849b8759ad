package io.rutile.cli.placement;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;

/**
 * A store as PD shows it.
 *
 * @param state Up, Disconnected, Down, Offline or Tombstone
 * @param sizeMib of its replicas together
 * @param used such as {@code 1.5GiB}
 * @param labels {@code key=value}
 */
public record StoreView(
        long id,
        String address,
        String state,
        long leaders,
        long regions,
        long sizeMib,
        String used,
        String available,
        String uptime,
        List<String> labels) {

    public static StoreView of(JsonObject json) {
        JsonObject store = json.getAsJsonObject("store");
        JsonObject status = json.getAsJsonObject("status");
        List<String> labels = new ArrayList<>();
        if (store.has("labels")) {
            for (JsonElement label : store.getAsJsonArray("labels")) {
                JsonObject entry = label.getAsJsonObject();
                labels.add(entry.get("key").getAsString() + "="
                        + entry.get("value").getAsString());
            }
        }
        return new StoreView(
                store.get("id").getAsLong(),
                Fields.text(store, "address"),
                Fields.text(store, "state_name"),
                Fields.number(status, "leader_count"),
                Fields.number(status, "region_count"),
                Fields.number(status, "region_size"),
                Fields.text(status, "used_size"),
                Fields.text(status, "available"),
                Fields.text(status, "uptime"),
                labels);
    }

    public static List<StoreView> list(JsonObject answer) {
        List<StoreView> stores = new ArrayList<>();
        answer.getAsJsonArray("stores").forEach(store -> stores.add(of(store.getAsJsonObject())));
        return stores;
    }
}
