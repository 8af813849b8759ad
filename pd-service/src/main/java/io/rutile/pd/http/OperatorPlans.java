package io.rutile.pd.http;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.metapb.StoreState;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What somebody asks to be done to a Region, as a plan; refused where it cannot be done or would cost the majority (D2). */
final class OperatorPlans {

    /** How the reason of what somebody asked for begins. */
    static final String ADMIN = "asked for: ";

    private static final int PEERS_MAX = 9;
    private static final int SPLIT_KEYS_MAX = 64;

    private final RegionInfo region;
    private final ClusterState cluster;
    private final ObjectNode body;
    private final String name;

    private OperatorPlans(String name, RegionInfo region, ClusterState cluster, ObjectNode body) {
        this.name = name;
        this.region = region;
        this.cluster = cluster;
        this.body = body;
    }

    /** @throws ApiError if nobody knows such an operator, or it cannot be */
    static OperatorBuilder of(String name, RegionInfo region, ClusterState cluster, ObjectNode body) {
        OperatorPlans plans = new OperatorPlans(name, region, cluster, body);
        if (region.leader() == null) {
            throw ApiError.unavailable("region " + region.id() + " has no leader that has reported it");
        }
        return switch (name) {
            case "transfer-leader" -> plans.transferLeader();
            case "transfer-peer" -> plans.transferPeer();
            case "transfer-region" -> plans.transferRegion();
            case "add-peer" -> plans.addPeer();
            case "remove-peer" -> plans.removePeer();
            case "add-learner" -> plans.addLearner();
            case "split-region" -> plans.splitRegion();
            default -> throw ApiError.badRequest("unknown operator '" + Request.shown(name) + "'");
        };
    }

    /**
     * One Region into its neighbour: an operator for each of the two.
     *
     * @throws ApiError if they can't be merged
     */
    static List<OperatorBuilder> merge(RegionInfo source, RegionInfo target) {
        String which = "regions " + source.id() + " and " + target.id();
        if (source.id() == target.id()) {
            throw ApiError.badRequest("region " + source.id() + " can't be merged into itself");
        }
        if (!borders(source, target) && !borders(target, source)) {
            throw ApiError.badRequest(which + " are no neighbours");
        }
        if (!storesOf(source).equals(storesOf(target))) {
            throw ApiError.refused(which + " have their replicas on different stores: move those of region "
                    + source.id() + " first (transfer-region)");
        }
        for (RegionInfo region : List.of(source, target)) {
            if (region.leader() == null) {
                throw ApiError.unavailable("region " + region.id() + " has no leader that has reported it");
            }
            if (!region.pendingPeers().isEmpty()
                    || !region.downPeers().isEmpty()
                    || region.peers().stream().anyMatch(peer -> peer.getRole() != PeerRole.Voter)) {
                throw ApiError.refused("region " + region.id() + " isn't whole: a merge needs every replica");
            }
        }
        String name = "merge-region";
        return List.of(
                new OperatorBuilder(source, new Purpose(name, OperatorKind.ADMIN, ADMIN + name)).mergeInto(target),
                new OperatorBuilder(target, new Purpose(name, OperatorKind.ADMIN, ADMIN + name)).absorb(source));
    }

    private static boolean borders(RegionInfo left, RegionInfo right) {
        return !left.range().end().isEmpty() && left.range().end().equals(right.startKey());
    }

    private static Set<Long> storesOf(RegionInfo region) {
        Set<Long> stores = new TreeSet<>();
        region.peers().forEach(peer -> stores.add(peer.getStoreId()));
        return stores;
    }

    private OperatorBuilder plan() {
        return new OperatorBuilder(region, new Purpose(name, OperatorKind.ADMIN, ADMIN + name));
    }

    private OperatorBuilder transferLeader() {
        long to = Request.positive(body, "to_store_id");
        Peer peer = peerOn(to);
        if (region.isLeader(peer)) {
            throw ApiError.badRequest("store " + to + " leads region " + region.id() + " already");
        }
        if (region.isPending(peer)) {
            throw ApiError.refused("peer " + peer.getId() + " on store " + to + " has not caught up yet");
        }
        serving(to);
        return plan().leaderOn(to);
    }

    private OperatorBuilder transferPeer() {
        long from = Request.positive(body, "from_store_id");
        long to = Request.positive(body, "to_store_id");
        Peer leaving = peerOn(from);
        place(to);
        checkMajority(Set.of(from), 1);
        return plan().addOn(to).remove(leaving);
    }

    private OperatorBuilder transferRegion() {
        Set<Long> to = new LinkedHashSet<>();
        JsonNode said = body.get("to_store_ids");
        if (said == null || !said.isArray() || said.isEmpty() || said.size() > PEERS_MAX) {
            throw ApiError.badRequest("to_store_ids must be 1 to " + PEERS_MAX + " numbers of stores");
        }
        for (JsonNode store : said) {
            if (!store.isIntegralNumber() || !store.canConvertToLong() || !to.add(store.longValue())) {
                throw ApiError.badRequest("to_store_ids must be numbers of stores, each once");
            }
        }
        OperatorBuilder plan = plan();
        List<Long> added = new ArrayList<>();
        for (long store : to) {
            if (region.peerOn(store) == null) {
                place(store);
                plan.addOn(store);
                added.add(store);
            }
        }
        Set<Long> leaving = new LinkedHashSet<>();
        for (Peer peer : region.peers()) {
            if (!to.contains(peer.getStoreId())) {
                plan.remove(peer);
                leaving.add(peer.getStoreId());
            }
        }
        if (added.isEmpty() && leaving.isEmpty()) {
            throw ApiError.badRequest("region " + region.id() + " is on these stores already");
        }
        checkMajority(leaving, added.size());
        return plan;
    }

    private OperatorBuilder addPeer() {
        return plan().addOn(newPlace());
    }

    private OperatorBuilder addLearner() {
        return plan().addLearnerOn(newPlace());
    }

    private long newPlace() {
        long to = Request.positive(body, "store_id");
        place(to);
        if (region.peers().size() >= PEERS_MAX) {
            throw ApiError.refused("region " + region.id() + " has " + PEERS_MAX + " peers already");
        }
        return to;
    }

    /** At keys in hex, or in the middle. */
    private OperatorBuilder splitRegion() {
        String policy = Request.text(body, "policy").toLowerCase(Locale.ROOT);
        JsonNode said = body.get("keys");
        return switch (policy) {
            case "usekey" -> plan().splitAt(keys(said));
            case "scan", "approximate" -> {
                if (said != null && !said.isEmpty()) {
                    throw ApiError.badRequest("keys are for the policy usekey");
                }
                yield plan().bisect();
            }
            default ->
                throw ApiError.badRequest(
                        "policy must be usekey, scan or approximate, not '" + Request.shown(policy) + "'");
        };
    }

    private List<ByteKey> keys(@Nullable JsonNode said) {
        if (said == null || !said.isArray() || said.isEmpty() || said.size() > SPLIT_KEYS_MAX) {
            throw ApiError.badRequest("keys must be 1 to " + SPLIT_KEYS_MAX + " keys in hex");
        }
        Set<ByteKey> keys = new TreeSet<>();
        for (JsonNode hex : said) {
            ByteKey key = Request.hexKey(hex.isString() ? hex.stringValue() : "?");
            if (!region.range().contains(key) || region.startKey().equals(key)) {
                throw ApiError.badRequest("a key is not inside region " + region.id());
            }
            keys.add(key);
        }
        return List.copyOf(keys);
    }

    private OperatorBuilder removePeer() {
        long from = Request.positive(body, "store_id");
        Peer leaving = peerOn(from);
        checkMajority(Set.of(from), 0);
        return plan().remove(leaving);
    }

    private Peer peerOn(long storeId) {
        Peer peer = region.peerOn(storeId);
        if (peer == null) {
            throw ApiError.badRequest("region " + region.id() + " has no peer on store " + storeId);
        }
        return peer;
    }

    private void place(long storeId) {
        serving(storeId);
        if (region.peerOn(storeId) != null) {
            throw ApiError.badRequest("region " + region.id() + " has a peer on store " + storeId + " already");
        }
    }

    private void serving(long storeId) {
        StoreInfo store = cluster.store(storeId);
        if (store == null) {
            throw ApiError.notFound("store " + storeId + " not found");
        }
        if (store.store().getState() != StoreState.Up || store.liveness() != Liveness.UP) {
            throw ApiError.refused("store " + storeId + " is " + StoreJson.stateName(store));
        }
    }

    /** D2: of what stays and what joins, more than half is on stores that are up. */
    private void checkMajority(Set<Long> leaving, int joining) {
        long up = joining;
        int all = joining;
        for (Peer peer : region.peers()) {
            if (!leaving.contains(peer.getStoreId())) {
                all++;
                StoreInfo store = cluster.store(peer.getStoreId());
                up += store != null && store.liveness() == Liveness.UP ? 1 : 0;
            }
        }
        if (all == joining) {
            throw ApiError.refused("one of the peers of region " + region.id() + " must stay: move it in two steps");
        }
        if (up * 2 <= all) {
            throw ApiError.refused("region " + region.id() + " would be left with no majority on stores that are up");
        }
    }
}
