package io.rutile.node.gc;

import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which safe point each led Region has been collected up to, so that a round does only what is owed. In memory: after a restart or
 * a move every Region is looked through once more, which finds nothing and harms nobody. One thread's.
 *
 * <p>A Region is <em>clean</em> once a pass whose safe point is later than its last write has gone through it: everything in it was
 * collected then, and nothing has come since. However far the safe point moves, there is nothing to do.
 */
final class GcHistory {

    /** How far clocks of stores and of PD may be apart, and a commit behind its timestamp. */
    private static final Duration SLACK = Duration.ofMinutes(1);

    private final Duration regionInterval;
    private final Map<Long, Entry> entries = new HashMap<>();

    /** What is known of one Region. */
    private static final class Entry {
        private GcRegion seen;
        private long changedAtMs;
        private @Nullable TimeStamp collected;

        Entry(GcRegion seen, long nowMs) {
            this.seen = seen;
            this.changedAtMs = nowMs;
        }

        boolean isClean() {
            return collected != null && collected.physicalMs() > changedAtMs + SLACK.toMillis();
        }
    }

    GcHistory(Duration regionInterval) {
        this.regionInterval = regionInterval;
    }

    /**
     * Looks at who is led now, and forgets the others.
     *
     * @param nowMs wall clock
     * @return the Regions that a pass at this safe point is owed
     */
    List<GcRegion> due(List<GcRegion> led, TimeStamp safePoint, long nowMs) {
        Set<Long> ids = led.stream().map(GcRegion::id).collect(Collectors.toSet());
        entries.keySet().retainAll(ids);
        return led.stream().filter(region -> isDue(region, safePoint, nowMs)).toList();
    }

    private boolean isDue(GcRegion region, TimeStamp safePoint, long nowMs) {
        Entry entry = entries.get(region.id());
        if (entry == null || !entry.seen.isSameAs(region)) {
            entries.put(region.id(), new Entry(region, nowMs));
            return true;
        }
        if (entry.seen.writes() != region.writes()) {
            entry.seen = region;
            entry.changedAtMs = nowMs;
        }
        TimeStamp collected = entry.collected;
        if (collected == null) {
            return true;
        }
        return safePoint.compareTo(collected) > 0
                && safePoint.physicalMs() - collected.physicalMs() >= regionInterval.toMillis()
                && !entry.isClean();
    }

    /** A pass has gone through all of the Region. */
    void collected(GcRegion region, TimeStamp safePoint) {
        Entry entry = entries.get(region.id());
        if (entry != null && entry.seen.isSameAs(region)) {
            entry.collected = safePoint;
        }
    }
}
