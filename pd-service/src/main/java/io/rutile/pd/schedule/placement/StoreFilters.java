package io.rutile.pd.schedule.placement;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.StoreInfo;
import io.rutile.pd.cluster.StoreInfo.Liveness;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.pd.schedule.operator.StoreLimits;
import io.rutile.protocol.metapb.StoreState;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The filters there are, and which of them count for what. Safe from any thread. */
public final class StoreFilters {

    /** The filter that holds back what comes faster than a store's limit allows. */
    public static final String ADD_LIMIT = "add-limit";

    private final Supplier<PlacementOptions> options;
    private final OperatorsUnderWay underWay;
    private final LeaderBans bans;

    /** Stores that must not lead for now. */
    @FunctionalInterface
    public interface LeaderBans {

        /** Why, as words that follow "store 3"; null if it may lead. */
        @Nullable String banOf(long storeId);
    }

    public StoreFilters(Supplier<PlacementOptions> options, OperatorsUnderWay underWay, LeaderBans bans) {
        this.options = options;
        this.underWay = underWay;
        this.bans = bans;
    }

    /** For stores that shall receive a replica, whichever Region's. */
    public List<StoreFilter> newReplica() {
        return List.of(
                member(),
                heardOf(),
                space(),
                notStopping(),
                notBusy(),
                catchingUp(),
                snapshots(),
                receiving(),
                addLimit());
    }

    /** For stores that shall give a replica away although they could keep it. */
    public List<StoreFilter> givenAway() {
        return List.of(member(), heardOf(), snapshots(), removeLimit());
    }

    /** For stores that shall lead a Region of which they have a replica. */
    public List<StoreFilter> newLeader() {
        return List.of(member(), heardOf(), notStopping(), notBusy(), notBanned(), notSlow());
    }

    public StoreFilter member() {
        return new StoreFilter(
                "member",
                store -> store.store().getState() == StoreState.Up
                        ? null
                        : "is " + store.store().getState().name().toLowerCase(Locale.ROOT));
    }

    public StoreFilter heardOf() {
        return new StoreFilter(
                "heard-of", store -> store.liveness() == Liveness.UP ? null : "has not been heard of lately");
    }

    public StoreFilter notStopping() {
        return StoreFilter.forNow("stopping", store -> store.stats().getIsStopping() ? "is about to stop" : null);
    }

    public StoreFilter notBusy() {
        return StoreFilter.forNow("busy", store -> store.stats().getIsBusy() ? "says that it is busy" : null);
    }

    public StoreFilter space() {
        PlacementOptions now = options.get();
        return new StoreFilter("space", store -> {
            if (store.stats().getCapacity() == 0) {
                return null;
            }
            if (store.stats().getAvailable() < now.freeBytesMin()) {
                return "has less than " + (now.freeBytesMin() >> 20) + " MiB free";
            }
            return store.freeRatio() < now.freeRatioMin()
                    ? "has less than " + Math.round(100 * now.freeRatioMin()) + " % of its space free"
                    : null;
        });
    }

    public StoreFilter catchingUp() {
        int max = options.get().pendingPeersMax();
        return StoreFilter.forNow(
                "catching-up",
                store -> store.load().pendingPeers() > max
                        ? "has " + store.load().pendingPeers() + " replicas that are still catching up"
                        : null);
    }

    public StoreFilter snapshots() {
        int max = options.get().snapshotsMax();
        return StoreFilter.forNow("snapshots", store -> {
            int most = Math.max(
                    store.stats().getSendingSnapCount(),
                    Math.max(
                            store.stats().getReceivingSnapCount(), store.stats().getApplyingSnapCount()));
            return most > max ? "is busy with " + most + " snapshots" : null;
        });
    }

    public StoreFilter receiving() {
        int max = options.get().receivingMax();
        return StoreFilter.forNow(
                "receiving",
                store -> underWay.influenceOn(store.id()).receiving() >= max
                        ? "is receiving " + max + " replicas already"
                        : null);
    }

    public StoreFilter addLimit() {
        return StoreFilter.forNow(
                ADD_LIMIT,
                store -> underWay.allows(store.id(), StoreLimits.Kind.ADD)
                        ? null
                        : "has received as many replicas as its limit allows for now");
    }

    public StoreFilter removeLimit() {
        return StoreFilter.forNow(
                "remove-limit",
                store -> underWay.allows(store.id(), StoreLimits.Kind.REMOVE)
                        ? null
                        : "has given away as many replicas as its limit allows for now");
    }

    public StoreFilter notBanned() {
        return new StoreFilter("leader-ban", store -> bans.banOf(store.id()));
    }

    public StoreFilter notSlow() {
        int max = options.get().slowScoreMax();
        return new StoreFilter(
                "slow",
                store -> store.stats().getSlowScore() > max
                        ? "is slow, with a score of " + store.stats().getSlowScore() + " out of 100"
                        : null);
    }

    /** For stores that shall receive a replica of this Region. */
    public static StoreFilter without(RegionInfo region) {
        return new StoreFilter("has-replica", store -> region.peerOn(store.id()) == null ? null : "has a replica");
    }

    /** For stores that shall receive a replica beside those on {@code others}. */
    public static StoreFilter apartFrom(Collection<StoreInfo> others, Locations locations) {
        return new StoreFilter("isolation", store -> {
            for (StoreInfo other : others) {
                if (locations.isTooClose(store, other)) {
                    return "shares its " + locations.isolation() + " with store " + other.id()
                            + ", which has a replica";
                }
            }
            return null;
        });
    }
}
