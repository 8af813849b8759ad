package io.rutile.pd.schedule.operator;

import java.util.EnumMap;
import java.util.Map;

/**
 * How much may be under way.
 *
 * @param all operators at once, over all kinds and Regions
 * @param byKind operators of one kind at once, 0 for none; a kind that is not named has no bound of its own
 * @param stores how fast replicas come to a store and leave it
 */
public record OperatorLimits(int all, Map<OperatorKind, Integer> byKind, Stores stores) {

    public static final OperatorLimits DEFAULTS = new OperatorLimits(
            2_048,
            Map.of(
                    OperatorKind.REPAIR, 512,
                    OperatorKind.EVICT, 64,
                    OperatorKind.SCATTER, 256,
                    OperatorKind.HOT, 4,
                    OperatorKind.SPLIT, 64,
                    OperatorKind.MERGE, 8,
                    OperatorKind.BALANCE_LEADER, 16,
                    OperatorKind.BALANCE_REGION, 256),
            Stores.DEFAULTS);

    public OperatorLimits {
        byKind = Map.copyOf(byKind);
    }

    /**
     * Replicas a minute. A minute's worth may come at once after a pause.
     *
     * @param each what holds for a store that is not named
     * @param byStore what holds for others, by store id
     */
    public record Stores(PerMinute each, Map<Long, PerMinute> byStore) {

        public static final Stores DEFAULTS = new Stores(new PerMinute(15, 15), Map.of());

        public Stores {
            byStore = Map.copyOf(byStore);
        }

        public PerMinute of(long storeId) {
            return byStore.getOrDefault(storeId, each);
        }
    }

    /**
     * A store's limits.
     *
     * @param added replicas that it may receive a minute; 0 for none
     * @param removed replicas that may be taken from it a minute while it is up; 0 for none
     */
    public record PerMinute(double added, double removed) {

        public PerMinute {
            if (!(added >= 0) || !(removed >= 0)) {
                throw new IllegalArgumentException("a store limit must not be negative: " + added + ", " + removed);
            }
        }
    }

    public int of(OperatorKind kind) {
        return byKind.getOrDefault(kind, Integer.MAX_VALUE);
    }

    public OperatorLimits withAll(int bound) {
        return new OperatorLimits(bound, byKind, stores);
    }

    public OperatorLimits withKind(OperatorKind kind, int bound) {
        Map<OperatorKind, Integer> changed = new EnumMap<>(OperatorKind.class);
        changed.putAll(byKind);
        changed.put(kind, bound);
        return new OperatorLimits(all, changed, stores);
    }

    public OperatorLimits withStores(Stores limits) {
        return new OperatorLimits(all, byKind, limits);
    }
}
