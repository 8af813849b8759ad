package io.rutile.cli.consistency;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The whole cluster as PD and each node tell it, one after the other, so not at one moment.
 *
 * @param addresses management ports by store, of those that are to answer: all but tombstones
 * @param replicas of all nodes that answered
 * @param known Regions that PD knows
 * @param silent a sentence for each node that didn't answer
 */
record Survey(Map<Long, String> addresses, List<Replica> replicas, List<RegionRange> known, List<String> silent) {

    private static final int PAGE = 1_024;

    Survey {
        addresses = Map.copyOf(addresses);
        replicas = List.copyOf(replicas);
        known = List.copyOf(known);
        silent = List.copyOf(silent);
    }

    /** @throws ClusterException if PD does not answer */
    static Survey take(PdHttp pd, NodeHttp nodes) {
        Map<Long, String> addresses = addresses(pd);
        List<Replica> replicas = new ArrayList<>();
        List<String> silent = new ArrayList<>();
        addresses.forEach((storeId, address) -> {
            try {
                JsonObject answer = nodes.replicas(address);
                long answering = answer.get("storeId").getAsLong();
                if (answering != storeId) {
                    silent.add("store " + storeId + ": store " + answering + " answers at " + address);
                    return;
                }
                answer.getAsJsonArray("replicas")
                        .forEach(replica -> replicas.add(Replica.of(storeId, replica.getAsJsonObject())));
            } catch (ClusterException e) {
                silent.add("store " + storeId + ": " + e.getMessage());
            }
        });
        return new Survey(addresses, replicas, known(pd), silent);
    }

    private static Map<Long, String> addresses(PdHttp pd) {
        Map<Long, String> addresses = new TreeMap<>();
        for (JsonElement entry : pd.object("/stores").getAsJsonArray("stores")) {
            JsonObject store = entry.getAsJsonObject().getAsJsonObject("store");
            JsonElement address = store.get("status_address");
            long id = store.get("id").getAsLong();
            if (address == null || address.getAsString().isEmpty()) {
                throw new ClusterException("store " + id
                        + " tells no status address, so it can't be asked; rutile.node.status-address sets it");
            }
            addresses.put(id, address.getAsString());
        }
        return addresses;
    }

    private static List<RegionRange> known(PdHttp pd) {
        List<RegionRange> known = new ArrayList<>();
        String from = "";
        while (true) {
            List<RegionRange> page = new ArrayList<>();
            pd.object("/regions/key?format=hex&key=" + from + "&end_key=&limit=" + PAGE)
                    .getAsJsonArray("regions")
                    .forEach(region -> page.add(RegionRange.ofPd(region.getAsJsonObject())));
            known.addAll(page);
            String end = page.isEmpty() ? "" : page.get(page.size() - 1).endKey();
            if (page.size() < PAGE || end.isEmpty() || end.compareTo(from) <= 0) {
                return known;
            }
            from = end;
        }
    }

    /**
     * Each Region as its leader has it, or else whoever has the newest word of it; in key order.
     */
    List<RegionRange> regions() {
        Map<Long, Replica> told = new HashMap<>();
        for (Replica replica : replicas) {
            RegionRange range = replica.region();
            if (range != null) {
                told.merge(replica.regionId(), replica, Survey::betterOf);
            }
        }
        List<RegionRange> regions = new ArrayList<>();
        told.values().forEach(replica -> Optional.ofNullable(replica.region()).ifPresent(regions::add));
        regions.sort((a, b) -> a.startKey().compareTo(b.startKey()));
        return regions;
    }

    private static Replica betterOf(Replica a, Replica b) {
        if (a.leader() != b.leader()) {
            return a.leader() ? a : b;
        }
        RegionRange rangeA = a.region();
        RegionRange rangeB = b.region();
        return rangeA != null && rangeB != null && rangeB.isNewerThan(rangeA) ? b : a;
    }

    List<Replica> replicasOf(long regionId) {
        return replicas.stream()
                .filter(replica -> replica.regionId() == regionId)
                .toList();
    }

    Optional<Replica> leaderOf(long regionId) {
        return replicasOf(regionId).stream().filter(Replica::leader).findFirst();
    }
}
