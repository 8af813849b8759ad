package io.rutile.pd.http;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.protocol.metapb.NodeState;
import io.rutile.protocol.metapb.Store;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.StoreStats;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Stores, with the names that tools read. */
final class StoreJson {

    private StoreJson() {}

    static ObjectNode store(StoreInfo info, StoreTallies.Tally tally) {
        ObjectNode node = Json.object();
        node.set("store", described(info));
        node.set("status", status(info, tally));
        return node;
    }

    /** What state people see: one that is up but silent is not simply up. */
    static String stateName(StoreInfo info) {
        if (info.store().getState() != StoreState.Up || info.liveness() == Liveness.UP) {
            return info.store().getState().name();
        }
        return info.liveness() == Liveness.DOWN ? "Down" : "Disconnected";
    }

    private static ObjectNode described(StoreInfo info) {
        Store store = info.store();
        ObjectNode node = Json.object();
        node.put("id", store.getId());
        text(node, "address", store.getAddress());
        if (store.getState() != StoreState.Up) {
            node.put("state", store.getState().getNumber());
        }
        if (store.getLabelsCount() > 0) {
            ArrayNode labels = node.putArray("labels");
            store.getLabelsList()
                    .forEach(label ->
                            labels.addObject().put("key", label.getKey()).put("value", label.getValue()));
        }
        text(node, "version", store.getVersion());
        text(node, "peer_address", store.getPeerAddress());
        text(node, "status_address", store.getStatusAddress());
        text(node, "git_hash", store.getGitHash());
        if (store.getStartTimestamp() != 0) {
            node.put("start_timestamp", store.getStartTimestamp());
        }
        text(node, "deploy_path", store.getDeployPath());
        if (info.lastHeartbeatMs() != 0) {
            node.put("last_heartbeat", TimeUnit.MILLISECONDS.toNanos(info.lastHeartbeatMs()));
        }
        if (store.getPhysicallyDestroyed()) {
            node.put("physically_destroyed", true);
        }
        if (store.getNodeState() != NodeState.Preparing) {
            node.put("node_state", store.getNodeState().getNumber());
        }
        node.put("state_name", stateName(info));
        return node;
    }

    private static ObjectNode status(StoreInfo info, StoreTallies.Tally tally) {
        StoreStats stats = info.stats();
        ObjectNode node = Json.object();
        node.put("capacity", GoText.bytes(stats.getCapacity()));
        node.put("available", GoText.bytes(stats.getAvailable()));
        node.put("used_size", GoText.bytes(stats.getUsedSize()));
        node.put("leader_count", tally.leaders());
        node.put("leader_weight", 1);
        node.put("leader_score", tally.leaders());
        node.put("leader_size", mib(tally.leadersBytes()));
        node.put("region_count", tally.peers());
        node.put("region_weight", 1);
        node.put("region_score", mib(tally.peersBytes()));
        node.put("region_size", mib(tally.peersBytes()));
        positive(node, "learner_count", tally.learners());
        positive(node, "pending_peer_count", tally.pendingPeers());
        positive(node, "sending_snap_count", stats.getSendingSnapCount());
        positive(node, "receiving_snap_count", stats.getReceivingSnapCount());
        positive(node, "applying_snap_count", stats.getApplyingSnapCount());
        if (stats.getIsBusy()) {
            node.put("is_busy", true);
        }
        long startSeconds = Integer.toUnsignedLong(stats.getStartTime());
        if (startSeconds != 0) {
            node.put("start_ts", GoText.time(Instant.ofEpochSecond(startSeconds)));
        }
        if (info.lastHeartbeatMs() != 0) {
            Instant last = Instant.ofEpochMilli(info.lastHeartbeatMs());
            node.put("last_heartbeat_ts", GoText.time(last));
            if (startSeconds != 0) {
                node.put("uptime", GoText.duration(Duration.between(Instant.ofEpochSecond(startSeconds), last)));
            }
        }
        return node;
    }

    /** Rounded to the nearest. */
    private static long mib(long bytes) {
        return (bytes + (1 << 19)) >> 20;
    }

    private static void text(ObjectNode node, String name, String value) {
        if (!value.isEmpty()) {
            node.put(name, value);
        }
    }

    private static void positive(ObjectNode node, String name, long value) {
        if (value > 0) {
            node.put(name, value);
        }
    }
}
