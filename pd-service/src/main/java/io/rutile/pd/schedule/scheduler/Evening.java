package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.cluster.RegionInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * When a Region's move between two stores that carry different loads is worth it, and which Region's is worth most; for replicas and for
 * leaders the same.
 *
 * <p>Of a gap between two loads a move leaves gap − 2 × size. Σ load² falls wherever size < gap, so that stores come to rest; beyond
 * that a quarter of the size, and the slack, must be gained, or sizes that are estimated anew with every heartbeat would let Regions go back
 * and forth.
 */
final class Evening {

    /** Two stores at rest differ by no more than so many of the smallest Regions that could move, and the slack. */
    private static final double GAP_BY_SIZE_MIN = 1.25;

    private Evening() {}

    /**
     * True if the move is worth it.
     *
     * @param gap by how much the giving store's load is above the other's
     * @param size of the Region, in the same unit
     * @param slack what is even enough
     */
    static boolean isWorth(double gap, double size, double slack) {
        return gap > GAP_BY_SIZE_MIN * size + slack;
    }

    /**
     * Those first whose move leaves the smallest gap: the largest while the gap is wide, which saves moves; in the end the one that fits.
     *
     * @param gapBytes between the two stores
     */
    static List<RegionInfo> bestFirst(List<RegionInfo> regions, double gapBytes) {
        List<RegionInfo> sorted = new ArrayList<>(regions);
        sorted.sort(Comparator.comparingDouble((RegionInfo region) -> Math.abs(gapBytes - 2.0 * region.sizeBytes()))
                .thenComparingLong(RegionInfo::id));
        return sorted;
    }
}
