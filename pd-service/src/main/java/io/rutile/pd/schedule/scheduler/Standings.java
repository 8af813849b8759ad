package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.placement.RegionScore;
import io.rutile.pd.schedule.placement.StoreFilter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The stores that are up, in this round. */
final class Standings {

    private final Map<Long, Standing> byId = new HashMap<>();
    private final List<Standing> all = new ArrayList<>();

    Standings(List<StoreInfo> stores, OperatorsUnderWay underWay, RegionScore score) {
        for (StoreInfo store : stores) {
            if (store.isServing()) {
                Standing standing = new Standing(store, underWay.influenceOn(store.id()), score.factor(store));
                all.add(standing);
                byId.put(store.id(), standing);
            }
        }
    }

    @Nullable Standing of(long storeId) {
        return byId.get(storeId);
    }

    int size() {
        return all.size();
    }

    double meanRegionScore() {
        return all.stream().mapToDouble(Standing::regionScore).average().orElse(0);
    }

    double meanLeadersBytes() {
        return all.stream().mapToLong(Standing::leadersBytes).average().orElse(0);
    }

    double meanLeadersFlow() {
        return all.stream().mapToLong(Standing::leadersFlow).average().orElse(0);
    }

    /** In this order. */
    List<Standing> sorted(Comparator<Standing> order) {
        List<Standing> sorted = new ArrayList<>(all);
        sorted.sort(order.thenComparingLong(Standing::id));
        return sorted;
    }

    /** Those that the filters let through; what is said of the others goes to the round. */
    List<Standing> passing(List<StoreFilter> filters, Round round) {
        List<Standing> passing = new ArrayList<>();
        for (Standing standing : all) {
            String refusal = StoreFilter.refusal(filters, standing.store());
            if (refusal == null) {
                passing.add(standing);
            } else {
                round.note(standing.id(), refusal);
            }
        }
        return passing;
    }
}
