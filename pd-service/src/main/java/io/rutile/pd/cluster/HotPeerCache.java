package io.rutile.pd.cluster;

import io.rutile.protocol.metapb.Peer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Regions through which much goes, as their leaders report it; smoothed, so that one busy report makes nobody hot. Bounded: of
 * too many the coolest is forgotten. Safe from any thread: one lock.
 */
public final class HotPeerCache {

    /** From here on a Region is warm, in bytes a second read and written. */
    public static final long WARM_BYTES_PER_SECOND = 512 << 10;

    /** Warm reports in a row that make a Region hot. */
    static final int HOT_DEGREE = 3;

    static final int REGIONS_MAX = 4_096;
    private static final Duration FORGOTTEN_AFTER = Duration.ofMinutes(3);

    private final Map<Long, HotRegion> byRegion = new HashMap<>();
    private final LongSupplier nanoClock;

    /**
     * A Region that is warm or hot.
     *
     * @param leaderStore who led it when it was reported
     * @param readPerSecond bytes, smoothed
     * @param writtenPerSecond bytes, smoothed
     * @param degree warm reports in a row, at most 100
     * @param atNanos last report, on the monotonic clock
     */
    public record HotRegion(
            long regionId, long leaderStore, long readPerSecond, long writtenPerSecond, int degree, long atNanos) {

        public long bytesPerSecond() {
            return readPerSecond + writtenPerSecond;
        }

        public boolean isHot() {
            return degree >= HOT_DEGREE;
        }
    }

    /** @param nanoClock monotonic */
    public HotPeerCache(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /** Takes a report over that says over what time it counts. */
    synchronized void observe(RegionInfo region) {
        Peer leader = region.leader();
        RegionFlow flow = region.flow();
        if (leader == null || flow.seconds() == 0) {
            return;
        }
        HotRegion before = byRegion.get(region.id());
        if (before == null && flow.bytesPerSecond() < WARM_BYTES_PER_SECOND) {
            return;
        }
        long read = flow.bytesRead() / flow.seconds();
        long written = flow.bytesWritten() / flow.seconds();
        if (before != null) {
            read = (read + before.readPerSecond()) / 2;
            written = (written + before.writtenPerSecond()) / 2;
        }
        int degree = before == null ? 0 : before.degree();
        degree = Math.min(100, degree + (read + written >= WARM_BYTES_PER_SECOND ? 1 : -1));
        if (degree <= 0) {
            byRegion.remove(region.id());
            return;
        }
        HotRegion now = new HotRegion(region.id(), leader.getStoreId(), read, written, degree, nanoClock.getAsLong());
        if (before != null || hasRoomFor(now)) {
            byRegion.put(region.id(), now);
        }
    }

    private boolean hasRoomFor(HotRegion region) {
        if (byRegion.size() < REGIONS_MAX) {
            return true;
        }
        HotRegion coolest = byRegion.values().stream()
                .min(Comparator.comparingLong(HotRegion::bytesPerSecond))
                .orElse(region);
        return coolest.bytesPerSecond() < region.bytesPerSecond() && byRegion.remove(coolest.regionId()) != null;
    }

    public synchronized boolean isHot(long regionId) {
        HotRegion region = current(byRegion.get(regionId));
        return region != null && region.isHot();
    }

    /** Those that are hot, the hottest first. */
    public synchronized List<HotRegion> hottest(int limit) {
        List<HotRegion> hot = new ArrayList<>(byRegion.values());
        hot.removeIf(region -> current(region) == null || !region.isHot());
        hot.sort(Comparator.comparingLong(HotRegion::bytesPerSecond).reversed().thenComparingLong(HotRegion::regionId));
        return List.copyOf(hot.subList(0, Math.min(limit, hot.size())));
    }

    /** Null for one that nobody has reported for long: it is led elsewhere under another name, or gone. */
    private @Nullable HotRegion current(@Nullable HotRegion region) {
        return region == null || nanoClock.getAsLong() - region.atNanos() > FORGOTTEN_AFTER.toNanos() ? null : region;
    }
}
