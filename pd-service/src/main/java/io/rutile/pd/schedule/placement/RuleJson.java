package io.rutile.pd.schedule.placement;

import io.rutile.pd.schedule.placement.LabelConstraint.Op;
import io.rutile.pd.schedule.placement.PlacementRule.Role;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Placement rules and groups as JSON: what tools of the field send and read, and what the hard state keeps. Fields that are not
 * known are passed over; what makes no sense is an {@link IllegalArgumentException} in words for whoever wrote it.
 *
 * <pre>
 * rule  := {group_id, id, index?, override?, start_key?, end_key?, role, count, label_constraints?, location_labels?,
 *           isolation_level?}                      keys in hex, in the encoding of Region borders
 * group := {id, index?, override?}
 * </pre>
 */
public final class RuleJson {

    /** Of a group's or a rule's name. */
    private static final int NAME_CHARS_MAX = 256;

    private static final int CONSTRAINTS_MAX = 32;
    private static final int VALUES_MAX = 256;
    private static final JsonMapper MAPPER = JsonMapper.shared();

    private static final Map<String, Op> OPS =
            Map.of("in", Op.IN, "notin", Op.NOT_IN, "exists", Op.EXISTS, "notexists", Op.NOT_EXISTS);
    private static final Map<Op, String> OP_NAMES =
            Map.of(Op.IN, "in", Op.NOT_IN, "notIn", Op.EXISTS, "exists", Op.NOT_EXISTS, "notExists");

    private RuleJson() {}

    public static ObjectNode json(PlacementRule rule) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("group_id", rule.group()).put("id", rule.id());
        if (rule.index() != 0) {
            json.put("index", rule.index());
        }
        if (rule.override()) {
            json.put("override", true);
        }
        json.put("start_key", hex(rule.range().start()))
                .put("end_key", hex(rule.range().end()))
                .put("role", rule.role().name().toLowerCase(Locale.ROOT))
                .put("is_witness", false)
                .put("count", rule.count());
        if (!rule.constraints().isEmpty()) {
            ArrayNode constraints = json.putArray("label_constraints");
            for (LabelConstraint constraint : rule.constraints()) {
                ObjectNode node = constraints.addObject();
                node.put("key", constraint.key()).put("op", OP_NAMES.get(constraint.op()));
                if (!constraint.values().isEmpty()) {
                    ArrayNode values = node.putArray("values");
                    constraint.values().forEach(values::add);
                }
            }
        }
        if (!rule.locations().labels().isEmpty()) {
            ArrayNode labels = json.putArray("location_labels");
            rule.locations().labels().forEach(labels::add);
        }
        if (!rule.locations().isolation().isEmpty()) {
            json.put("isolation_level", rule.locations().isolation());
        }
        return json;
    }

    public static ObjectNode json(RuleGroup group) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("id", group.id());
        if (group.index() != 0) {
            json.put("index", group.index());
        }
        if (group.override()) {
            json.put("override", true);
        }
        return json;
    }

    /** @throws IllegalArgumentException if it is no rule */
    public static PlacementRule rule(ObjectNode json) {
        String group = name(json, "group_id");
        String id = name(json, "id");
        if (flag(json, "is_witness")) {
            throw new IllegalArgumentException("placement rule " + group + "/" + id + ": there are no witnesses");
        }
        return new PlacementRule(
                group,
                id,
                number(json, "index", 0),
                flag(json, "override"),
                new KeyRange(key(json, "start_key"), key(json, "end_key")),
                role(json),
                number(json, "count", 0),
                constraints(json.get("label_constraints")),
                new Locations(texts(json.get("location_labels"), "location_labels"), text(json, "isolation_level")));
    }

    /** @throws IllegalArgumentException if it is no group */
    public static RuleGroup group(ObjectNode json) {
        return new RuleGroup(name(json, "id"), number(json, "index", 0), flag(json, "override"));
    }

    static String text(ObjectNode json) {
        return MAPPER.writeValueAsString(json);
    }

    /** @throws IllegalArgumentException if it is no JSON object */
    static ObjectNode parse(String text) {
        try {
            if (MAPPER.readTree(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        }
        throw new IllegalArgumentException("not a JSON object");
    }

    private static Role role(ObjectNode json) {
        String role = text(json, "role");
        for (Role known : Role.values()) {
            if (known.name().equalsIgnoreCase(role)) {
                return known;
            }
        }
        throw new IllegalArgumentException(
                "role must be voter, leader, follower or learner, not '" + shown(role) + "'");
    }

    private static List<LabelConstraint> constraints(@Nullable JsonNode json) {
        List<LabelConstraint> constraints = new ArrayList<>();
        if (json == null || json.isNull()) {
            return constraints;
        }
        if (!json.isArray() || json.size() > CONSTRAINTS_MAX) {
            throw new IllegalArgumentException("label_constraints must be a list of at most " + CONSTRAINTS_MAX);
        }
        for (JsonNode element : json) {
            if (!(element instanceof ObjectNode constraint)) {
                throw new IllegalArgumentException("label_constraints must be a list of objects");
            }
            String said = text(constraint, "op");
            Op op = OPS.get(said.toLowerCase(Locale.ROOT));
            if (op == null) {
                throw new IllegalArgumentException(
                        "op must be in, notIn, exists or notExists, not '" + shown(said) + "'");
            }
            constraints.add(
                    new LabelConstraint(text(constraint, "key"), op, texts(constraint.get("values"), "values")));
        }
        return constraints;
    }

    private static String name(ObjectNode json, String field) {
        String name = text(json, field);
        boolean plain = name.chars().allMatch(c -> c >= ' ' && c != 0x7f);
        if (name.isEmpty() || name.length() > NAME_CHARS_MAX || !plain) {
            throw new IllegalArgumentException(field + " must be 1 to " + NAME_CHARS_MAX + " characters of text");
        }
        return name;
    }

    private static ByteKey key(ObjectNode json, String field) {
        try {
            return ByteKey.wrap(HexFormat.of().parseHex(text(json, field)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(field + " must be a key in hex", e);
        }
    }

    private static String hex(ByteKey key) {
        return HexFormat.of().formatHex(key.bytes());
    }

    /** Empty if it is not there. */
    private static String text(ObjectNode json, String field) {
        JsonNode value = json.get(field);
        if (value == null || value.isNull()) {
            return "";
        }
        if (!value.isString()) {
            throw new IllegalArgumentException(field + " must be a text");
        }
        return value.stringValue();
    }

    private static List<String> texts(@Nullable JsonNode json, String field) {
        List<String> texts = new ArrayList<>();
        if (json == null || json.isNull()) {
            return texts;
        }
        if (!json.isArray() || json.size() > VALUES_MAX) {
            throw new IllegalArgumentException(field + " must be a list of at most " + VALUES_MAX + " texts");
        }
        for (JsonNode text : json) {
            if (!text.isString()) {
                throw new IllegalArgumentException(field + " must be a list of texts");
            }
            texts.add(text.stringValue());
        }
        return texts;
    }

    private static int number(ObjectNode json, String field, int otherwise) {
        JsonNode value = json.get(field);
        if (value == null || value.isNull()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw new IllegalArgumentException(field + " must be a whole number");
        }
        return value.intValue();
    }

    private static boolean flag(ObjectNode json, String field) {
        JsonNode value = json.get(field);
        if (value == null || value.isNull()) {
            return false;
        }
        if (!value.isBoolean()) {
            throw new IllegalArgumentException(field + " must be true or false");
        }
        return value.booleanValue();
    }

    private static String shown(String text) {
        return text.length() <= 64 ? text : text.substring(0, 64) + "…";
    }
}
