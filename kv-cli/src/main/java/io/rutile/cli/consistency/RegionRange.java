package io.rutile.cli.consistency;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A Region as somebody knows it. Keys are lower-case hex, so they sort as their bytes do.
 *
 * @param endKey empty for none
 * @param stores that have a peer, ascending
 */
record RegionRange(long id, String startKey, String endKey, long version, long confVer, List<Long> stores) {

    /** As nodes tell it. */
    static RegionRange ofNode(JsonObject replica) {
        return new RegionRange(
                replica.get("regionId").getAsLong(),
                replica.get("startKey").getAsString(),
                replica.get("endKey").getAsString(),
                replica.get("version").getAsLong(),
                replica.get("confVer").getAsLong(),
                stores(replica, "storeId"));
    }

    /** As PD tells it. */
    static RegionRange ofPd(JsonObject region) {
        JsonObject epoch = region.getAsJsonObject("epoch");
        return new RegionRange(
                region.get("id").getAsLong(),
                region.get("start_key").getAsString().toLowerCase(Locale.ROOT),
                region.get("end_key").getAsString().toLowerCase(Locale.ROOT),
                epoch.get("version").getAsLong(),
                epoch.get("conf_ver").getAsLong(),
                stores(region, "store_id"));
    }

    private static List<Long> stores(JsonObject region, String field) {
        List<Long> stores = new ArrayList<>();
        region.getAsJsonArray("peers")
                .forEach(peer -> stores.add(peer.getAsJsonObject().get(field).getAsLong()));
        stores.sort(null);
        return stores;
    }

    boolean overlaps(RegionRange other) {
        return (endKey.isEmpty() || other.startKey.compareTo(endKey) < 0)
                && (other.endKey.isEmpty() || startKey.compareTo(other.endKey) < 0);
    }

    boolean isNewerThan(RegionRange other) {
        return version != other.version ? version > other.version : confVer > other.confVer;
    }

    @Override
    public String toString() {
        return "region " + id + " [" + shown(startKey) + ", " + shown(endKey) + ") version " + version + " conf_ver "
                + confVer + " on " + stores;
    }

    private static String shown(String key) {
        return key.isEmpty() ? "-" : key;
    }
}
