package io.rutile.pd.meta;

import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.TimeStamp;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Optional;

/**
 * Decisions about garbage collection. Where time matters the leader's clock is part of the record, so that every replay lets
 * the same barriers expire.
 *
 * <pre>
 * record := type (1) body            docs/formats/pd-meta.md
 * </pre>
 */
public sealed interface GcRecord extends MetaRecord {

    /**
     * Moves the transaction safe point to the target, or to the lowest barrier before it. A target before the safe point is
     * refused.
     */
    record AdvanceTxnSafePoint(long target, long nowMs) implements GcRecord {

        static final byte TYPE = 8;

        @Override
        public Transition applyTo(MetaState state) {
            GcState gc = state.gc();
            if (before(target, gc.txnSafePoint())) {
                return Transition.refused(
                        state,
                        Reason.BEHIND_SAFE_POINT,
                        "the txn safe point is at " + text(gc.txnSafePoint()) + " and cannot go back to "
                                + text(target));
            }
            if (isFuture(target, state)) {
                return future(state, target);
            }
            GcState next = advanced(gc, target, nowMs);
            return new Transition(
                    state.withGc(next),
                    new MetaOutcome.Moved(gc.txnSafePoint(), next.txnSafePoint(), gc.blocker(target, nowMs)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(target);
            out.writeLong(nowMs);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Moves the GC safe point. Refused: back, or beyond the transaction safe point (P7). */
    record AdvanceGcSafePoint(long target) implements GcRecord {

        static final byte TYPE = 9;

        @Override
        public Transition applyTo(MetaState state) {
            GcState gc = state.gc();
            if (before(target, gc.gcSafePoint())) {
                return Transition.refused(
                        state,
                        Reason.BEHIND_SAFE_POINT,
                        "the gc safe point is at " + text(gc.gcSafePoint()) + " and cannot go back to " + text(target));
            }
            if (before(gc.txnSafePoint(), target)) {
                return Transition.refused(
                        state,
                        Reason.BEYOND_TXN_SAFE_POINT,
                        "the gc safe point cannot go to " + text(target) + ", which is beyond the txn safe point "
                                + text(gc.txnSafePoint()));
            }
            return new Transition(
                    state.withGc(gc.withGcSafePoint(target)),
                    new MetaOutcome.Moved(gc.gcSafePoint(), target, Optional.empty()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(target);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /**
     * Moves both safe points as far as barriers allow, for clients that know only one. A smaller target changes nothing; the
     * outcome is the GC safe point's move.
     */
    record UpdateGcSafePoint(long target, long nowMs) implements GcRecord {

        static final byte TYPE = 10;

        @Override
        public Transition applyTo(MetaState state) {
            GcState gc = state.gc();
            if (!before(gc.gcSafePoint(), target)) {
                return new Transition(
                        state, new MetaOutcome.Moved(gc.gcSafePoint(), gc.gcSafePoint(), Optional.empty()));
            }
            if (isFuture(target, state)) {
                return future(state, target);
            }
            GcState advanced = before(gc.txnSafePoint(), target) ? advanced(gc, target, nowMs) : gc;
            long reached = lower(target, advanced.txnSafePoint());
            // A barrier may hold the txn safe point where the gc safe point already is: reached ≥ gc, for gc ≤ txn.
            return new Transition(
                    state.withGc(advanced.withGcSafePoint(reached)),
                    new MetaOutcome.Moved(
                            gc.gcSafePoint(),
                            reached,
                            before(reached, target) ? gc.blocker(target, nowMs) : Optional.empty()));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeLong(target);
            out.writeLong(nowMs);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Sets a barrier or replaces the one of that id. Refused behind the transaction safe point; at it is allowed. */
    record SetBarrier(boolean global, GcBarrier barrier, long nowMs) implements GcRecord {

        static final byte TYPE = 11;

        @Override
        public Transition applyTo(MetaState state) {
            GcState gc = state.gc();
            if (before(barrier.ts(), gc.txnSafePoint())) {
                return Transition.refused(
                        state,
                        Reason.BEHIND_SAFE_POINT,
                        "barrier at " + text(barrier.ts()) + " is behind the txn safe point "
                                + text(gc.txnSafePoint()));
            }
            GcState next = gc.withoutExpired(nowMs).withBarrier(global, barrier);
            if (next.set(global).size() > GcState.BARRIERS_MAX) {
                return Transition.refused(
                        state, Reason.EXHAUSTED, "there are " + GcState.BARRIERS_MAX + " barriers already");
            }
            return new Transition(state.withGc(next), new MetaOutcome.Barrier(Optional.of(barrier)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeBoolean(global);
            barrier.writeTo(out);
            out.writeLong(nowMs);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /** Takes a barrier away; the outcome is what was there. */
    record DeleteBarrier(boolean global, String id) implements GcRecord {

        static final byte TYPE = 12;

        @Override
        public Transition applyTo(MetaState state) {
            GcBarrier known = state.gc().set(global).get(id);
            return new Transition(
                    known == null ? state : state.withGc(state.gc().withoutBarrier(global, id)),
                    new MetaOutcome.Barrier(Optional.ofNullable(known)));
        }

        @Override
        public void writeTo(DataOutputStream out) throws IOException {
            out.writeBoolean(global);
            out.writeUTF(id);
        }

        @Override
        public byte type() {
            return TYPE;
        }
    }

    /**
     * The record whose body follows.
     *
     * @throws IOException also if no record has this type
     */
    static MetaRecord read(byte type, DataInputStream in) throws IOException {
        return switch (type) {
            case AdvanceTxnSafePoint.TYPE -> new AdvanceTxnSafePoint(in.readLong(), in.readLong());
            case AdvanceGcSafePoint.TYPE -> new AdvanceGcSafePoint(in.readLong());
            case UpdateGcSafePoint.TYPE -> new UpdateGcSafePoint(in.readLong(), in.readLong());
            case SetBarrier.TYPE -> new SetBarrier(in.readBoolean(), GcBarrier.readFrom(in), in.readLong());
            case DeleteBarrier.TYPE -> new DeleteBarrier(in.readBoolean(), in.readUTF());
            default -> throw new IOException("meta record of unknown type " + type + ": written by a newer version?");
        };
    }

    private static GcState advanced(GcState gc, long target, long nowMs) {
        long limit = gc.blocker(target, nowMs).map(GcBarrier::ts).orElse(target);
        // A barrier is never behind the safe point when it is set; should one be, the safe point still does not go
        // back.
        long reached = before(limit, gc.txnSafePoint()) ? gc.txnSafePoint() : limit;
        return gc.withoutExpired(nowMs).withTxnSafePoint(reached);
    }

    /** Nobody was ever given such a timestamp: every one handed out is before the saved bound (T1). */
    private static boolean isFuture(long target, MetaState state) {
        return new TimeStamp(target).physicalMs() >= state.tsoSavedMs();
    }

    private static Transition future(MetaState state, long target) {
        return Transition.refused(
                state, Reason.INVALID_VALUE, "safe point " + text(target) + " is a timestamp from the future");
    }

    private static boolean before(long a, long b) {
        return Long.compareUnsigned(a, b) < 0;
    }

    private static long lower(long a, long b) {
        return before(a, b) ? a : b;
    }

    private static String text(long ts) {
        return Long.toUnsignedString(ts);
    }
}
