package io.rutile.cli.consistency;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * What a node tells about one of its replicas.
 *
 * @param region null while it has no data yet
 * @param hash of the last check there
 * @param mismatch whether it was found to differ from its leader, by whoever has checked last
 */
record Replica(
        long storeId,
        long regionId,
        long peerId,
        boolean leader,
        @Nullable RegionRange region,
        @Nullable Hash hash,
        boolean mismatch) {

    /**
     * What was found at an index.
     *
     * @param value hex; null while it is computed, or could not be
     */
    record Hash(long index, boolean failed, @Nullable String value, long records) {

        private static final String FAILED = "FAILED";

        static Hash of(JsonObject check) {
            JsonElement value = check.get("hash");
            JsonElement records = check.get("records");
            return new Hash(
                    check.get("index").getAsLong(),
                    check.get("state").getAsString().equals(FAILED),
                    value == null ? null : value.getAsString(),
                    records == null ? 0 : records.getAsLong());
        }
    }

    static Replica of(long storeId, JsonObject json) {
        JsonElement check = json.get("check");
        return new Replica(
                storeId,
                json.get("regionId").getAsLong(),
                json.get("peerId").getAsLong(),
                json.get("leader").getAsBoolean(),
                json.has("startKey") ? RegionRange.ofNode(json) : null,
                check == null ? null : Hash.of(check.getAsJsonObject()),
                json.has("mismatch"));
    }
}
