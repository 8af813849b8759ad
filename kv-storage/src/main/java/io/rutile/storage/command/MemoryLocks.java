package io.rutile.storage.command;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Locks whose commit timestamp this store is choosing: from before it looks at max_ts until the lock, or the committed record, can
 * be seen in the engine (P4).
 *
 * <p>Who reads raises max_ts first and looks here second. Who chooses puts its key here first and looks at max_ts second, with the
 * key's slot locked. So either the reader's timestamp is below the one that is chosen, or the reader finds the lock.
 *
 * <p>Safe from every thread; a slot is held for as long as it takes to make a timestamp.
 */
final class MemoryLocks {

    private final ConcurrentNavigableMap<ByteKey, Slot> slots = new ConcurrentSkipListMap<>();

    /** Guarded by itself. */
    private static final class Slot {
        private @Nullable Lock lock;
    }

    /**
     * Puts up a lock.
     *
     * @param choose makes the lock, with everybody who reads this key kept waiting; may throw, then nothing stays here
     */
    Lock put(MvccKey key, Supplier<Lock> choose) {
        // The key's latch is held: nobody else puts or removes this slot.
        Slot slot = slots.computeIfAbsent(key.encoded(), absent -> new Slot());
        synchronized (slot) {
            try {
                Lock lock = choose.get();
                slot.lock = lock;
                return lock;
            } catch (RuntimeException e) {
                slots.remove(key.encoded());
                throw e;
            }
        }
    }

    void remove(MvccKey key) {
        slots.remove(key.encoded());
    }

    int size() {
        return slots.size();
    }

    /** What {@code look} makes of the first lock in the range that it makes something of, else null. */
    <T> @Nullable T first(KeyRange encoded, BiFunction<MvccKey, Lock, @Nullable T> look) {
        if (slots.isEmpty() || encoded.isEmpty()) {
            return null;
        }
        ConcurrentNavigableMap<ByteKey, Slot> inside = encoded.end().isEmpty()
                ? slots.tailMap(encoded.start(), true)
                : slots.subMap(encoded.start(), true, encoded.end(), false);
        for (var entry : inside.entrySet()) {
            T found = look(MvccKey.ofEncoded(entry.getKey().bytes()), entry.getValue(), look);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /** The same for one key. */
    <T> @Nullable T at(MvccKey key, BiFunction<MvccKey, Lock, @Nullable T> look) {
        Slot slot = slots.get(key.encoded());
        return slot == null ? null : look(key, slot, look);
    }

    private static <T> @Nullable T look(MvccKey key, Slot slot, BiFunction<MvccKey, Lock, @Nullable T> look) {
        Lock lock;
        synchronized (slot) {
            lock = slot.lock;
        }
        return lock == null ? null : look.apply(key, lock);
    }
}
