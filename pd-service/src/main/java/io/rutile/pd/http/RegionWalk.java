package io.rutile.pd.http;

import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Walks over all Regions in key order. */
final class RegionWalk {

    private RegionWalk() {}

    static void over(ClusterState cluster, Consumer<RegionInfo> visitor) {
        cluster.visitRegions(visitor);
    }

    /** Those that fit, in key order. */
    static Selection select(ClusterState cluster, int limit, Predicate<RegionInfo> fits) {
        List<RegionInfo> first = new ArrayList<>();
        int[] count = {0};
        over(cluster, region -> {
            if (fits.test(region)) {
                count[0]++;
                if (first.size() < limit) {
                    first.add(region);
                }
            }
        });
        return new Selection(count[0], first);
    }

    /** The greatest {@code limit} by this order, the greatest first. */
    static List<RegionInfo> top(ClusterState cluster, int limit, Comparator<RegionInfo> order) {
        PriorityQueue<RegionInfo> best = new PriorityQueue<>(order);
        over(cluster, region -> {
            best.add(region);
            if (best.size() > limit) {
                best.poll();
            }
        });
        List<RegionInfo> sorted = new ArrayList<>(best);
        sorted.sort(order.reversed());
        return sorted;
    }

    /**
     * What was found.
     *
     * @param count of all that fit
     * @param regions the first of them
     */
    record Selection(int count, List<RegionInfo> regions) {}
}
