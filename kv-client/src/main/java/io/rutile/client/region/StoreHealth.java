package io.rutile.client.region;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

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

    /**
     * @param silent whether it swallowed requests; else it could not be reached
     * @param failures of this kind, one after the other
     * @param avoidedUntil on the monotonic clock
     */
    private record Illness(boolean silent, int failures, long windowNanos, long avoidedUntil) {}

    private final Map<Long, Illness> ill = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;

    /** @param nanoTime a monotonic clock */
    StoreHealth(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Stores not waited for right now. One whose time has come is not counted, though nobody may have had a reason to try it. */
    int avoidedCount() {
        long now = nanoTime.getAsLong();
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
        long now = nanoTime.getAsLong();
        if (now - illness.avoidedUntil() < 0) {
            return false;
        }
        Illness onTrial =
                new Illness(illness.silent(), illness.failures(), illness.windowNanos(), now + illness.windowNanos());
        return ill.replace(storeId, illness, onTrial);
    }

    /** It could not be reached. */
    void refused(long storeId) {
        failed(storeId, false, REFUSED_NANOS, REFUSED_NANOS_MAX);
    }

    /** It was reached, or may have been, and said nothing. */
    void silent(long storeId) {
        failed(storeId, true, SILENT_NANOS, SILENT_NANOS_MAX);
    }

    /** A store that refused while it started owes nothing when a request is swallowed later: each kind counts for itself. */
    private void failed(long storeId, boolean silent, long firstNanos, long maxNanos) {
        ill.compute(storeId, (id, before) -> {
            int failures = before == null || before.silent() != silent ? 1 : before.failures() + 1;
            long window = Math.min(maxNanos, firstNanos << Math.min(failures - 1, 10));
            return new Illness(silent, failures, window, nanoTime.getAsLong() + window);
        });
    }

    /** Any answer will do: a store that refuses a request is alive. */
    void answered(long storeId) {
        ill.remove(storeId);
    }
}
