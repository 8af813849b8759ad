package io.rutile.client.feed;

import io.rutile.client.feed.FeedSource.Guard;
import io.rutile.client.region.CachedRegion;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A part of a feed's range that one Region is asked for, and how far it is known. Guarded by its feed.
 *
 * <p>Every change of it up to {@link #floorTs} that lies before its {@link #horizon} has been taken in.
 */
final class Span {

    /** What a prewrite has said; its commit may come without the value. */
    @SuppressWarnings("ArrayRecordComponent") // never compared as a record
    record Prewrite(long startTs, byte[] value) {}

    /** As Regions' borders are written. */
    final KeyRange borders;

    long floorTs;

    /** From here on changes were dropped; null for nowhere. */
    private @Nullable Place horizon;

    // ---- who is asked for it

    @Nullable CachedRegion region;

    @Nullable Peer peer;

    @Nullable StoreStream stream;

    long requestId;

    @Nullable Guard guard;
    /** The store has told everything that was missed, and it is known to be whole. */
    private boolean initialized;
    /** How far the store has said that it is settled while it was not known whether that is whole; 0 if it has not. */
    private long unconfirmedTs;
    /** Failures one after the other. */
    int failures;
    /** Which attempt this is: what comes of an earlier one counts no more. */
    int attempt;

    /** When the floor rose last. */
    long risenNanos;

    private final Map<ByteKey, Prewrite> prewrites = new HashMap<>();
    private long prewriteBytes;

    Span(KeyRange borders, long floorTs, long nowNanos) {
        this.borders = borders;
        this.floorTs = floorTs;
        this.risenNanos = nowNanos;
    }

    /** The same progress for a part of it; nothing has been dropped. */
    Span part(KeyRange part, long nowNanos) {
        return new Span(part, floorTs, nowNanos);
    }

    @Nullable Place horizon() {
        return horizon;
    }

    boolean isBeyondHorizon(Place place) {
        return horizon != null && !place.isBefore(horizon);
    }

    void drawHorizon(Place place) {
        if (horizon == null || place.isBefore(horizon)) {
            horizon = place;
        }
    }

    /** It will be told again from there on: the floor may sink, never below what was given out. */
    void forgetHorizon() {
        if (horizon != null) {
            long before = horizon.ts() - 1;
            floorTs = Long.compareUnsigned(before, floorTs) < 0 ? before : floorTs;
            horizon = null;
        }
    }

    boolean isInitialized() {
        return initialized;
    }

    /** What the store has told from the beginning of this attempt on is whole. */
    void confirmed(long nowNanos) {
        initialized = true;
        settled(unconfirmedTs, nowNanos);
    }

    /** Nobody is asked any more: the next one tells everything anew. */
    void left() {
        initialized = false;
        unconfirmedTs = 0;
    }

    /**
     * The store says that everything up to there, before the horizon, is here. It says so once: where a lock keeps the Region from being settled
     * any further, the next word may be a long time coming.
     */
    void settled(long ts, long nowNanos) {
        if (!initialized) {
            unconfirmedTs = ts;
        } else if (Long.compareUnsigned(ts, floorTs) > 0) {
            floorTs = ts;
            risenNanos = nowNanos;
        }
    }

    /** @return the bytes that it takes more */
    long prewritten(ByteKey key, Prewrite prewrite) {
        Prewrite before = prewrites.put(key, prewrite);
        long more = cost(key, prewrite) - (before == null ? 0 : cost(key, before));
        prewriteBytes += more;
        return more;
    }

    /** What the transaction had prewritten there; null if that isn't known. */
    @Nullable Prewrite end(ByteKey key, long startTs) {
        Prewrite known = prewrites.get(key);
        if (known == null || known.startTs() != startTs) {
            return null;
        }
        prewrites.remove(key);
        prewriteBytes -= cost(key, known);
        return known;
    }

    static long cost(ByteKey key, Prewrite prewrite) {
        return 120L + key.bytes().length + prewrite.value().length;
    }

    /** @return the bytes that were in use */
    long forgetPrewrites() {
        long was = prewriteBytes;
        prewrites.clear();
        prewriteBytes = 0;
        return was;
    }
}
