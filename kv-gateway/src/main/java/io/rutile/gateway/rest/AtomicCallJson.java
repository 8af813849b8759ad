package io.rutile.gateway.rest;

import io.rutile.client.raw.RawKv.ScanRequest;
import io.rutile.gateway.kv.AtomicCall;
import io.rutile.gateway.kv.AtomicCall.Condition;
import io.rutile.gateway.kv.AtomicCall.Operation;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import io.rutile.gateway.kv.PrefixRange;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.WireLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads the body of an atomic call. Strict: unknown and missing properties are refused (E1). {@code pair} and {@code key-ref} are as
 * in {@link JsonBody}.
 *
 * <pre>
 * call      := { ["compare": [ condition* ],] ["then": [ operation* ],] ["else": [ operation* ]] }
 * condition := { key, ( "equals": text | "equalsBase64url": base64url | "exists": boolean ) }
 * operation := { "get": key-ref } | { "put": pair } | { "delete": key-ref } | { "scan": scan }
 * scan      := { ( prefix | [start,] [end,] ) "limit": 1…10240 [, "reverse": boolean] [, "keysOnly": boolean] }
 * key       := "key": text | "keyBase64url": base64url                  prefix, start and end likewise
 * </pre>
 */
final class AtomicCallJson {

    private final JsonBody body;

    /** @param permit where room for what is decoded is reserved */
    AtomicCallJson(KeyEncoding encoding, Permit permit) {
        body = new JsonBody(encoding, permit);
    }

    /** @throws ProblemException if the body is anything but an atomic call */
    AtomicCall call(byte[] bytes) {
        return JsonBody.read(bytes, json -> {
            List<Condition> compare = new ArrayList<>();
            List<Operation> then = new ArrayList<>();
            List<Operation> otherwise = new ArrayList<>();
            JsonBody.object(json, "the body", (name, value) -> {
                switch (name) {
                    case "compare" -> array(value, name, compare, this::condition);
                    case "then" -> array(value, name, then, this::operation);
                    case "else" -> array(value, name, otherwise, this::operation);
                    default -> throw JsonBody.bad("the body has compare, then and else, nothing else");
                }
            });
            return new AtomicCall(compare, then, otherwise);
        });
    }

    private static <T> void array(JsonParser json, String what, List<T> items, Function<JsonParser, T> item) {
        JsonBody.expect(json.currentToken(), JsonToken.START_ARRAY, "\"" + what + "\" is an array");
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (items.size() >= AtomicCall.ITEMS_MAX) {
                throw ProblemType.TOO_LARGE.because(
                        "\"" + what + "\" has more than " + AtomicCall.ITEMS_MAX + " items");
            }
            items.add(item.apply(json));
        }
    }

    private Condition condition(JsonParser json) {
        ConditionDraft draft = new ConditionDraft();
        JsonBody.object(json, "a condition", (name, value) -> {
            switch (name) {
                case "key", "keyBase64url" -> draft.key(body.key(JsonBody.string(value, "a key"), body.written(name)));
                case "equals", "equalsBase64url" ->
                    draft.wants(true, body.value(JsonBody.string(value, "a value"), body.written(name)));
                case "exists" -> draft.wants(JsonBody.bool(value, "\"exists\""), null);
                default -> throw JsonBody.bad("a condition has a key, and either equals or exists, nothing else");
            }
        });
        return draft.condition();
    }

    /** What of a condition has been read. */
    private static final class ConditionDraft {

        private @Nullable ByteKey key;
        private @Nullable Boolean exists;
        private byte @Nullable [] value;

        void key(ByteKey read) {
            if (key != null) {
                throw JsonBody.bad("a condition has one key");
            }
            key = read;
        }

        void wants(boolean wanted, byte @Nullable [] read) {
            if (exists != null) {
                throw JsonBody.bad("a condition has either equals or exists, once");
            }
            exists = wanted;
            value = read;
        }

        Condition condition() {
            if (key == null || exists == null) {
                throw JsonBody.bad("a condition has a key, and either equals or exists");
            }
            return new Condition(key, exists, value);
        }
    }

    private Operation operation(JsonParser json) {
        List<Operation> one = new ArrayList<>();
        JsonBody.object(json, "an operation", (name, value) -> {
            if (!one.isEmpty()) {
                throw JsonBody.bad("an operation is one of get, put, delete and scan");
            }
            one.add(
                    switch (name) {
                        case "get" -> new AtomicCall.Get(body.keyRef(value));
                        case "put" -> put(value);
                        case "delete" -> new AtomicCall.Delete(body.keyRef(value));
                        case "scan" -> scan(value);
                        default -> throw JsonBody.bad("an operation is one of get, put, delete and scan");
                    });
        });
        if (one.isEmpty()) {
            throw JsonBody.bad("an operation is one of get, put, delete and scan");
        }
        return one.get(0);
    }

    private Operation put(JsonParser json) {
        JsonBody.Item pair = body.item(json, true);
        if (pair.value() == null) {
            throw JsonBody.bad("a pair has no value");
        }
        return new AtomicCall.Put(pair.key(), pair.value());
    }

    private Operation scan(JsonParser json) {
        ScanDraft draft = new ScanDraft();
        JsonBody.object(json, "a scan", (name, value) -> {
            switch (name) {
                case "prefix", "prefixBase64url" -> draft.prefix = bound(draft.prefix, name, value);
                case "start", "startBase64url" -> draft.start = bound(draft.start, name, value);
                case "end", "endBase64url" -> draft.end = bound(draft.end, name, value);
                case "limit" -> draft.limit = limit(value);
                case "reverse" -> draft.reverse = JsonBody.bool(value, "\"reverse\"");
                case "keysOnly" -> draft.keysOnly = JsonBody.bool(value, "\"keysOnly\"");
                default ->
                    throw JsonBody.bad("a scan has prefix or start and end, limit, reverse and keysOnly, nothing else");
            }
        });
        return new AtomicCall.Scan(draft.request());
    }

    /** What of a scan has been read. */
    private static final class ScanDraft {

        private @Nullable ByteKey prefix;
        private @Nullable ByteKey start;
        private @Nullable ByteKey end;
        private int limit;
        private boolean reverse;
        private boolean keysOnly;

        ScanRequest request() {
            if (limit == 0) {
                throw JsonBody.bad("a scan has a limit from 1 to " + WireLimits.SCAN_PAIRS_MAX);
            }
            return new ScanRequest(range(), limit, reverse, keysOnly);
        }

        private KeyRange range() {
            if (prefix != null) {
                if (start != null || end != null) {
                    throw JsonBody.bad("prefix stands alone: leave out start and end");
                }
                return PrefixRange.of(prefix);
            }
            return new KeyRange(start == null ? ByteKey.EMPTY : start, end == null ? ByteKey.EMPTY : end);
        }
    }

    private ByteKey bound(@Nullable ByteKey before, String name, JsonParser json) {
        if (before != null) {
            throw JsonBody.bad("a scan has each of prefix, start and end once");
        }
        return body.key(JsonBody.string(json, "a key"), body.written(name));
    }

    private static int limit(JsonParser json) {
        if (json.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            String digits = json.getString();
            if (digits.length() <= 5) {
                int limit = Integer.parseInt(digits);
                if (limit >= 1 && limit <= WireLimits.SCAN_PAIRS_MAX) {
                    return limit;
                }
            }
        }
        throw JsonBody.bad("a scan has a limit from 1 to " + WireLimits.SCAN_PAIRS_MAX);
    }
}
