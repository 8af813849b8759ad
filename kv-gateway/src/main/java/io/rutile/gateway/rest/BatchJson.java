package io.rutile.gateway.rest;

import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the bodies of batches, token by token: what is too much is refused before it is held. Strict: unknown, repeated and missing
 * properties, a key twice, anything behind the object are refused (E1).
 *
 * <pre>
 * batchPut               := { "pairs": [ pair* ] }            pair as in {@link PairJson}
 * batchGet, batchDelete  := { "keys": [ (text | key-object)* ] }
 * key-object             := { "key": text } | { "keyBase64url": base64url }
 * </pre>
 */
final class BatchJson {

    private static final int NESTING_MAX = 64;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(NESTING_MAX)
                    .maxStringLength(AdmissionFilter.BATCH_BYTES_MAX)
                    .maxNameLength(256)
                    .maxNumberLength(64)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final KeyEncoding encoding;
    private final Permit permit;

    /** @param permit where room for what is decoded is reserved */
    BatchJson(KeyEncoding encoding, Permit permit) {
        this.encoding = encoding;
        this.permit = permit;
    }

    /**
     * The pairs, in the order of the request.
     *
     * @throws ProblemException if the body is anything but pairs
     */
    Map<ByteKey, byte[]> pairs(byte[] body) {
        return read(body, "pairs", json -> {
            Map<ByteKey, byte[]> pairs = new LinkedHashMap<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                checkCount(pairs.size());
                Item item = item(json, true);
                if (item.value() == null) {
                    throw bad("a pair has no value");
                }
                if (pairs.put(item.key(), item.value()) != null) {
                    throw bad("a key is there twice");
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
    List<ByteKey> keys(byte[] body) {
        return read(body, "keys", json -> {
            List<ByteKey> keys = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                checkCount(keys.size());
                keys.add(
                        json.currentToken() == JsonToken.VALUE_STRING
                                ? key(json.getString(), encoding)
                                : item(json, false).key());
            }
            return keys;
        });
    }

    @SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
    private record Item(ByteKey key, byte @Nullable [] value) {}

    private interface Content<T> {
        T read(JsonParser json);
    }

    private static <T> T read(byte[] body, String property, Content<T> content) {
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), body)) {
            expect(json.nextToken(), JsonToken.START_OBJECT, "the body is an object");
            expect(json.nextToken(), JsonToken.PROPERTY_NAME, "the body has the property \"" + property + "\"");
            if (!property.equals(json.currentName())) {
                throw bad("the body has one property, \"" + property + "\"");
            }
            expect(json.nextToken(), JsonToken.START_ARRAY, "\"" + property + "\" is an array");
            T read = content.read(json);
            expect(json.nextToken(), JsonToken.END_OBJECT, "the body has no other property than \"" + property + "\"");
            if (json.nextToken() != null) {
                throw bad("the body goes on behind its object");
            }
            return read;
        } catch (JacksonException e) {
            // Jackson's own words may quote the body.
            throw bad("the body is not well-formed JSON, or nested deeper than " + NESTING_MAX + ", at byte "
                    + (e.getLocation() == null ? 0 : e.getLocation().getByteOffset()));
        }
    }

    private Item item(JsonParser json, boolean withValue) {
        expect(json.currentToken(), JsonToken.START_OBJECT, "an item is an object");
        ByteKey key = null;
        byte[] value = null;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            expect(json.nextToken(), JsonToken.VALUE_STRING, "keys and values are strings");
            KeyEncoding written = name.endsWith("Base64url") ? KeyEncoding.BASE64URL : encoding;
            switch (name) {
                case "key", "keyBase64url" -> {
                    if (key != null) {
                        throw bad("an item has one key");
                    }
                    key = key(json.getString(), written);
                }
                case "value", "valueBase64url" -> {
                    if (value != null || !withValue) {
                        throw bad(withValue ? "an item has one value" : "an item has no value here");
                    }
                    value = value(json.getString(), written);
                }
                default -> throw bad("an item has a key" + (withValue ? " and a value" : "") + ", nothing else");
            }
        }
        if (key == null) {
            throw bad("an item has no key");
        }
        return new Item(key, value);
    }

    private ByteKey key(String text, KeyEncoding written) {
        ByteKey key = RequestKeys.of(text, written, "a key");
        permit.reserve(key.bytes().length);
        return key;
    }

    private byte[] value(String text, KeyEncoding written) {
        byte[] value = written.decode(text, "a value");
        if (value.length > WireLimits.ENTRY_BYTES_MAX) {
            throw new ProblemException(ProblemType.TOO_LARGE.problem(
                    "a value has " + value.length + " bytes, more than " + WireLimits.ENTRY_BYTES_MAX,
                    "RaftEntryTooLarge"));
        }
        permit.reserve(value.length);
        return value;
    }

    private static void checkCount(int count) {
        if (count >= WireLimits.BATCH_ITEMS_MAX) {
            throw ProblemType.TOO_LARGE.because("the batch has more than " + WireLimits.BATCH_ITEMS_MAX + " items");
        }
    }

    private static void expect(@Nullable JsonToken token, JsonToken expected, String otherwise) {
        if (token != expected) {
            throw bad(otherwise);
        }
    }

    private static ProblemException bad(String detail) {
        return ProblemType.INVALID_REQUEST.because(detail);
    }
}
