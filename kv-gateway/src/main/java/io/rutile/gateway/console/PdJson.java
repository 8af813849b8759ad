package io.rutile.gateway.console;

import io.rutile.gateway.console.ClusterFacts.Eviction;
import io.rutile.gateway.console.ClusterFacts.Heat;
import io.rutile.gateway.console.ClusterFacts.HeatColumn;
import io.rutile.gateway.console.ClusterFacts.HeatRow;
import io.rutile.gateway.console.ClusterFacts.Label;
import io.rutile.gateway.console.ClusterFacts.Member;
import io.rutile.gateway.console.ClusterFacts.Operator;
import io.rutile.gateway.console.ClusterFacts.Peer;
import io.rutile.gateway.console.ClusterFacts.Region;
import io.rutile.gateway.console.ClusterFacts.Scheduler;
import io.rutile.gateway.console.ClusterFacts.Scheduling;
import io.rutile.gateway.console.ClusterFacts.Store;
import io.rutile.gateway.console.ClusterFacts.StoreReason;
import io.rutile.gateway.console.ClusterFacts.Traffic;
import io.rutile.gateway.console.ClusterFacts.Unhealthy;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** Reads what PD says. What is missing is 0 or empty: tools of the field leave out what has no value. */
final class PdJson {

    private static final Pattern BYTES = Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(B|KiB|MiB|GiB|TiB|PiB|EiB)");
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB");
    private static final long NANOS_PER_MS = 1_000_000;

    private PdJson() {}

    static <T> List<T> list(JsonNode array, Function<JsonNode, T> one) {
        List<T> all = new ArrayList<>();
        array.forEach(node -> all.add(one.apply(node)));
        return List.copyOf(all);
    }

    static List<Region> regions(JsonNode answer) {
        return list(answer.path("regions"), PdJson::region);
    }

    static Region region(JsonNode node) {
        Set<Long> pending = new HashSet<>();
        node.path("pending_peers").forEach(peer -> pending.add(number(peer, "id")));
        JsonNode down = node.path("down_peers");
        return new Region(
                number(node, "id"),
                text(node, "start_key").toLowerCase(Locale.ROOT),
                text(node, "end_key").toLowerCase(Locale.ROOT),
                number(node.path("leader"), "store_id"),
                list(node.path("peers"), peer -> peer(peer, pending, down)),
                number(node.path("epoch"), "conf_ver"),
                number(node.path("epoch"), "version"),
                number(node, "approximate_bytes"),
                number(node, "approximate_keys"),
                number(node, "written_bytes"),
                number(node, "read_bytes"),
                number(node, "written_keys"),
                number(node, "read_keys"));
    }

    private static Peer peer(JsonNode peer, Set<Long> pending, JsonNode down) {
        long id = number(peer, "id");
        long downSeconds = 0;
        for (JsonNode entry : down) {
            if (number(entry.path("peer"), "id") == id) {
                downSeconds = Math.max(1, number(entry, "down_seconds"));
            }
        }
        return new Peer(id, number(peer, "store_id"), text(peer, "role_name"), pending.contains(id), downSeconds);
    }

    /** @param healths what {@code /health} says */
    static List<Member> members(JsonNode answer, JsonNode healths) {
        String leader = text(answer.path("leader"), "name");
        Set<String> healthy = new HashSet<>();
        healths.forEach(health -> {
            if (health.path("health").asBoolean(false)) {
                healthy.add(text(health, "name"));
            }
        });
        return list(answer.path("members"), member -> {
            String name = text(member, "name");
            String url = member.path("client_urls").path(0).asString("");
            return new Member(name, url, name.equals(leader), healthy.contains(name));
        });
    }

    /**
     * @param rates what {@code /hotspot/stores} says
     * @param reasons what {@code /scheduling} says
     */
    static List<Store> stores(JsonNode answer, JsonNode rates, JsonNode reasons) {
        return list(answer.path("stores"), entry -> {
            JsonNode store = entry.path("store");
            JsonNode status = entry.path("status");
            long id = number(store, "id");
            JsonNode reason = reason(reasons, id);
            return new Store(
                    id,
                    text(store, "address"),
                    text(store, "state_name"),
                    text(store, "version"),
                    list(store.path("labels"), label -> new Label(text(label, "key"), text(label, "value"))),
                    number(status, "leader_count"),
                    number(status, "region_count"),
                    number(status, "leader_size") << 20,
                    number(status, "region_size") << 20,
                    bytes(text(status, "capacity")),
                    bytes(text(status, "available")),
                    number(store, "last_heartbeat") / NANOS_PER_MS,
                    status.path("is_busy").asBoolean(false),
                    text(reason, "new_replicas"),
                    text(reason, "new_leaders"),
                    number(reason, "receiving"),
                    new Traffic(
                            rate(rates, "bytes-write-rate", id),
                            rate(rates, "bytes-read-rate", id),
                            rate(rates, "keys-write-rate", id),
                            rate(rates, "keys-read-rate", id)));
        });
    }

    private static JsonNode reason(JsonNode reasons, long store) {
        for (JsonNode reason : reasons.path("stores")) {
            if (number(reason, "id") == store) {
                return reason;
            }
        }
        return reasons.path("none");
    }

    private static double rate(JsonNode rates, String name, long store) {
        return rates.path(name).path(Long.toString(store)).asDouble(0);
    }

    static Operator operator(JsonNode node) {
        return new Operator(
                number(node, "region_id"),
                text(node, "desc"),
                list(node.path("steps"), step -> step.asString("")),
                text(node, "current_step"),
                number(node, "age_seconds"));
    }

    /** @param regions what {@code /scheduling/regions} says */
    static Scheduling scheduling(JsonNode node, JsonNode regions) {
        return new Scheduling(
                list(
                        node.path("schedulers"),
                        one -> new Scheduler(
                                text(one, "name"), text(one, "outcome"), text(one, "summary"), number(one, "at_ms"))),
                list(node.path("stores"), PdJson::storeReason),
                list(
                        node.path("evictions"),
                        one -> new Eviction(
                                number(one, "store_id"),
                                text(one, "owner"),
                                text(one, "why"),
                                number(one, "left_seconds"))),
                list(
                        regions.path("unhealthy"),
                        one -> new Unhealthy(number(one, "region_id"), text(one, "action"), text(one, "reason"))));
    }

    private static StoreReason storeReason(JsonNode node) {
        List<Label> schedulers = new ArrayList<>();
        node.path("schedulers")
                .properties()
                .forEach(said ->
                        schedulers.add(new Label(said.getKey(), said.getValue().asString(""))));
        return new StoreReason(
                number(node, "id"), text(node, "new_replicas"), text(node, "new_leaders"), List.copyOf(schedulers));
    }

    static Heat heat(JsonNode node) {
        return new Heat(
                text(node, "of"),
                number(node, "now_ms"),
                list(
                        node.path("rows"),
                        row -> new HeatRow(
                                text(row, "start_key").toLowerCase(Locale.ROOT),
                                number(row, "region_id"),
                                number(row, "regions"))),
                list(
                        node.path("columns"),
                        column -> new HeatColumn(
                                number(column, "from_ms"),
                                number(column, "to_ms"),
                                list(column.path("amounts"), amount -> amount.asLong(0)))));
    }

    static long number(JsonNode node, String name) {
        return node.path(name).asLong(0);
    }

    static String text(JsonNode node, String name) {
        return node.path(name).asString("");
    }

    /** A size as PD prints it, {@code 1.5TiB}: four significant digits; 0 if it is none. */
    static long bytes(String text) {
        Matcher size = BYTES.matcher(text);
        if (!size.matches()) {
            return 0;
        }
        BigDecimal unit = BigDecimal.valueOf(2).pow(10 * UNITS.indexOf(size.group(2)));
        return new BigDecimal(size.group(1))
                .multiply(unit)
                .min(BigDecimal.valueOf(Long.MAX_VALUE))
                .longValue();
    }
}
