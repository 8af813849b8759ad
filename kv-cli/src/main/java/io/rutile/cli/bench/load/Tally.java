package io.rutile.cli.bench.load;

import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Requests that were due in one stretch of time, by what became of them, and how long the accepted ones took. Safe from any thread. */
public final class Tally {

    /** Longer ones count as that. */
    private static final long LATENCY_MICROS_MAX = TimeUnit.MINUTES.toMicros(2);

    /** There is one of these for each second: 20 KiB each, exact to one percent. */
    private static final int SIGNIFICANT_DIGITS = 2;

    private final Map<Fate, Long> counts = new EnumMap<>(Fate.class);
    private @Nullable Histogram latencies;
    private @Nullable String firstOther;

    /** All of them together. */
    public static Tally sum(Collection<Tally> parts) {
        Tally sum = new Tally();
        parts.forEach(sum::add);
        return sum;
    }

    /** @param nanos since it was meant to begin; matters only if it was accepted */
    synchronized void count(Fate fate, long nanos) {
        counts.merge(fate, 1L, Long::sum);
        if (fate == Fate.ACCEPTED) {
            histogram().recordValue(Math.max(0, Math.min(TimeUnit.NANOSECONDS.toMicros(nanos), LATENCY_MICROS_MAX)));
        }
    }

    synchronized void countOther(String said) {
        counts.merge(Fate.OTHER, 1L, Long::sum);
        if (firstOther == null) {
            firstOther = said;
        }
    }

    private void add(Tally part) {
        synchronized (part) {
            part.counts.forEach((fate, times) -> counts.merge(fate, times, Long::sum));
            if (part.latencies != null) {
                histogram().add(part.latencies);
            }
            if (firstOther == null) {
                firstOther = part.firstOther;
            }
        }
    }

    private Histogram histogram() {
        Histogram now = latencies;
        if (now == null) {
            now = new Histogram(LATENCY_MICROS_MAX, SIGNIFICANT_DIGITS);
            latencies = now;
        }
        return now;
    }

    public synchronized long of(Fate fate) {
        return counts.getOrDefault(fate, 0L);
    }

    /** All that were due. */
    public synchronized long due() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Latency of the accepted ones in milliseconds; 0 if there are none. */
    public synchronized double percentileMs(double percentile) {
        return latencies == null ? 0 : latencies.getValueAtPercentile(percentile) / 1e3;
    }

    /** What the first of the {@link Fate#OTHER} said; null without one. */
    public synchronized @Nullable String firstOther() {
        return firstOther;
    }
}
