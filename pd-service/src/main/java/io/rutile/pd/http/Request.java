package io.rutile.pd.http;

import io.rutile.pd.leader.LeaderTerm;
import io.rutile.protocol.ByteKey;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A call that found its route: path and query taken apart, and the term to serve it in. Every getter checks what it reads. */
final class Request {

    private final Map<String, String> path;
    private final Map<String, List<String>> query;
    private final byte[] body;
    private final @Nullable LeaderTerm term;

    /**
     * @param path segments by name, decoded; a char is a byte
     * @param query values by name, decoded; a char is a byte
     * @param term null where the route can do without
     */
    Request(Map<String, String> path, Map<String, List<String>> query, byte[] body, @Nullable LeaderTerm term) {
        this.path = path;
        this.query = query;
        this.body = body;
        this.term = term;
    }

    /** The term to serve in. @throws ApiError 503 if this member does not lead */
    LeaderTerm term() {
        if (term == null) {
            throw ApiError.unavailable("not leader");
        }
        return term;
    }

    /** A positive id of the path. */
    long id(String name) {
        return positive(text(name), name);
    }

    String text(String name) {
        String value = path.get(name);
        if (value == null) {
            throw new IllegalStateException("the route has no segment " + name);
        }
        return PercentText.utf8(value);
    }

    /** A key of the path: its bytes, or hex of them where {@code format=hex} asks for that. */
    ByteKey key(String name) {
        String value = path.get(name);
        return bytes(value == null ? "" : value);
    }

    /** A key of the query, empty if absent. */
    ByteKey queryKey(String name) {
        return bytes(query.getOrDefault(name, List.of("")).get(0));
    }

    private ByteKey bytes(String latin1) {
        if (!"hex".equals(query("format").orElse("raw").toLowerCase(Locale.ROOT))) {
            return ByteKey.wrap(PercentText.bytes(latin1));
        }
        return hexKey(latin1);
    }

    /** A key as hex of its bytes, in upper or lower case. @throws ApiError 400 if it is none */
    static ByteKey hexKey(String hex) {
        try {
            return ByteKey.wrap(HexFormat.of().parseHex(hex));
        } catch (IllegalArgumentException e) {
            throw ApiError.badRequest("the key is not hex");
        }
    }

    Optional<String> query(String name) {
        List<String> values = query.get(name);
        return values == null ? Optional.empty() : Optional.of(PercentText.utf8(values.get(0)));
    }

    /** Every value of a parameter, given several times or with commas. */
    List<String> queries(String name) {
        List<String> all = new ArrayList<>();
        for (String values : query.getOrDefault(name, List.of())) {
            for (String value : PercentText.utf8(values).split(",", -1)) {
                if (!value.isBlank()) {
                    all.add(value.strip());
                }
            }
        }
        return all;
    }

    boolean flag(String name) {
        return query(name).map(value -> !value.equalsIgnoreCase("false")).orElse(false);
    }

    /** How many are wanted: from 1 to {@code max}; more is cut to that. */
    int limit(int otherwise, int max) {
        Optional<String> said = query("limit");
        if (said.isEmpty()) {
            return otherwise;
        }
        long limit = positive(said.get(), "limit");
        return (int) Math.min(limit, max);
    }

    /** The body. @throws ApiError 400 if it is no JSON object */
    ObjectNode body() {
        return Json.parseObject(body);
    }

    /** The body. @throws ApiError 400 if it is no JSON array of objects */
    List<ObjectNode> bodies() {
        return Json.parseObjects(body);
    }

    /** The body, which is one JSON text. */
    String textBody() {
        return Json.parseText(body);
    }

    static long positive(String digits, String name) {
        try {
            long value = Long.parseLong(digits);
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw ApiError.badRequest(name + " must be a positive number, not '" + shown(digits) + "'");
    }

    /** A positive number of a body. */
    static long positive(ObjectNode body, String name) {
        JsonNode value = body.get(name);
        if (value == null || !value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() <= 0) {
            throw ApiError.badRequest(name + " must be a positive number");
        }
        return value.longValue();
    }

    /** A text of a body. */
    static String text(ObjectNode body, String name) {
        JsonNode value = body.get(name);
        if (value == null || !value.isString()) {
            throw ApiError.badRequest(name + " must be a text");
        }
        return value.stringValue();
    }

    /** What a caller sent, short enough for a sentence. */
    static String shown(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "…";
    }
}
