package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who watches one Region's changes. While nobody does, an apply costs a volatile read and two ordered writes, and copies nothing.
 *
 * <p>A watcher that comes while a batch is being applied is told nothing of that batch: {@link #tellsAll} says from when on whatever
 * it isn't told of can be seen in a snapshot.
 *
 * <p>Threads: {@link #open} to {@link #close} on the apply thread, the rest from anywhere.
 */
final class ChangeWatchers {

    private static final ChangeWatcher[] NONE = new ChangeWatcher[0];

    private volatile ChangeWatcher[] watchers = NONE;

    /** Applies that have begun; written by the apply thread alone, before it looks who watches. */
    private volatile long opened;

    /** Applies that have ended; written by the apply thread alone, before it looks who watches. */
    private volatile long closed;

    /** @return the number that {@link #tellsAll} wants to know */
    long add(ChangeWatcher watcher) {
        synchronized (this) {
            ChangeWatcher[] more = Arrays.copyOf(watchers, watchers.length + 1);
            more[watchers.length] = watcher;
            watchers = more;
        }
        return opened;
    }

    synchronized void remove(ChangeWatcher watcher) {
        ChangeWatcher[] rest =
                Arrays.stream(watchers).filter(one -> one != watcher).toArray(ChangeWatcher[]::new);
        watchers = rest.length == 0 ? NONE : rest;
    }

    /** Whether every batch that the watcher is not told of has ended. @param added what {@link #add} returned */
    boolean tellsAll(long added) {
        return closed >= added;
    }

    /** Everybody is told that it is over. */
    void end() {
        ChangeWatcher[] all;
        synchronized (this) {
            all = watchers;
            watchers = NONE;
        }
        for (ChangeWatcher one : all) {
            one.ended();
        }
    }

    // ---- the apply thread

    /** Entries are about to be applied. @return what to note them in; null if nobody watches */
    // Written by one thread.
    @SuppressWarnings("NonAtomicVolatileUpdate")
    @Nullable Notes open() {
        opened++;
        ChangeWatcher[] all = watchers;
        return all.length == 0 ? null : new Notes(all);
    }

    /** They are applied, or have failed. */
    @SuppressWarnings("NonAtomicVolatileUpdate")
    void close() {
        closed++;
        for (ChangeWatcher one : watchers) {
            one.batchEnded();
        }
    }

    /** What a batch does, for those who watched when it began. */
    static final class Notes {

        private final ChangeWatcher[] watchers;
        private final KeyRange[] ranges;
        private List<AppliedChange> changes = new ArrayList<>();

        private Notes(ChangeWatcher[] watchers) {
            this.watchers = watchers;
            this.ranges = Arrays.stream(watchers).map(ChangeWatcher::range).toArray(KeyRange[]::new);
        }

        void put(long index, Cf cf, ByteBuffer key, ByteBuffer value) {
            if (isTransactional(cf) && isWanted(key)) {
                changes.add(new AppliedChange(index, cf, copy(key), copy(value)));
            }
        }

        void delete(long index, Cf cf, ByteBuffer key) {
            // What becomes of records that go is garbage collection's; a lock that goes is news.
            if (cf == Cf.LOCK && isWanted(key)) {
                changes.add(new AppliedChange(index, cf, copy(key), null));
            }
        }

        /** They can be seen in the engine. */
        void settle(long index) {
            List<AppliedChange> all = changes;
            changes = new ArrayList<>();
            for (int i = 0; i < watchers.length; i++) {
                watchers[i].applied(index, watchers.length == 1 ? all : inside(all, ranges[i]));
            }
        }

        private static List<AppliedChange> inside(List<AppliedChange> all, KeyRange range) {
            return all.stream()
                    .filter(change -> range.contains(ByteKey.wrap(change.key())))
                    .toList();
        }

        private static boolean isTransactional(Cf cf) {
            return cf == Cf.LOCK || cf == Cf.WRITE || cf == Cf.DEFAULT;
        }

        private boolean isWanted(ByteBuffer key) {
            for (KeyRange range : ranges) {
                if (compare(key, range.start()) >= 0 && (range.end().isEmpty() || compare(key, range.end()) < 0)) {
                    return true;
                }
            }
            return false;
        }

        private static int compare(ByteBuffer key, ByteKey border) {
            byte[] bytes = border.bytes();
            int shorter = Math.min(key.remaining(), bytes.length);
            for (int i = 0; i < shorter; i++) {
                int order = Byte.compareUnsigned(key.get(key.position() + i), bytes[i]);
                if (order != 0) {
                    return order;
                }
            }
            return key.remaining() - bytes.length;
        }

        private static byte[] copy(ByteBuffer from) {
            byte[] bytes = new byte[from.remaining()];
            from.duplicate().get(bytes);
            return bytes;
        }
    }
}
