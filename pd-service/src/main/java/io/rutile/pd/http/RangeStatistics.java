package io.rutile.pd.http;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.protocol.metapb.Peer;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/** What the Regions of a range add up to. */
final class RangeStatistics {

    private long count;
    private long empty;
    private long sizeMib;
    private long keys;
    private final Map<Long, long[]> leaders = new TreeMap<>();
    private final Map<Long, long[]> peers = new TreeMap<>();

    void add(RegionInfo region) {
        count++;
        empty += region.approximateSizeMib() <= 1 ? 1 : 0;
        sizeMib += region.approximateSizeMib();
        keys += region.approximateKeys();
        for (Peer peer : region.peers()) {
            add(peers, peer.getStoreId(), region);
        }
        Peer leader = region.leader();
        if (leader != null) {
            add(leaders, leader.getStoreId(), region);
        }
    }

    private static void add(Map<Long, long[]> byStore, long storeId, RegionInfo region) {
        long[] sums = byStore.computeIfAbsent(storeId, first -> new long[3]);
        sums[0]++;
        sums[1] += region.approximateSizeMib();
        sums[2] += region.approximateKeys();
    }

    ObjectNode json() {
        ObjectNode answer = Json.object();
        answer.put("count", count);
        answer.put("empty_count", empty);
        answer.put("storage_size", sizeMib);
        answer.put("storage_keys", keys);
        byStore(answer.putObject("store_leader_count"), leaders, 0);
        byStore(answer.putObject("store_peer_count"), peers, 0);
        byStore(answer.putObject("store_leader_size"), leaders, 1);
        byStore(answer.putObject("store_leader_keys"), leaders, 2);
        byStore(answer.putObject("store_peer_size"), peers, 1);
        byStore(answer.putObject("store_peer_keys"), peers, 2);
        return answer;
    }

    private static void byStore(ObjectNode into, Map<Long, long[]> sums, int which) {
        sums.forEach((storeId, values) -> into.put(Long.toString(storeId), values[which]));
    }
}
