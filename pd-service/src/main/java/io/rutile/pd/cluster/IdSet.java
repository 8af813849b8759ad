package io.rutile.pd.cluster;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Ids with a constant price for adding, removing and drawing one at random. Not safe for concurrent use. */
final class IdSet {

    private final Map<Long, Integer> places = new HashMap<>();
    private long[] ids = new long[8];

    void add(long id) {
        int end = places.size();
        if (places.putIfAbsent(id, end) != null) {
            return;
        }
        if (end == ids.length) {
            ids = Arrays.copyOf(ids, end * 2);
        }
        ids[end] = id;
    }

    void remove(long id) {
        Integer place = places.remove(id);
        if (place == null) {
            return;
        }
        int last = places.size();
        if (place != last) {
            ids[place] = ids[last];
            places.put(ids[last], place);
        }
    }

    int size() {
        return places.size();
    }

    /** All of them if there are no more than {@code count}; else up to as many, drawn at random. */
    Set<Long> sample(int count, RandomGenerator random) {
        Set<Long> drawn = new LinkedHashSet<>();
        int size = places.size();
        for (int i = 0; i < Math.min(count, size); i++) {
            drawn.add(ids[size <= count ? i : random.nextInt(size)]);
        }
        return drawn;
    }
}
