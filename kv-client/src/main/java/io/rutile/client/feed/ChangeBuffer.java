package io.rutile.client.feed;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Changes of all Regions of a feed on their way into one order, in bounded memory. What is too much goes from the far end, and its place is
 * told: from there on a store will be asked once more. So the near end always fits, and something always comes out.
 *
 * <p>Not thread-safe.
 */
final class ChangeBuffer {

    /** In memory for each change, beside key and value. */
    private static final int CHANGE_BYTES = 160;

    private record Held(byte @Nullable [] value, long bytes) {}

    /** @param value null for a delete */
    @SuppressWarnings("ArrayRecordComponent") // never compared as a record
    record Taken(Place place, byte @Nullable [] value) {}

    private final long bytesMax;
    private final FeedMetrics metrics;
    private final Consumer<Place> dropped;
    private final TreeMap<Place, Held> held = new TreeMap<>();
    private long bytes;

    /** @param dropped told of every change that had to go; what it has told before lies further on */
    ChangeBuffer(long bytesMax, FeedMetrics metrics, Consumer<Place> dropped) {
        this.bytesMax = bytesMax;
        this.metrics = metrics;
        this.dropped = dropped;
    }

    /** Takes a change in; what is there already changes nothing. */
    void add(Place place, byte @Nullable [] value) {
        if (held.containsKey(place)) {
            return;
        }
        long size = CHANGE_BYTES + place.key().bytes().length + (value == null ? 0 : value.length);
        held.put(place, new Held(value, size));
        count(size);
        // One always stays, however large: the nearest must come through.
        while (bytes > bytesMax && held.size() > 1) {
            Map.Entry<Place, Held> last = held.pollLastEntry();
            count(-last.getValue().bytes());
            dropped.accept(last.getKey());
        }
    }

    /**
     * Takes out what comes next.
     *
     * @param upToTs inclusive, unsigned
     * @param before exclusive; null for no such bound
     * @param countMax changes, at least 1
     * @param bytesMax at which it ends; the last change may go past it
     */
    List<Taken> take(long upToTs, @Nullable Place before, int countMax, long bytesMax) {
        List<Taken> taken = new ArrayList<>();
        long size = 0;
        while (taken.size() < countMax && size < bytesMax && !isDrained(upToTs, before)) {
            Map.Entry<Place, Held> first = held.pollFirstEntry();
            count(-first.getValue().bytes());
            taken.add(new Taken(first.getKey(), first.getValue().value()));
            size += first.getValue().bytes();
        }
        return taken;
    }

    /** True if {@link #take} would give nothing out. */
    boolean isDrained(long upToTs, @Nullable Place before) {
        if (held.isEmpty()) {
            return true;
        }
        Place first = held.firstKey();
        return Long.compareUnsigned(first.ts(), upToTs) > 0 || (before != null && !first.isBefore(before));
    }

    void clear() {
        held.clear();
        count(-bytes);
    }

    private void count(long more) {
        bytes += more;
        metrics.held(more);
    }
}
