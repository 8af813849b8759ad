package io.rutile.storage.raw;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What several clients did to one key, and whether one order of it explains every answer: each operation takes effect at one
 * moment between its call and its return (Wing and Gong's search, with the visited states remembered).
 */
final class RegisterHistory {

    private static final Optional<String> ABSENT = Optional.empty();

    private final AtomicLong time = new AtomicLong();
    private final List<Operation> operations = new ArrayList<>();

    /** Starts an operation; its answer follows. */
    long call() {
        return time.incrementAndGet();
    }

    synchronized void read(long called, Optional<String> found) {
        add(new Operation(called, time.incrementAndGet(), Kind.READ, found, ABSENT));
    }

    /** A put, or a delete where the value is empty. */
    synchronized void write(long called, Optional<String> value) {
        add(new Operation(called, time.incrementAndGet(), Kind.WRITE, ABSENT, value));
    }

    /** @param found what the swap said was there */
    synchronized void swap(long called, boolean succeeded, Optional<String> found, Optional<String> value) {
        Kind kind = succeeded ? Kind.SWAP : Kind.READ;
        add(new Operation(called, time.incrementAndGet(), kind, found, value));
    }

    private void add(Operation operation) {
        operations.add(operation);
    }

    synchronized int size() {
        return operations.size();
    }

    /** True if some order explains everything, beginning with an absent key. */
    synchronized boolean isLinearizable() {
        List<Operation> byCall = new ArrayList<>(operations);
        byCall.sort(Comparator.comparingLong(Operation::called));
        return explains(byCall, new BitSet(), ABSENT, new HashSet<>());
    }

    private static boolean explains(List<Operation> all, BitSet done, Optional<String> value, Set<State> visited) {
        record Frame(BitSet done, Optional<String> value) {}
        List<Frame> stack = new ArrayList<>();
        stack.add(new Frame(done, value));
        while (!stack.isEmpty()) {
            Frame at = stack.remove(stack.size() - 1);
            int first = at.done().nextClearBit(0);
            if (first == all.size()) {
                return true;
            }
            // Whoever was called before every unfinished one returned may be the next to take effect.
            long earliestReturn = Long.MAX_VALUE;
            for (int i = first; i < all.size(); i++) {
                if (!at.done().get(i)) {
                    if (all.get(i).called() > earliestReturn) {
                        break;
                    }
                    earliestReturn = Math.min(earliestReturn, all.get(i).returned());
                }
            }
            for (int i = first; i < all.size() && all.get(i).called() < earliestReturn; i++) {
                Operation next = all.get(i);
                if (!at.done().get(i) && next.fits(at.value())) {
                    BitSet then = (BitSet) at.done().clone();
                    then.set(i);
                    Optional<String> after = next.after(at.value());
                    if (visited.add(new State(then, after))) {
                        stack.add(new Frame(then, after));
                    }
                }
            }
        }
        return false;
    }

    private enum Kind {
        READ,
        WRITE,
        SWAP
    }

    private record State(BitSet done, Optional<String> value) {}

    /** @param found what it says was there; only told by reads and swaps */
    private record Operation(long called, long returned, Kind kind, Optional<String> found, Optional<String> value) {

        boolean fits(Optional<String> now) {
            return kind == Kind.WRITE || Objects.equals(found, now);
        }

        Optional<String> after(Optional<String> now) {
            return kind == Kind.READ ? now : value;
        }
    }
}
