package io.rutile.pd.schedule;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.pd.schedule.placement.StoreFilter;
import io.rutile.pd.schedule.placement.StoreFilters;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Spreads the Regions of a group, such as those of a table that was just created, over the stores: each replica to a store
 * that has fewest of the group, each leader to a store that leads fewest. A move that is not worth it is not made.
 *
 * <p>Remembers a bounded number of groups, the one that was scattered longest ago is forgotten first. Safe from any thread: one
 * lock.
 */
public final class RegionScatterer {

    /** What clients that wait for a scatter know its operator by. */
    public static final String NAME = "scatter-region";

    private static final int GROUPS_MAX = 256;

    private final ClusterState cluster;
    private final StoreChoice stores;
    private final Map<String, Group> groups = new LinkedHashMap<>();

    /** How often a store was chosen. */
    private static final class Group {
        private final Map<Long, Integer> peers = new HashMap<>();
        private final Map<Long, Integer> leaders = new HashMap<>();

        int peersOn(long storeId) {
            return peers.getOrDefault(storeId, 0);
        }

        int leadersOn(long storeId) {
            return leaders.getOrDefault(storeId, 0);
        }
    }

    RegionScatterer(ClusterState cluster, StoreChoice stores) {
        this.cluster = cluster;
        this.stores = stores;
    }

    /**
     * Where a Region shall be.
     *
     * @param plan how it gets there; null if it is there already
     * @param peers stores with a replica
     * @param leader store that leads, 0 if none may
     */
    record Placement(@Nullable OperatorBuilder plan, List<Long> peers, long leader) {}

    /**
     * Plans where the Region's replicas and its leader go.
     *
     * @param skipStoreLimits also to stores that have received as many replicas as their limit allows for now
     */
    synchronized Placement plan(RegionInfo region, String name, boolean skipStoreLimits) {
        Group group = groups.getOrDefault(name, new Group());
        OperatorBuilder plan =
                new OperatorBuilder(region, new Purpose(NAME, OperatorKind.SCATTER, "group \"" + name + "\""));
        if (skipStoreLimits) {
            plan.skipStoreLimits();
        }
        List<StoreInfo> takers = takers(region, skipStoreLimits);
        List<Long> chosen = new ArrayList<>();
        // As it will be after each choice, so that two replicas don't go to one place that was free.
        RegionInfo planned = region;
        for (Peer peer : region.peers()) {
            long storeId = chooseFor(planned, peer, takers, group);
            planned = moved(planned, peer, storeId);
            if (storeId != peer.getStoreId()) {
                plan.addOn(storeId).remove(peer);
                takers.removeIf(store -> store.id() == storeId);
            }
            chosen.add(storeId);
        }
        long leader = leaderOf(region, chosen, group);
        Peer leads = region.leader();
        if (leader != 0 && (leads == null || leader != leads.getStoreId())) {
            plan.leaderOn(leader);
        }
        boolean stays = plan.receivingStores().isEmpty() && plan.leaderStore().isEmpty();
        return new Placement(stays ? null : plan, chosen, leader);
    }

    /** Counts a Region that is where it shall be, or on its way there. */
    synchronized void remember(String name, Placement placement) {
        // Removed first, so that it goes to the end of the line.
        Group group = groups.remove(name);
        group = group == null ? new Group() : group;
        groups.put(name, group);
        if (groups.size() > GROUPS_MAX) {
            groups.remove(groups.keySet().iterator().next());
        }
        for (long storeId : placement.peers()) {
            group.peers.merge(storeId, 1, Integer::sum);
        }
        if (placement.leader() != 0) {
            group.leaders.merge(placement.leader(), 1, Integer::sum);
        }
    }

    private static RegionInfo moved(RegionInfo region, Peer peer, long storeId) {
        if (peer.getStoreId() == storeId) {
            return region;
        }
        Region.Builder changed = region.region().toBuilder();
        changed.getPeersBuilderList().stream()
                .filter(there -> there.getId() == peer.getId())
                .forEach(there -> there.setStoreId(storeId));
        return new RegionInfo(
                changed.build(),
                region.leader(),
                region.downPeers(),
                region.pendingPeers(),
                region.term(),
                region.approximateSizeBytes(),
                region.approximateKeys());
    }

    private List<StoreInfo> takers(RegionInfo region, boolean skipStoreLimits) {
        List<StoreFilter> filters = new ArrayList<>(stores.filters().newReplica());
        if (skipStoreLimits) {
            filters.removeIf(filter -> filter.name().equals(StoreFilters.ADD_LIMIT));
        }
        filters.add(0, StoreFilters.without(region));
        List<StoreInfo> takers = new ArrayList<>();
        for (StoreInfo store : cluster.stores()) {
            if (StoreFilter.refusal(filters, store) == null) {
                takers.add(store);
            }
        }
        return takers;
    }

    /** The store with fewest of the group, where the replica is if that is not worse. */
    private long chooseFor(RegionInfo region, Peer peer, List<StoreInfo> takers, Group group) {
        long best = peer.getStoreId();
        int fewest = group.peersOn(best);
        long lightest = Long.MAX_VALUE;
        for (StoreInfo store : takers) {
            int count = group.peersOn(store.id());
            boolean better = count < fewest
                    || count == fewest
                            && best != peer.getStoreId()
                            && store.load().peersBytes() < lightest;
            if (better && stores.objectionToReplace(region, peer, store) == null) {
                best = store.id();
                fewest = count;
                lightest = store.load().peersBytes();
            }
        }
        return best;
    }

    /** Of the stores that will have a replica and may lead, the one that leads fewest of the group; 0 if none may. */
    private long leaderOf(RegionInfo region, List<Long> chosen, Group group) {
        List<StoreFilter> filters = stores.filters().newLeader();
        Peer leader = region.leader();
        long best = 0;
        for (long storeId : chosen) {
            StoreInfo store = cluster.store(storeId);
            Peer there = region.peerOn(storeId);
            boolean may = store != null
                    && StoreFilter.refusal(filters, store) == null
                    && (there == null || stores.mayLead(region, there));
            boolean leads = leader != null && leader.getStoreId() == storeId;
            int fewest = best == 0 ? Integer.MAX_VALUE : group.leadersOn(best);
            if (may && (group.leadersOn(storeId) < fewest || leads && group.leadersOn(storeId) == fewest)) {
                best = storeId;
            }
        }
        return best;
    }
}
