package io.rutile.storage.command;

import io.rutile.protocol.RegionErrors;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Orders commands on the same keys (P1): an exclusive holder of a slot is alone, shared holders are among themselves.
 *
 * <p>Invariants: every command takes its slots in ascending order, so that no two wait for each other; a slot's queue is first in,
 * first out, and whoever comes while somebody waits waits behind them, so that nobody starves. Keys that share a slot are ordered
 * although they needn't be: that costs time, never correctness.
 *
 * <p>No thread ever blocks. Who gets its turn after waiting runs on the thread that released, in a loop and not in a recursion.
 * Safe from every thread.
 */
public final class Latches {

    private static final int SLOTS_MAX = 1 << 20;

    private final Slot[] slots;
    private final int waitersMax;
    private final AtomicInteger waiters = new AtomicInteger();

    /** Those who got their turn on this thread and have not gone on yet; null while nobody goes through it. */
    private static final ThreadLocal<Deque<Holder>> TURNS = new ThreadLocal<>();

    /**
     * @param slots rounded up to a power of two
     * @param waitersMax commands that may wait; more are refused with {@code ServerIsBusy}
     */
    public Latches(int slots, int waitersMax) {
        if (slots < 1 || slots > SLOTS_MAX || waitersMax < 0) {
            throw new IllegalArgumentException("slots=" + slots + " waitersMax=" + waitersMax);
        }
        this.slots = new Slot[Math.max(1, Integer.highestOneBit(slots - 1) << 1)];
        for (int i = 0; i < this.slots.length; i++) {
            this.slots[i] = new Slot();
        }
        this.waitersMax = waitersMax;
    }

    /** What a command holds until it calls {@link #release}. */
    public interface Held {
        /** Lets the next ones in. Once; more often does nothing. From any thread. */
        void release();
    }

    /**
     * All latches of the set, at once or later. Fails with {@code ServerIsBusy} if it would have to wait and too many wait already.
     */
    public CompletableFuture<Held> acquire(LatchSet set) {
        Holder holder = new Holder(set.slots(slots.length - 1));
        goOn(holder);
        return holder.granted;
    }

    /** Commands that wait now. */
    public int waiting() {
        return waiters.get();
    }

    /** Takes slots in ascending order until one is taken by somebody else, or all are held. */
    private void goOn(Holder holder) {
        while (holder.next < holder.wanted.length) {
            int wanted = holder.wanted[holder.next];
            Slot slot = slots[wanted >> 1];
            boolean exclusive = (wanted & 1) != 0;
            synchronized (slot) {
                if (!slot.take(exclusive)) {
                    if (waiters.incrementAndGet() <= waitersMax) {
                        slot.queue.add(holder);
                        return;
                    }
                    waiters.decrementAndGet();
                    holder.refused = true;
                }
            }
            if (holder.refused) {
                giveBack(holder);
                holder.granted.completeExceptionally(RegionErrors.serverIsBusy("scheduler is busy", 0));
                return;
            }
            holder.next++;
        }
        holder.granted.complete(holder);
    }

    private void giveBack(Holder holder) {
        Deque<Holder> outer = TURNS.get();
        Deque<Holder> turn = outer != null ? outer : new ArrayDeque<>();
        for (int i = 0; i < holder.next; i++) {
            int wanted = holder.wanted[i];
            Slot slot = slots[wanted >> 1];
            synchronized (slot) {
                slot.giveBack((wanted & 1) != 0);
                while (!slot.queue.isEmpty() && slot.take(slot.queue.getFirst())) {
                    waiters.decrementAndGet();
                    turn.add(slot.queue.removeFirst());
                }
            }
        }
        if (outer == null && !turn.isEmpty()) {
            TURNS.set(turn);
            try {
                for (Holder next = turn.poll(); next != null; next = turn.poll()) {
                    next.takeTurn();
                }
            } finally {
                TURNS.remove();
            }
        }
    }

    /** Guarded by itself. */
    private static final class Slot {
        private static final int EXCLUSIVE = -1;

        private final Deque<Holder> queue = new ArrayDeque<>(0);

        /** Number of shared holders, or {@link #EXCLUSIVE}. */
        private int holders;

        /** For a newcomer, who doesn't overtake. */
        boolean take(boolean exclusive) {
            return queue.isEmpty() && hold(exclusive);
        }

        /** For the first in the queue. */
        boolean take(Holder first) {
            return hold((first.wanted[first.next] & 1) != 0);
        }

        private boolean hold(boolean exclusive) {
            if (exclusive ? holders != 0 : holders == EXCLUSIVE) {
                return false;
            }
            holders = exclusive ? EXCLUSIVE : holders + 1;
            return true;
        }

        void giveBack(boolean exclusive) {
            assert exclusive ? holders == EXCLUSIVE : holders > 0;
            holders = exclusive ? 0 : holders - 1;
        }
    }

    /** A command on its way through its slots. Its fields belong to whoever moves it on: one thread at a time. */
    private final class Holder implements Held {
        private final int[] wanted;
        private final CompletableFuture<Held> granted = new CompletableFuture<>();
        private final AtomicBoolean released = new AtomicBoolean();

        /** Slots before this index are held. */
        private int next;

        private boolean refused;

        private Holder(int[] wanted) {
            this.wanted = wanted;
        }

        /** The slot that it waited for is held now. */
        private void takeTurn() {
            next++;
            goOn(this);
        }

        @Override
        public void release() {
            if (released.compareAndSet(false, true)) {
                giveBack(this);
            }
        }
    }
}
