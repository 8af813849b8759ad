package io.rutile.client.region;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Which stores failed recently. They are passed over for a short while and then tried by one call at a time, so a dead store costs
 * one attempt and not one per caller.
 *
 * <p>A refused connection is cheap to try again, a store that swallowed a request is not: the first is avoided for at most half a
 * second, the second for at most four. Threads: any.
 */
final class StoreHealth {

    private static final long REFUSED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long REFUSED_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long SILENT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long SILENT_NANOS_MAX = TimeUnit.SECONDS.toNanos(4);

    /** @param avoidedUntil on the monotonic clock */
    private record Illness(int failures, long windowNanos, long avoidedUntil) {}

    private final Map<Long, Illness> ill = new ConcurrentHashMap<>();

    StoreHealth(RegionMetrics metrics) {
        metrics.watchHealth(this);
    }

    /** Stores not waited for right now. One whose time has come is not counted, though nobody may have had a reason to try it. */
    int avoidedCount() {
        long now = System.nanoTime();
        return (int) ill.values().stream()
                .filter(illness -> now - illness.avoidedUntil() < 0)
                .count();
    }

    boolean isWell(long storeId) {
        return !ill.containsKey(storeId);
    }

    /** True if the store may be tried now: it is well, or its time has come and this caller is the one to try. */
    boolean admits(long storeId) {
        Illness illness = ill.get(storeId);
        if (illness == null) {
            return true;
        }
        long now = System.nanoTime();
        if (now - illness.avoidedUntil() < 0) {
            return false;
        }
        Illness onTrial = new Illness(illness.failures(), illness.windowNanos(), now + illness.windowNanos());
        return ill.replace(storeId, illness, onTrial);
    }

    /** It could not be reached. */
    void refused(long storeId) {
        failed(storeId, REFUSED_NANOS, REFUSED_NANOS_MAX);
    }

    /** It was reached, or may have been, and said nothing. */
    void silent(long storeId) {
        failed(storeId, SILENT_NANOS, SILENT_NANOS_MAX);
    }

    private void failed(long storeId, long firstNanos, long maxNanos) {
        ill.compute(storeId, (id, before) -> {
            int failures = before == null ? 1 : before.failures() + 1;
            long window = Math.min(maxNanos, firstNanos << Math.min(failures - 1, 10));
            return new Illness(failures, window, System.nanoTime() + window);
        });
    }

    /** Any answer will do: a store that refuses a request is alive. */
    void answered(long storeId) {
        ill.remove(storeId);
    }
}
