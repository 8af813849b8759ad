package io.rutile.gateway.rest;

import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads the bodies of batches. Strict: unknown, repeated and missing properties, a key twice in {@code pairs} are refused (E1).
 *
 * <pre>
 * batchPut                     := { "pairs": [ pair* ] }
 * batchGet, batchDelete, lock  := { "keys": [ key-ref* ] }      both as in {@link JsonBody}
 * </pre>
 */
final class BatchJson {

    private final JsonBody body;

    /** @param permit where room for what is decoded is reserved */
    BatchJson(KeyEncoding encoding, Permit permit) {
        body = new JsonBody(encoding, permit);
    }

    /**
     * The pairs, in the order of the request.
     *
     * @throws ProblemException if the body is anything but pairs
     */
    Map<ByteKey, byte[]> pairs(byte[] bytes) {
        return read(bytes, "pairs", json -> {
            Map<ByteKey, byte[]> pairs = new LinkedHashMap<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                checkCount(pairs.size());
                JsonBody.Item item = body.item(json, true);
                if (item.value() == null) {
                    throw JsonBody.bad("a pair has no value");
                }
                if (pairs.put(item.key(), item.value()) != null) {
                    throw JsonBody.bad("a key is there twice");
                }
            }
            return pairs;
        });
    }

    /**
     * The keys, in the order of the request.
     *
     * @throws ProblemException if the body is anything but keys
     */
    List<ByteKey> keys(byte[] bytes) {
        return read(bytes, "keys", json -> {
            List<ByteKey> keys = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                checkCount(keys.size());
                keys.add(body.keyRef(json));
            }
            return keys;
        });
    }

    private static <T> T read(byte[] bytes, String property, Function<JsonParser, T> content) {
        return JsonBody.read(bytes, json -> {
            JsonBody.expect(
                    json.nextToken(), JsonToken.PROPERTY_NAME, "the body has the property \"" + property + "\"");
            if (!property.equals(json.currentName())) {
                throw JsonBody.bad("the body has one property, \"" + property + "\"");
            }
            JsonBody.expect(json.nextToken(), JsonToken.START_ARRAY, "\"" + property + "\" is an array");
            T read = content.apply(json);
            JsonBody.expect(
                    json.nextToken(), JsonToken.END_OBJECT, "the body has no other property than \"" + property + "\"");
            return read;
        });
    }

    private static void checkCount(int count) {
        if (count >= WireLimits.BATCH_ITEMS_MAX) {
            throw ProblemType.TOO_LARGE.because("the batch has more than " + WireLimits.BATCH_ITEMS_MAX + " items");
        }
    }
}
