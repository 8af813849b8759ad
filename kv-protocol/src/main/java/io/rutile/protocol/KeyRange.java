package io.rutile.protocol;

import java.util.ArrayList;
import java.util.List;

/**
 * Keys from {@code start} (inclusive) to {@code end} (exclusive); an empty end means "to the last key".
 *
 * @param start first key
 * @param end first key behind the range, or empty
 */
public record KeyRange(ByteKey start, ByteKey end) {

    /** Every key. */
    public static final KeyRange ALL = new KeyRange(ByteKey.EMPTY, ByteKey.EMPTY);

    public boolean contains(ByteKey key) {
        return key.compareTo(start) >= 0 && (end.isEmpty() || key.compareTo(end) < 0);
    }

    /** True if no key can be inside. */
    public boolean isEmpty() {
        return !end.isEmpty() && start.compareTo(end) >= 0;
    }

    public boolean overlaps(KeyRange other) {
        return (end.isEmpty() || other.start.compareTo(end) < 0)
                && (other.end.isEmpty() || start.compareTo(other.end) < 0);
    }

    /** What of this range lies outside the other: none, one or two ranges, in key order. */
    public List<KeyRange> minus(KeyRange other) {
        if (isEmpty() || !overlaps(other)) {
            return isEmpty() ? List.of() : List.of(this);
        }
        List<KeyRange> rest = new ArrayList<>(2);
        if (start.compareTo(other.start) < 0) {
            rest.add(new KeyRange(start, other.start));
        }
        if (!other.end.isEmpty() && (end.isEmpty() || other.end.compareTo(end) < 0)) {
            rest.add(new KeyRange(other.end, end));
        }
        return List.copyOf(rest);
    }

    @Override
    public String toString() {
        return "[" + start + "," + end + ")";
    }
}
