package io.rutile.pd.http;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Trees in and out. Nothing is mapped to classes: what a request holds is looked at field by field. */
final class Json {

    /** Deeper than any request of ours, shallow enough for any stack. */
    private static final int DEPTH_MAX = 64;

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEPTH_MAX)
                            .build())
                    .build())
            .build();

    private Json() {}

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    static JsonNode text(String text) {
        return StringNode.valueOf(text);
    }

    static JsonNode number(long value) {
        return JsonNodeFactory.instance.numberNode(value);
    }

    static JsonNode number(BigDecimal value) {
        return JsonNodeFactory.instance.numberNode(value);
    }

    static JsonNode flag(boolean value) {
        return JsonNodeFactory.instance.booleanNode(value);
    }

    /** The JSON {@code null}. */
    static JsonNode none() {
        return JsonNodeFactory.instance.nullNode();
    }

    static byte[] bytes(JsonNode json) {
        return MAPPER.writeValueAsBytes(json);
    }

    /** @throws ApiError 400 if the body is not a JSON object */
    static ObjectNode parseObject(byte[] body) {
        if (parse(body) instanceof ObjectNode object) {
            return object;
        }
        throw ApiError.badRequest("the body must be a JSON object");
    }

    /** @throws ApiError 400 if the body is not a JSON array of objects */
    static List<ObjectNode> parseObjects(byte[] body) {
        if (!(parse(body) instanceof ArrayNode array)) {
            throw ApiError.badRequest("the body must be a JSON array");
        }
        List<ObjectNode> objects = new ArrayList<>();
        for (JsonNode element : array) {
            if (!(element instanceof ObjectNode object)) {
                throw ApiError.badRequest("the body must be a JSON array of objects");
            }
            objects.add(object);
        }
        return objects;
    }

    /** @throws ApiError 400 if the body is not a JSON text */
    static String parseText(byte[] body) {
        if (parse(body) instanceof StringNode text) {
            return text.stringValue();
        }
        throw ApiError.badRequest("the body must be a JSON text");
    }

    private static JsonNode parse(byte[] body) {
        try {
            return MAPPER.readTree(body);
        } catch (JacksonException e) {
            throw ApiError.badRequest("the body is not JSON: " + e.getOriginalMessage());
        }
    }
}
