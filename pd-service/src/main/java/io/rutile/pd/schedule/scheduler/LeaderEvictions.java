package io.rutile.pd.schedule.scheduler;

import io.rutile.pd.schedule.placement.StoreFilters.LeaderBans;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stores that must not lead for now. Each eviction is a lease: its owner renews it for as long as it is needed, and one that
 * was forgotten ends by itself. Safe from any thread.
 *
 * <p>Leases are soft state of a term: after a change of PD's leader owners renew with the new one. Beside them stand the stores that
 * the settings name, which are evicted until the settings say otherwise.
 */
public final class LeaderEvictions implements LeaderBans {

    /** A lease that lasts longer would not be a lease. */
    public static final Duration LEASE_MAX = Duration.ofHours(24);

    /** Leases over all stores and owners. */
    static final int EVICTIONS_MAX = 4_096;

    private final Map<Key, Lease> leases = new ConcurrentHashMap<>();
    private final LongSupplier nanoClock;
    private final Supplier<Set<Long>> standing;

    private record Key(long storeId, String owner) {}

    private record Lease(long untilNanos, String why) {}

    /**
     * One that is in force.
     *
     * @param owner who took it, and may renew or release it
     * @param left until it ends by itself
     */
    public record Eviction(long storeId, String owner, String why, Duration left) {}

    /**
     * @param nanoClock monotonic
     * @param standing stores that are evicted without a lease
     */
    public LeaderEvictions(LongSupplier nanoClock, Supplier<Set<Long>> standing) {
        this.nanoClock = nanoClock;
        this.standing = standing;
    }

    /**
     * Takes out a lease, or renews it: it lasts from now.
     *
     * @param lease longer than 0, at most {@link #LEASE_MAX}
     * @throws IllegalArgumentException in words if the lease makes no sense
     * @throws IllegalStateException if there are too many
     */
    public void evict(long storeId, String owner, Duration lease, String why) {
        if (lease.isNegative() || lease.isZero() || lease.compareTo(LEASE_MAX) > 0) {
            throw new IllegalArgumentException(
                    "a store is evicted for more than 0 and at most " + LEASE_MAX + ", not for " + lease);
        }
        dropExpired();
        Key key = new Key(storeId, owner);
        if (leases.size() >= EVICTIONS_MAX && !leases.containsKey(key)) {
            throw new IllegalStateException("there are " + EVICTIONS_MAX + " evictions already");
        }
        leases.put(key, new Lease(nanoClock.getAsLong() + lease.toNanos(), why));
    }

    /** False if the owner had none. */
    public boolean release(long storeId, String owner) {
        dropExpired();
        return leases.remove(new Key(storeId, owner)) != null;
    }

    /** Leases by store, then by owner. */
    public List<Eviction> inForce() {
        long now = nanoClock.getAsLong();
        List<Eviction> found = new ArrayList<>();
        leases.forEach((key, lease) -> {
            if (lease.untilNanos() - now > 0) {
                found.add(new Eviction(
                        key.storeId(), key.owner(), lease.why(), Duration.ofNanos(lease.untilNanos() - now)));
            }
        });
        found.sort(Comparator.comparingLong(Eviction::storeId).thenComparing(Eviction::owner));
        return found;
    }

    @Override
    public @Nullable String banOf(long storeId) {
        if (standing.get().contains(storeId)) {
            return "must not lead: evict-leader-scheduler was added for it";
        }
        if (leases.isEmpty()) {
            return null;
        }
        for (Eviction eviction : inForce()) {
            if (eviction.storeId() == storeId) {
                return "must not lead for "
                        + TimeUnit.MILLISECONDS.toSeconds(eviction.left().toMillis()) + " s: " + eviction.why();
            }
        }
        return null;
    }

    private void dropExpired() {
        long now = nanoClock.getAsLong();
        leases.values().removeIf(lease -> lease.untilNanos() - now <= 0);
    }
}
