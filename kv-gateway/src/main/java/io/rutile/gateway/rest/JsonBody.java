package io.rutile.gateway.rest;

import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads bodies of JSON, token by token: what is too much is refused before it is held. Strict: repeated properties and anything
 * behind the object are refused (E1). What bodies have in common:
 *
 * <pre>
 * pair    := { key, value }                           as in {@link PairJson}
 * key-ref := text | { "key": text } | { "keyBase64url": base64url }
 * </pre>
 */
final class JsonBody {

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
    JsonBody(KeyEncoding encoding, Permit permit) {
        this.encoding = encoding;
        this.permit = permit;
    }

    /** A key and what stands beside it. */
    @SuppressWarnings("ArrayRecordComponent") // Values are shared, not copied, and never compared here.
    record Item(ByteKey key, byte @Nullable [] value) {}

    /** Takes one property of an object; the parser stands at its value, and has to stand at the value's end afterwards. */
    interface Property {
        void read(String name, JsonParser json);
    }

    /**
     * Reads a body that is one value.
     *
     * @param content is called with the parser at the first token, and leaves it at the last
     */
    static <T> T read(byte[] body, Function<JsonParser, T> content) {
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), body)) {
            expect(json.nextToken(), JsonToken.START_OBJECT, "the body is an object");
            T read = content.apply(json);
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

    /** Reads an object from its first brace to its last. */
    static void object(JsonParser json, String what, Property property) {
        expect(json.currentToken(), JsonToken.START_OBJECT, what + " is an object");
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            json.nextToken();
            property.read(name, json);
        }
    }

    static String string(JsonParser json, String what) {
        expect(json.currentToken(), JsonToken.VALUE_STRING, what + " is a string");
        return json.getString();
    }

    static boolean bool(JsonParser json, String what) {
        if (json.currentToken() != JsonToken.VALUE_TRUE) {
            expect(json.currentToken(), JsonToken.VALUE_FALSE, what + " is true or false");
        }
        return json.currentToken() == JsonToken.VALUE_TRUE;
    }

    /** Where a property may be written in two ways, the encoding that its name asks for. */
    KeyEncoding written(String name) {
        return name.endsWith("Base64url") ? KeyEncoding.BASE64URL : encoding;
    }

    ByteKey keyRef(JsonParser json) {
        return json.currentToken() == JsonToken.VALUE_STRING
                ? key(json.getString(), encoding)
                : item(json, false).key();
    }

    /** @param withValue whether it is a pair or a key alone */
    Item item(JsonParser json, boolean withValue) {
        expect(json.currentToken(), JsonToken.START_OBJECT, "an item is an object");
        ByteKey key = null;
        byte[] value = null;
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = json.currentName();
            expect(json.nextToken(), JsonToken.VALUE_STRING, "keys and values are strings");
            switch (name) {
                case "key", "keyBase64url" -> {
                    if (key != null) {
                        throw bad("an item has one key");
                    }
                    key = key(json.getString(), written(name));
                }
                case "value", "valueBase64url" -> {
                    if (value != null || !withValue) {
                        throw bad(withValue ? "an item has one value" : "an item has no value here");
                    }
                    value = value(json.getString(), written(name));
                }
                default -> throw bad("an item has a key" + (withValue ? " and a value" : "") + ", nothing else");
            }
        }
        if (key == null) {
            throw bad("an item has no key");
        }
        return new Item(key, value);
    }

    ByteKey key(String text, KeyEncoding written) {
        ByteKey key = RequestKeys.of(text, written, "a key");
        permit.reserve(key.bytes().length);
        return key;
    }

    byte[] value(String text, KeyEncoding written) {
        byte[] value = written.decode(text, "a value");
        if (value.length > WireLimits.ENTRY_BYTES_MAX) {
            throw new ProblemException(ProblemType.TOO_LARGE.problem(
                    "a value has " + value.length + " bytes, more than " + WireLimits.ENTRY_BYTES_MAX,
                    "RaftEntryTooLarge"));
        }
        permit.reserve(value.length);
        return value;
    }

    static void expect(@Nullable JsonToken token, JsonToken expected, String otherwise) {
        if (token != expected) {
            throw bad(otherwise);
        }
    }

    static ProblemException bad(String detail) {
        return ProblemType.INVALID_REQUEST.because(detail);
    }
}
