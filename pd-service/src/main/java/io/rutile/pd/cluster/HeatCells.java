package io.rutile.pd.cluster;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Amounts by range of keys: cells that lie side by side and cover all keys. What is added to a range is spread evenly over the cells that
 * it touches, so that nothing is lost or made up however ranges and cells lie (Σ cells = Σ added).
 *
 * <p>Borders longer than {@value #BORDER_BYTES_MAX} bytes are cut, which bounds what a cell costs: Regions that differ only behind that
 * share a cell. Not thread-safe.
 */
final class HeatCells {

    static final int BORDER_BYTES_MAX = 128;

    /** First key of each cell, ascending; the first one is empty. */
    private final List<ByteKey> starts;

    private final long[] amounts;

    private HeatCells(List<ByteKey> starts, long[] amounts) {
        this.starts = starts;
        this.amounts = amounts;
    }

    /** Empty cells. @param starts as {@link #borders} made them */
    static HeatCells of(List<ByteKey> starts) {
        assert !starts.isEmpty() && starts.get(0).isEmpty() : "the first cell begins with the first key";
        return new HeatCells(starts, new long[starts.size()]);
    }

    /** Borders of cells, from first keys in ascending order: cut to size, each once, and the first of them the empty key. */
    static List<ByteKey> borders(Iterable<ByteKey> ascending) {
        List<ByteKey> borders = new ArrayList<>();
        borders.add(ByteKey.EMPTY);
        for (ByteKey start : ascending) {
            ByteKey border = cut(start);
            if (border.compareTo(borders.get(borders.size() - 1)) > 0) {
                borders.add(border);
            }
        }
        return List.copyOf(borders);
    }

    static ByteKey cut(ByteKey key) {
        byte[] bytes = key.bytes();
        return bytes.length <= BORDER_BYTES_MAX ? key : ByteKey.wrap(Arrays.copyOf(bytes, BORDER_BYTES_MAX));
    }

    int size() {
        return amounts.length;
    }

    ByteKey start(int cell) {
        return starts.get(cell);
    }

    long amount(int cell) {
        return amounts[cell];
    }

    List<ByteKey> starts() {
        return starts;
    }

    /** The keys of a cell. */
    KeyRange range(int cell) {
        return new KeyRange(starts.get(cell), cell + 1 < starts.size() ? starts.get(cell + 1) : ByteKey.EMPTY);
    }

    HeatCells copy() {
        return new HeatCells(starts, amounts.clone());
    }

    /** @param amount 0 or more */
    void add(KeyRange range, long amount) {
        if (amount == 0) {
            return;
        }
        int first = cellOf(cut(range.start()));
        int last = range.end().isEmpty() ? amounts.length - 1 : Math.max(first, cellBefore(cut(range.end())));
        int touched = last - first + 1;
        long each = amount / touched;
        increase(first, amount - each * (touched - 1));
        for (int cell = first + 1; cell <= last; cell++) {
            increase(cell, each);
        }
    }

    /** Whatever stores report, a sum does not turn negative. */
    private void increase(int cell, long amount) {
        long sum = amounts[cell] + amount;
        amounts[cell] = sum < 0 ? Long.MAX_VALUE : sum;
    }

    /** Adds all cells of others, whose borders may be others. */
    void addAll(HeatCells others) {
        for (int cell = 0; cell < others.size(); cell++) {
            add(others.range(cell), others.amount(cell));
        }
    }

    private int cellOf(ByteKey key) {
        int found = Collections.binarySearch(starts, key);
        return found >= 0 ? found : -found - 2;
    }

    /** The last cell that begins in front of this key. */
    private int cellBefore(ByteKey end) {
        int found = Collections.binarySearch(starts, end);
        return (found >= 0 ? found : -found - 1) - 1;
    }
}
