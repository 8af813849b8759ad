package io.rutile.gateway.access;

import io.rutile.gateway.kv.CallerQuota;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Roles, and the API tokens that have them, as the access file says:
 *
 * <pre>
 * file   := { "roles": [ role, … ], "tokens": [ token, … ] }                        lines that begin with # are comments
 * role   := { "name": …, "grants": [ grant, … ], "limits": { bound: number, … } }    limits may be left out; bounds: {@link Bound#label}
 * grant  := { "permission": "read" | "write", "prefix": …, "enc": "utf8" | "hex" | "base64url",
 *             "api": "raw" | "txn" | "both", "keyspace": … }                          enc (utf8), api (both), keyspace may be left out
 *         | { "permission": "admin" }
 * token  := { "name": …, "sha256": 64 hex digits, "roles": [ name, … ], "expires": "2027-01-01T00:00:00Z" }   expires may be left out
 * </pre>
 *
 * Roles {@code read}, {@code write} and {@code admin} are there without being named, and hold everywhere. Of what several roles limit, the
 * largest holds; of what none does, the gateway's own bound. Everything is strict: a name that is not known, or that is there twice, is an
 * error of the whole file. Immutable.
 */
final class AccessPolicy {

    static final int FILE_BYTES_MAX = 1 << 20;

    private static final int ROLES_MAX = 1_000;
    private static final int GRANTS_MAX = 1_000;
    private static final int TOKENS_MAX = 10_000;
    private static final Pattern NAME = Pattern.compile("[-A-Za-z0-9_.:/@]{1,64}");

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonReadFeature.ALLOW_YAML_COMMENTS)
            .build();

    private final Map<String, Role> roles;
    /** By the first bytes of the hash: all that can be learnt from how long the search takes. */
    private final Map<Long, List<ApiToken>> tokens;

    private final @Nullable String keyspace;
    private final CallerQuota quota;

    /** What a role allows, and how much of the gateway whoever has it may have. */
    private record Role(List<Grant> grants, Map<Bound, Long> limits) {

        /** One that is not known. */
        static final Role NONE = new Role(List.of(), Map.of());
    }

    @SuppressWarnings("ArrayRecordComponent") // Not shown to anybody, and compared in constant time.
    private record ApiToken(byte[] sha256, Caller caller, Instant expires) {}

    private AccessPolicy(
            Map<String, Role> roles, Map<Long, List<ApiToken>> tokens, @Nullable String keyspace, CallerQuota quota) {
        this.roles = roles;
        this.tokens = tokens;
        this.keyspace = keyspace;
        this.quota = quota;
    }

    /** Only the roles that are always there, and no tokens. */
    static AccessPolicy builtIn(@Nullable String keyspace, CallerQuota quota) {
        return new AccessPolicy(builtInRoles(), Map.of(), keyspace, quota);
    }

    /**
     * Reads a file.
     *
     * @param keyspace of the gateway; null if its cluster has none
     * @param quota of callers whose roles say nothing else
     * @throws IllegalArgumentException says where the file is not what it should be
     */
    static AccessPolicy parse(byte[] file, @Nullable String keyspace, CallerQuota quota) {
        check(file.length <= FILE_BYTES_MAX, "the file has more than " + FILE_BYTES_MAX + " bytes");
        JsonNode root;
        try {
            root = JSON.readTree(file);
        } catch (JacksonException e) {
            // Its message without the source: a file of secrets is not quoted.
            TokenStreamLocation where = e.getLocation();
            throw new IllegalArgumentException(
                    (where == null ? "" : "line " + where.getLineNr() + ": ") + e.getOriginalMessage());
        }
        fields(root, "the file", Set.of("roles", "tokens"));
        Map<String, Role> roles = builtInRoles();
        for (Item item : items(root, "roles", ROLES_MAX)) {
            fields(item.node, item.where, Set.of("name", "grants", "limits"));
            String name = name(item);
            check(
                    roles.putIfAbsent(name, new Role(grants(item), limits(item))) == null,
                    item.where + ".name is there twice, or built in: " + name);
        }
        Map<Long, List<ApiToken>> tokens = new HashMap<>();
        Set<String> names = new HashSet<>();
        for (Item item : items(root, "tokens", TOKENS_MAX)) {
            fields(item.node, item.where, Set.of("name", "sha256", "roles", "expires"));
            check(names.add(name(item)), item.where + ".name is there twice: " + name(item));
            ApiToken token = token(item, roles, keyspace, quota);
            List<ApiToken> alike = tokens.computeIfAbsent(bucket(token.sha256), bucket -> new ArrayList<>(1));
            check(
                    alike.stream().noneMatch(other -> MessageDigest.isEqual(other.sha256, token.sha256)),
                    item.where + ".sha256 is there twice");
            alike.add(token);
        }
        return new AccessPolicy(roles, tokens, keyspace, quota);
    }

    private static Map<String, Role> builtInRoles() {
        Map<String, Role> roles = new HashMap<>();
        Arrays.stream(Permission.values())
                .forEach(permission ->
                        roles.put(permission.label(), new Role(List.of(Grant.everywhere(permission)), Map.of())));
        return roles;
    }

    // ---- what it answers

    /**
     * Whose token this is.
     *
     * @param sha256 of what the caller has shown
     * @throws AccessException if the token has expired
     */
    @Nullable Caller callerOf(byte[] sha256, Instant now) {
        for (ApiToken token : tokens.getOrDefault(bucket(sha256), List.of())) {
            if (MessageDigest.isEqual(token.sha256, sha256)) {
                if (!now.isBefore(token.expires)) {
                    throw new AccessException(Refusal.EXPIRED);
                }
                return token.caller;
            }
        }
        return null;
    }

    /** Whoever has the roles of these names: what they allow together; names that are not known here allow nothing. */
    Caller caller(String name, Collection<String> roleNames) {
        return caller(name, roleNames, roles, keyspace, quota);
    }

    private static Caller caller(
            String name,
            Collection<String> roleNames,
            Map<String, Role> roles,
            @Nullable String keyspace,
            CallerQuota quota) {
        Map<Bound, Long> said = new EnumMap<>(Bound.class);
        roleNames.forEach(role -> roles.getOrDefault(role, Role.NONE)
                .limits()
                .forEach((bound, most) -> said.merge(bound, most, Math::max)));
        return new Caller(name, permissions(roleNames, roles, keyspace), quota.with(said));
    }

    private static Permissions permissions(
            Collection<String> names, Map<String, Role> roles, @Nullable String keyspace) {
        return Permissions.of(
                names.stream()
                        .flatMap(name -> roles.getOrDefault(name, Role.NONE).grants().stream())
                        .toList(),
                keyspace);
    }

    int tokenCount() {
        return tokens.values().stream().mapToInt(List::size).sum();
    }

    // ---- how it is read

    private record Item(JsonNode node, String where) {}

    private static List<Grant> grants(Item role) {
        return items(role, "grants", GRANTS_MAX).stream()
                .map(AccessPolicy::grant)
                .toList();
    }

    private static Map<Bound, Long> limits(Item role) {
        Map<Bound, Long> limits = new EnumMap<>(Bound.class);
        JsonNode said = role.node.get("limits");
        if (said == null) {
            return limits;
        }
        String where = role.where + ".limits";
        fields(said, where, Arrays.stream(Bound.values()).map(Bound::label).collect(Collectors.toSet()));
        for (String label : said.propertyNames()) {
            JsonNode most = said.get(label);
            check(
                    most.isIntegralNumber() && most.canConvertToLong() && most.asLong() > 0,
                    where + "." + label + " is no number from 1 on");
            limits.put(Bound.of(label).orElseThrow(), most.asLong());
        }
        return limits;
    }

    private static Grant grant(Item item) {
        fields(item.node, item.where, Set.of("permission", "prefix", "enc", "api", "keyspace"));
        Permission permission = switch (text(item, "permission", "")) {
            case "read" -> Permission.READ;
            case "write" -> Permission.WRITE;
            case "admin" -> Permission.ADMIN;
            default -> throw new IllegalArgumentException(item.where + ".permission is read, write or admin");
        };
        if (permission == Permission.ADMIN) {
            check(item.node.size() == 1, item.where + ": admin is about the gateway, it has no prefix and no API");
            return Grant.everywhere(permission);
        }
        check(item.node.has("prefix"), item.where + ".prefix is missing: \"\" means all keys");
        String api = text(item, "api", "both");
        EnumSet<Api> apis = switch (api) {
            case "raw" -> EnumSet.of(Api.RAW);
            case "txn" -> EnumSet.of(Api.TXN);
            case "both" -> EnumSet.allOf(Api.class);
            default -> throw new IllegalArgumentException(item.where + ".api is raw, txn or both");
        };
        String keyspace = item.node.has("keyspace") ? text(item, "keyspace", "") : null;
        return new Grant(permission, apis, prefix(item), keyspace);
    }

    private static ByteKey prefix(Item grant) {
        String text = text(grant, "prefix", "");
        byte[] prefix;
        try {
            prefix = switch (text(grant, "enc", "utf8")) {
                case "utf8" -> text.getBytes(StandardCharsets.UTF_8);
                case "hex" -> HexFormat.of().parseHex(text);
                case "base64url" -> Base64.getUrlDecoder().decode(text);
                default -> throw new IllegalArgumentException("enc is utf8, hex or base64url");
            };
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(grant.where + ".prefix: " + e.getMessage());
        }
        check(prefix.length <= WireLimits.KEY_BYTES_MAX, grant.where + ".prefix is longer than a key");
        return ByteKey.wrap(prefix);
    }

    private static ApiToken token(Item item, Map<String, Role> roles, @Nullable String keyspace, CallerQuota quota) {
        byte[] sha256;
        try {
            sha256 = HexFormat.of().parseHex(text(item, "sha256", ""));
        } catch (IllegalArgumentException e) {
            sha256 = new byte[0];
        }
        check(sha256.length == 32, item.where + ".sha256 is not 64 hex digits");
        List<String> names = new ArrayList<>();
        for (Item role : items(item, "roles", ROLES_MAX)) {
            check(
                    role.node.isString() && roles.containsKey(role.node.asString()),
                    role.where + " is no role of the file");
            names.add(role.node.asString());
        }
        Instant expires = Instant.MAX;
        if (item.node.has("expires")) {
            try {
                expires = Instant.parse(text(item, "expires", ""));
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException(item.where + ".expires is no time such as 2027-01-01T00:00:00Z");
            }
        }
        return new ApiToken(sha256, caller("token:" + name(item), names, roles, keyspace, quota), expires);
    }

    private static String name(Item item) {
        String name = text(item, "name", "");
        check(NAME.matcher(name).matches(), item.where + ".name is not " + NAME.pattern());
        return name;
    }

    private static String text(Item item, String field, String otherwise) {
        JsonNode value = item.node.get(field);
        check(value == null || value.isString(), item.where + "." + field + " is no text");
        return value == null ? otherwise : value.asString();
    }

    private static List<Item> items(Item parent, String field, int max) {
        return items(parent.node, parent.where + "." + field, field, max);
    }

    private static List<Item> items(JsonNode root, String field, int max) {
        return items(root, field, field, max);
    }

    private static List<Item> items(JsonNode parent, String where, String field, int max) {
        JsonNode array = parent.get(field);
        check(array == null || array.isArray(), where + " is no list");
        List<Item> items = new ArrayList<>();
        if (array != null) {
            check(array.size() <= max, where + " has more than " + max + " entries");
            for (JsonNode node : array) {
                items.add(new Item(node, where + "[" + items.size() + "]"));
            }
        }
        return items;
    }

    private static void fields(JsonNode node, String where, Set<String> known) {
        check(node.isObject(), where + " is no object");
        for (String field : node.propertyNames()) {
            check(known.contains(field), where + " has a field that is not known: " + field);
        }
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }

    private static long bucket(byte[] sha256) {
        long bucket = 0;
        for (int i = 0; i < Long.BYTES; i++) {
            bucket = (bucket << 8) | (sha256[i] & 0xff);
        }
        return bucket;
    }
}
