package io.rutile.pd.cluster;

import io.rutile.protocol.ByteKey;
import java.util.ArrayList;
import java.util.List;

/**
 * Chooses which of many ranges that lie side by side are shown together, so that at most {@value #MAX} are left: a hot one stands alone,
 * cold ones share a row.
 */
final class HeatRows {

    static final int MAX = 256;

    /**
     * A row begins for one of three reasons, and each may count so often: the row before is hot enough, or has ranges enough, or the
     * next range is hot by itself. Then there is the first one, and one in front of it if ranges do not begin with the first key.
     */
    private static final int SHARE = (MAX - 2) / 3;

    private HeatRows() {}

    /**
     * A range up to where the next one begins.
     *
     * @param start first key
     * @param weight how hot it is beside the others, 0 or more
     */
    record Slice(ByteKey start, double weight) {}

    /** @param slices ascending. @return first keys of rows, ascending, as {@link HeatCells#borders} makes them */
    static List<ByteKey> of(List<Slice> slices) {
        double total = slices.stream().mapToDouble(Slice::weight).sum();
        double hot = total > 0 ? total / SHARE : Double.POSITIVE_INFINITY;
        int many = slices.size() < MAX ? 1 : (slices.size() + SHARE - 1) / SHARE;
        List<ByteKey> starts = new ArrayList<>();
        double weight = 0;
        int count = 0;
        for (Slice slice : slices) {
            if (starts.isEmpty() || weight >= hot || count >= many || slice.weight() >= hot) {
                starts.add(slice.start());
                weight = 0;
                count = 0;
            }
            weight += slice.weight();
            count++;
        }
        List<ByteKey> borders = HeatCells.borders(starts);
        assert borders.size() <= MAX : borders.size();
        return borders;
    }
}
