package io.rutile.node;

import io.rutile.node.raftstore.ReplicaReport;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;

/**
 * {@code /actuator/consistency}: the replicas of this node with the hashes of what they hold, and the order to compare. Keys are hex.
 * See docs/operations/consistency.md.
 */
@WebEndpoint(id = "consistency")
public final class ConsistencyEndpoint {

    private static final long ANSWER_MS = 5_000;
    private static final int CONFLICT = 409;
    private static final int UNAVAILABLE = 503;

    private final KvNode node;

    ConsistencyEndpoint(KvNode node) {
        this.node = node;
    }

    /** GET: all replicas. */
    @ReadOperation
    public Map<String, Object> replicas() {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("storeId", node.storeId());
        answer.put("mismatchedRegions", node.mismatchedRegions());
        answer.put(
                "replicas",
                node.replicas().stream().map(ConsistencyEndpoint::described).toList());
        return answer;
    }

    /** GET with a Region: its replica here; 404 without one. */
    @ReadOperation
    public @Nullable Map<String, Object> replica(@Selector long regionId) {
        return node.replica(regionId).map(ConsistencyEndpoint::described).orElse(null);
    }

    /** POST: begins with all that are led here. */
    @WriteOperation
    public Map<String, Object> sweep() {
        return Map.of("started", node.sweepConsistency(), "leaders", node.leaderCount());
    }

    /** POST with a Region: the index at which its replicas are compared; 409 if it isn't led here. */
    @WriteOperation
    public WebEndpointResponse<Map<String, Object>> check(@Selector long regionId) {
        try {
            long index = node.checkConsistency(regionId)
                    .orTimeout(ANSWER_MS, TimeUnit.MILLISECONDS)
                    .join();
            return new WebEndpointResponse<>(Map.of("regionId", regionId, "index", index));
        } catch (CompletionException e) {
            if (e.getCause() instanceof RegionException refused) {
                return new WebEndpointResponse<>(Map.of("error", String.valueOf(refused.getMessage())), CONFLICT);
            }
            if (e.getCause() instanceof TimeoutException) {
                return new WebEndpointResponse<>(Map.of("error", "no majority has answered"), UNAVAILABLE);
            }
            return new WebEndpointResponse<>(Map.of("error", "not now: " + e.getCause()), UNAVAILABLE);
        }
    }

    private static Map<String, Object> described(ReplicaReport report) {
        Map<String, Object> replica = new LinkedHashMap<>();
        replica.put("regionId", report.regionId());
        replica.put("peerId", report.peerId());
        replica.put("leader", report.leader());
        Region region = report.region();
        if (region != null) {
            replica.put(
                    "startKey", HexFormat.of().formatHex(region.getStartKey().toByteArray()));
            replica.put("endKey", HexFormat.of().formatHex(region.getEndKey().toByteArray()));
            replica.put("version", region.getRegionEpoch().getVersion());
            replica.put("confVer", region.getRegionEpoch().getConfVer());
            replica.put(
                    "peers",
                    region.getPeersList().stream()
                            .map(ConsistencyEndpoint::described)
                            .toList());
        }
        ReplicaReport.Hash hash = report.hash();
        if (hash != null) {
            replica.put("check", described(hash));
        }
        String failure = report.failure();
        if (failure != null) {
            replica.put("failure", failure);
        }
        ReplicaReport.Mismatch mismatch = report.mismatch();
        if (mismatch != null) {
            replica.put(
                    "mismatch",
                    Map.of("index", mismatch.index(), "own", mismatch.own(), "leaders", mismatch.leaders()));
        }
        return replica;
    }

    private static Map<String, Object> described(Peer peer) {
        return Map.of(
                "id",
                peer.getId(),
                "storeId",
                peer.getStoreId(),
                "role",
                peer.getRole().name());
    }

    private static Map<String, Object> described(ReplicaReport.Hash hash) {
        Map<String, Object> check = new LinkedHashMap<>();
        check.put("index", hash.index());
        check.put("state", hash.state().name());
        String value = hash.value();
        if (value != null) {
            check.put("hash", value);
            check.put("records", hash.records());
            check.put("bytes", hash.bytes());
        }
        return check;
    }
}
