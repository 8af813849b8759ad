package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.StoreInfo;
import java.util.Collection;
import java.util.List;

/**
 * How stores stand to each other, by labels that name ever smaller places.
 *
 * <p>A store without a label is in the place without a name: two such stores count as together.
 *
 * @param labels from the widest place to the narrowest, such as {@code zone, rack, host}; at most {@link #LABELS_MAX}
 * @param isolation the label of which no two replicas of a Region may share the place; empty if they may share any
 */
public record Locations(List<String> labels, String isolation) {

    /** More levels than anybody's racks have. */
    public static final int LABELS_MAX = 8;

    public static final Locations NONE = new Locations(List.of(), "");

    /** Neighbours counted a level; more than a Region has replicas. */
    private static final int BITS_PER_LEVEL = 7;

    public Locations {
        labels = List.copyOf(labels);
        if (labels.size() > LABELS_MAX) {
            throw new IllegalArgumentException("at most " + LABELS_MAX + " location labels, not " + labels.size());
        }
        if (!isolation.isEmpty() && !labels.contains(isolation)) {
            throw new IllegalArgumentException(
                    "the isolation level '" + isolation + "' is none of the location labels " + labels);
        }
    }

    /**
     * How crowded it is around a store; smaller is better. Who shares a wide place counts before who shares a narrow one.
     *
     * @param others where the other replicas are
     */
    public long crowding(StoreInfo store, Collection<StoreInfo> others) {
        long crowding = 0;
        for (int level = 0; level < labels.size(); level++) {
            int sharing = 0;
            for (StoreInfo other : others) {
                sharing += other.id() != store.id() && together(store, other, level) ? 1 : 0;
            }
            crowding = (crowding << BITS_PER_LEVEL) | sharing;
        }
        return crowding;
    }

    /** True if two replicas of one Region must not be on these two stores. */
    public boolean isTooClose(StoreInfo store, StoreInfo other) {
        return !isolation.isEmpty() && store.id() != other.id() && together(store, other, labels.indexOf(isolation));
    }

    /** True if the store shares a place below the widest with another. */
    boolean sharesNarrower(StoreInfo store, Collection<StoreInfo> others) {
        return labels.size() > 1
                && others.stream().anyMatch(other -> other.id() != store.id() && together(store, other, 1));
    }

    /** Both in the same place down to this level. */
    private boolean together(StoreInfo store, StoreInfo other, int level) {
        for (int i = 0; i <= level; i++) {
            String label = labels.get(i);
            if (!store.label(label).equals(other.label(label))) {
                return false;
            }
        }
        return true;
    }
}
