package io.rutile.storage.command;

import io.rutile.protocol.ByteKey;
import io.rutile.storage.engine.Cf;
import java.util.Arrays;

/**
 * The latches that one command needs, as hashes with a mode. Immutable; independent of how many slots there are.
 *
 * <p>Besides its keys, each Region has a latch for its range as a whole: a command that changes every key of a range holds it
 * alone, a command that decides on single keys shares it.
 */
public final class LatchSet {

    /** Keeps the hashes of Regions away from those of keys, as far as hashes go. */
    private static final int RANGE_SALT = 0x5bd1e995;

    /** Hash in the upper bits, 1 in the lowest for exclusive. */
    private final long[] wanted;

    private LatchSet(long[] wanted) {
        this.wanted = wanted;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Slots of {@code mask + 1}, sorted, each once, with its mode in the lowest bit. */
    int[] slots(int mask) {
        int[] slots = new int[wanted.length];
        for (int i = 0; i < wanted.length; i++) {
            int slot = (int) (wanted[i] >>> 1) & mask;
            slots[i] = slot << 1 | (int) (wanted[i] & 1);
        }
        if (slots.length == 1) {
            return slots;
        }
        Arrays.sort(slots);
        int n = 0;
        for (int slot : slots) {
            // Sorted, so that of one slot's two modes the exclusive one comes last and wins.
            if (n > 0 && slots[n - 1] >> 1 == slot >> 1) {
                slots[n - 1] = slot;
            } else {
                slots[n++] = slot;
            }
        }
        return Arrays.copyOf(slots, n);
    }

    /** Collects; not thread-safe. */
    public static final class Builder {
        private long[] wanted = new long[4];
        private int size;

        private Builder() {}

        /** A key together with all who change it blindly. */
        public Builder shared(Cf cf, ByteKey key) {
            return add(hash(cf, key), false);
        }

        /** A key alone. */
        public Builder exclusive(Cf cf, ByteKey key) {
            return add(hash(cf, key), true);
        }

        /** Keeps whoever changes the Region's whole range out. */
        public Builder sharedRange(long regionId) {
            return add(Long.hashCode(regionId) + RANGE_SALT, false);
        }

        /** Keeps everybody out who decides on a key of the Region. */
        public Builder exclusiveRange(long regionId) {
            return add(Long.hashCode(regionId) + RANGE_SALT, true);
        }

        public LatchSet build() {
            return new LatchSet(Arrays.copyOf(wanted, size));
        }

        private Builder add(int hash, boolean exclusive) {
            if (size == wanted.length) {
                wanted = Arrays.copyOf(wanted, size * 2);
            }
            wanted[size++] = (spread(hash) & 0xFFFF_FFFFL) << 1 | (exclusive ? 1 : 0);
            return this;
        }

        private static int hash(Cf cf, ByteKey key) {
            return 31 * key.hashCode() + cf.id();
        }

        /** Only the low bits choose a slot: bring the high ones down. */
        private static int spread(int hash) {
            int h = hash * 0x9E3779B9;
            return h ^ h >>> 15;
        }
    }
}
