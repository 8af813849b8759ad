package io.rutile.cli.bench.load;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.TreeSet;

/**
 * Which keys are there: those that were loaded, and those that were inserted since, without a gap. An insert that is under way hides what
 * was inserted behind it; one that failed is given to whoever inserts next, so that no gap stays for ever. Safe from any thread.
 */
public final class Inserts {

    private final Deque<Long> givenBack = new ArrayDeque<>();
    private final TreeSet<Long> aboveGap = new TreeSet<>();
    private long next;
    private volatile long visible;

    /** @param loaded keys that are there already */
    public Inserts(long loaded) {
        next = loaded;
        visible = loaded;
    }

    /** Keys 0 to this, exclusive, are there. */
    public long visible() {
        return visible;
    }

    /** The key to be inserted by the caller, who says what came of it. */
    synchronized long begin() {
        Long again = givenBack.poll();
        return again != null ? again : next++;
    }

    synchronized void succeeded(long index) {
        aboveGap.add(index);
        long end = visible;
        while (!aboveGap.isEmpty() && aboveGap.first() == end) {
            aboveGap.pollFirst();
            end++;
        }
        visible = end;
    }

    synchronized void failed(long index) {
        givenBack.add(index);
    }
}
