package io.rutile.cli.placement;

import com.google.gson.JsonObject;
import io.rutile.cli.cluster.ClusterException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Empties a store: tells PD that it is to leave, and watches until PD has seen that nothing is left on it. Stopping to watch
 * stops nothing.
 */
public final class Drain {

    private static final String TOMBSTONE = "Tombstone";

    private final PdHttp pd;
    private final long storeId;
    private final LongSupplier nanoClock;
    private final Pause pause;

    /** Lets time pass between two looks. */
    public interface Pause {
        void between() throws InterruptedException;
    }

    public Drain(PdHttp pd, long storeId, LongSupplier nanoClock, Pause pause) {
        this.pd = pd;
        this.storeId = storeId;
        this.nanoClock = nanoClock;
        this.pause = pause;
    }

    /**
     * Begins and watches.
     *
     * @param progress told what is left, whenever that has changed
     * @return the store as it was last seen: a tombstone if it is empty, anything else if the time is up
     */
    public StoreView run(Duration within, Consumer<StoreView> progress) {
        StoreView before = store();
        if (before.state().equals(TOMBSTONE)) {
            return before;
        }
        pd.delete("/store/" + storeId);
        long deadlineNanos = nanoClock.getAsLong() + within.toNanos();
        StoreView seen = store();
        progress.accept(seen);
        while (!seen.state().equals(TOMBSTONE) && nanoClock.getAsLong() - deadlineNanos < 0) {
            between();
            StoreView now = store();
            if (now.regions() != seen.regions() || now.leaders() != seen.leaders()) {
                progress.accept(now);
            }
            seen = now;
        }
        return seen;
    }

    /** The store stays after all. */
    public void cancel() {
        pd.post("/store/" + storeId + "/state?state=Up");
    }

    /** Why the first Region that is still there has not moved, in PD's words; empty if none is. */
    public Optional<String> whatHoldsIt() {
        List<RegionView> regions = RegionView.list(pd.object("/regions/store/" + storeId + "?limit=1"));
        if (regions.isEmpty()) {
            return Optional.empty();
        }
        long regionId = regions.get(0).id();
        JsonObject why = pd.object("/region/id/" + regionId + "/why");
        return Optional.of(
                "region " + regionId + ": " + Fields.text(why, "action") + ", " + Fields.text(why, "reason"));
    }

    private StoreView store() {
        return StoreView.of(pd.object("/store/" + storeId));
    }

    private void between() {
        try {
            pause.between();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClusterException("interrupted; the store goes on leaving");
        }
    }
}
