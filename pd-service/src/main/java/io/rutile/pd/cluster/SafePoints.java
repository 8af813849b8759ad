package io.rutile.pd.cluster;

import io.rutile.pd.meta.GcBarrier;
import io.rutile.pd.meta.GcRecord;
import io.rutile.pd.meta.GcState;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaStore;
import java.time.InstantSource;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Safe points and barriers as the leader of one term decides on them: its clock says when a barrier ends, the log says what
 * became of each decision (P7). Timestamps are compared unsigned; safe from any thread.
 *
 * <p>Futures complete with a {@link MetaOutcome}, or fail with {@link io.rutile.pd.meta.MetaException}.
 */
public final class SafePoints {

    private final MetaStore meta;
    private final long term;
    private final InstantSource clock;

    public SafePoints(MetaStore meta, long term, InstantSource clock) {
        this.meta = meta;
        this.term = term;
        this.clock = clock;
    }

    public GcState state() {
        return meta.state().gc();
    }

    /** See {@link GcRecord.AdvanceTxnSafePoint}; a {@link MetaOutcome.Moved} or a refusal. */
    public CompletableFuture<MetaOutcome> advanceTxn(long target) {
        return meta.propose(new GcRecord.AdvanceTxnSafePoint(target, clock.millis()), term);
    }

    /** See {@link GcRecord.AdvanceGcSafePoint}; a {@link MetaOutcome.Moved} or a refusal. */
    public CompletableFuture<MetaOutcome> advanceGc(long target) {
        return meta.propose(new GcRecord.AdvanceGcSafePoint(target), term);
    }

    /** See {@link GcRecord.UpdateGcSafePoint}; a {@link MetaOutcome.Moved} or a refusal. */
    public CompletableFuture<MetaOutcome> updateGc(long target) {
        return meta.propose(new GcRecord.UpdateGcSafePoint(target, clock.millis()), term);
    }

    /**
     * A {@link MetaOutcome.Barrier} or a refusal.
     *
     * @param ttlSeconds positive; {@link Long#MAX_VALUE} for one that never expires
     */
    public CompletableFuture<MetaOutcome> setBarrier(boolean global, String id, long ts, long ttlSeconds) {
        long nowMs = clock.millis();
        boolean never = ttlSeconds >= TimeUnit.MILLISECONDS.toSeconds(GcBarrier.NEVER - nowMs);
        long expiresAtMs = never ? GcBarrier.NEVER : nowMs + TimeUnit.SECONDS.toMillis(ttlSeconds);
        return meta.propose(new GcRecord.SetBarrier(global, new GcBarrier(id, ts, expiresAtMs), nowMs), term);
    }

    /** A {@link MetaOutcome.Barrier} with what was there. */
    public CompletableFuture<MetaOutcome> deleteBarrier(boolean global, String id) {
        return meta.propose(new GcRecord.DeleteBarrier(global, id), term);
    }

    /** The barriers of one set that still count. */
    public Collection<GcBarrier> barriers(boolean global) {
        return state().barriers(global, clock.millis());
    }

    /** How long the barrier still counts, in seconds and rounded up; {@link Long#MAX_VALUE} if it never expires. */
    public long ttlSeconds(GcBarrier barrier) {
        if (barrier.expiresAtMs() == GcBarrier.NEVER) {
            return Long.MAX_VALUE;
        }
        long leftMs = Math.max(0, barrier.expiresAtMs() - clock.millis());
        return leftMs / 1_000 + (leftMs % 1_000 == 0 ? 0 : 1);
    }
}
