package io.rutile.pd.meta;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * How far garbage may be collected, and who holds that back; immutable. Timestamps are compared unsigned.
 *
 * <p>gc ≤ txn, and neither ever goes back (P7).
 *
 * @param txnSafePoint no transaction that began before it may still read or commit
 * @param gcSafePoint stores may drop what nobody at or after it can read
 * @param barriers by id; expired ones stay until the next change
 * @param globalBarriers a second set with ids of its own; they hold just as well
 */
public record GcState(
        long txnSafePoint, long gcSafePoint, Map<String, GcBarrier> barriers, Map<String, GcBarrier> globalBarriers) {

    /** Barriers of one set; they live in PD's memory and in every image. */
    public static final int BARRIERS_MAX = 1_024;

    static final GcState EMPTY = new GcState(0, 0, Map.of(), Map.of());

    public GcState {
        if (Long.compareUnsigned(gcSafePoint, txnSafePoint) > 0) {
            throw new IllegalArgumentException("gc safe point " + Long.toUnsignedString(gcSafePoint)
                    + " is beyond txn safe point " + Long.toUnsignedString(txnSafePoint));
        }
        barriers = Collections.unmodifiableMap(barriers);
        globalBarriers = Collections.unmodifiableMap(globalBarriers);
    }

    /** The barriers of one of the two sets that still count, by id. */
    public Collection<GcBarrier> barriers(boolean global, long nowMs) {
        return set(global).values().stream()
                .filter(barrier -> !barrier.isExpired(nowMs))
                .toList();
    }

    /** What keeps the transaction safe point from reaching {@code target}: the lowest barrier before it. */
    public Optional<GcBarrier> blocker(long target, long nowMs) {
        return Stream.concat(barriers.values().stream(), globalBarriers.values().stream())
                .filter(barrier -> !barrier.isExpired(nowMs) && Long.compareUnsigned(barrier.ts(), target) < 0)
                .min(Comparator.comparing(GcBarrier::ts, Long::compareUnsigned));
    }

    Map<String, GcBarrier> set(boolean global) {
        return global ? globalBarriers : barriers;
    }

    GcState withTxnSafePoint(long ts) {
        return new GcState(ts, gcSafePoint, barriers, globalBarriers);
    }

    GcState withGcSafePoint(long ts) {
        return new GcState(txnSafePoint, ts, barriers, globalBarriers);
    }

    GcState withBarrier(boolean global, GcBarrier barrier) {
        Map<String, GcBarrier> next = new TreeMap<>(set(global));
        next.put(barrier.id(), barrier);
        return withSet(global, next);
    }

    GcState withoutBarrier(boolean global, String id) {
        Map<String, GcBarrier> next = new TreeMap<>(set(global));
        next.remove(id);
        return withSet(global, next);
    }

    GcState withoutExpired(long nowMs) {
        return new GcState(txnSafePoint, gcSafePoint, living(barriers, nowMs), living(globalBarriers, nowMs));
    }

    private GcState withSet(boolean global, Map<String, GcBarrier> next) {
        return global
                ? new GcState(txnSafePoint, gcSafePoint, barriers, next)
                : new GcState(txnSafePoint, gcSafePoint, next, globalBarriers);
    }

    private static Map<String, GcBarrier> living(Map<String, GcBarrier> from, long nowMs) {
        Map<String, GcBarrier> living = new TreeMap<>(from);
        living.values().removeIf(barrier -> barrier.isExpired(nowMs));
        return living;
    }

    void writeTo(DataOutputStream out) throws IOException {
        out.writeLong(txnSafePoint);
        out.writeLong(gcSafePoint);
        writeSet(out, barriers);
        writeSet(out, globalBarriers);
    }

    static GcState readFrom(DataInputStream in) throws IOException {
        return new GcState(in.readLong(), in.readLong(), readSet(in), readSet(in));
    }

    private static void writeSet(DataOutputStream out, Map<String, GcBarrier> set) throws IOException {
        out.writeInt(set.size());
        for (GcBarrier barrier : set.values()) {
            barrier.writeTo(out);
        }
    }

    private static Map<String, GcBarrier> readSet(DataInputStream in) throws IOException {
        Map<String, GcBarrier> set = new TreeMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            GcBarrier barrier = GcBarrier.readFrom(in);
            set.put(barrier.id(), barrier);
        }
        return set;
    }
}
