package io.rutile.node.raftstore;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.storage.engine.Cf;
import io.rutile.storage.engine.EngineSnapshot;
import io.rutile.storage.engine.KvCursor;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.Ts;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The locks of one Region as this replica has applied them, kept in mind while it leads: whose start timestamp is the oldest (P8). Locks
 * that will make no version that anybody can read are left out: pessimistic ones, for what they become is prewritten first, and
 * {@code Op.Lock}.
 *
 * <p>Never shows a lock as gone before the index that it is gone at: {@link Oldest#index} covers every batch whose effects may be in it. A
 * lock is shown before it can be seen in the engine, and until after it can't.
 *
 * <p>Begins with a scan, while batches go on to be applied: what a batch has touched counts more than what the scan finds. Whatever is
 * neither a put nor a delete of a lock (another range, a deleted one, an image) makes it begin anew.
 *
 * <p>Threads: {@link #open} to {@link #close} on the apply thread, the rest on those that advance resolved timestamps. State is guarded
 * by its lock, which nobody holds for longer than it takes to go through a batch's locks.
 */
final class AppliedLocks {

    /** What a batch does to a key's lock. @param startTs {@link Ts#MAX} if there is none afterwards that counts */
    record Change(ByteKey key, long startTs) {

        static Change put(ByteBuffer key, ByteBuffer lock) {
            return new Change(copy(key), Lock.startTsOfChange(lock));
        }

        static Change delete(ByteBuffer key) {
            return new Change(copy(key), Ts.MAX);
        }

        private static ByteKey copy(ByteBuffer key) {
            byte[] bytes = new byte[key.remaining()];
            key.duplicate().get(bytes);
            return ByteKey.wrap(bytes);
        }
    }

    /**
     * @param startTs of the oldest lock; {@link Ts#MAX} if there is none
     * @param index once that much is applied, a replica has whatever the locks that are not there any more have become
     */
    record Oldest(long startTs, long index) {}

    /** In memory for each lock, beside its key. */
    private static final int LOCK_BYTES = 120;

    /**
     * What holds a Region back for so long is looked up again: a range that was destroyed past the log may have taken it away, and locks
     * that were too many may have gone.
     */
    private static final long LOOK_AGAIN_NANOS = Duration.ofSeconds(30).toNanos();

    private enum Stage {
        /** Nobody wants to know. */
        OFF,
        /** Batches are noted; one that isn't may still be under way. */
        ARMED,
        SCANNING,
        KNOWN,
        TOO_MANY
    }

    private final LockBudget budget;
    private final LongSupplier nanoClock;

    private Stage stage = Stage.OFF;
    /** Which scan it is, so that one that has been overtaken changes nothing. */
    private long attempt;

    private long opened;
    private long closed;
    private long armedAt;
    private long index;
    /** Oldest of the batch that is being written. */
    private long underWay = Ts.MAX;

    private final Map<ByteKey, Long> byKey = new HashMap<>();
    private final TreeMap<Long, Integer> byStartTs = new TreeMap<>(Long::compareUnsigned);
    private long bytes;
    private long stuckOn = Ts.MAX;
    private long stuckSinceNanos;

    AppliedLocks(LockBudget budget, LongSupplier nanoClock) {
        this.budget = budget;
        this.nanoClock = nanoClock;
    }

    // ---- the apply thread

    /** Entries are about to be applied. @return true if what becomes of locks is to be noted */
    synchronized boolean open() {
        opened++;
        return stage != Stage.OFF && stage != Stage.TOO_MANY;
    }

    /**
     * A batch is about to be written, or a Region's new state to be published.
     *
     * @param last its last index
     * @param unclear if it does more to locks than to put and to delete single ones
     */
    synchronized void announce(long last, List<Change> changes, boolean unclear) {
        index = Math.max(index, last);
        if (unclear) {
            forget(Stage.OFF);
        }
        for (Change change : changes) {
            underWay = Ts.isBefore(change.startTs(), underWay) ? change.startTs() : underWay;
        }
    }

    /** It can be seen in the engine. */
    synchronized void settle(List<Change> changes) {
        for (Change change : changes) {
            if (stage == Stage.OFF || stage == Stage.TOO_MANY) {
                break;
            }
            note(change.key(), change.startTs());
        }
        underWay = Ts.MAX;
    }

    /** The entries are applied. */
    synchronized void close() {
        closed++;
    }

    /** What is here is replaced. */
    synchronized void replaced(long by) {
        index = Math.max(index, by);
        forget(Stage.OFF);
    }

    // ---- who advances resolved timestamps

    /**
     * Comes to know the locks, or goes on to; may need to be called again for that.
     *
     * @param region its range; asked when a snapshot is due
     * @throws io.rutile.storage.engine.EngineException if the disk fails
     */
    void follow(Supplier<KeyRange> region, Supplier<EngineSnapshot> engine) {
        long mine;
        synchronized (this) {
            lookAgain();
            if (stage == Stage.OFF) {
                stage = Stage.ARMED;
                armedAt = opened;
            }
            // Once whatever was applied unnoticed has ended, a snapshot shows all of it.
            if (stage != Stage.ARMED || closed < armedAt) {
                return;
            }
            stage = Stage.SCANNING;
            mine = ++attempt;
        }
        boolean whole = false;
        try {
            whole = scan(mine, region.get(), engine);
        } finally {
            finish(mine, whole);
        }
    }

    private synchronized void lookAgain() {
        long now = nanoClock.getAsLong();
        long oldest = oldest();
        if (stage == Stage.TOO_MANY) {
            if (now - stuckSinceNanos > LOOK_AGAIN_NANOS) {
                forget(Stage.OFF);
            }
        } else if (stage == Stage.KNOWN) {
            if (oldest != stuckOn) {
                stuckOn = oldest;
                stuckSinceNanos = now;
            } else if (oldest != Ts.MAX && now - stuckSinceNanos > LOOK_AGAIN_NANOS) {
                stuckSinceNanos = now;
                forget(Stage.OFF);
            }
        }
    }

    private boolean scan(long mine, KeyRange range, Supplier<EngineSnapshot> engine) {
        try (EngineSnapshot snapshot = engine.get();
                KvCursor cursor = snapshot.coldCursor(Cf.LOCK, range)) {
            for (cursor.seekToFirst(); cursor.isValid(); cursor.next()) {
                if (!found(mine, ByteKey.wrap(cursor.key()), Lock.startTsOfChange(ByteBuffer.wrap(cursor.value())))) {
                    return false;
                }
            }
        }
        return true;
    }

    /** @return false if the scan is of no use any more */
    private synchronized boolean found(long mine, ByteKey key, long startTs) {
        if (stage != Stage.SCANNING || attempt != mine) {
            return false;
        }
        if (startTs != Ts.MAX && !byKey.containsKey(key)) {
            note(key, startTs);
        }
        return stage == Stage.SCANNING;
    }

    private synchronized void finish(long mine, boolean whole) {
        if (stage != Stage.SCANNING || attempt != mine) {
            return;
        }
        if (!whole) {
            forget(Stage.OFF);
            return;
        }
        stage = Stage.KNOWN;
        Iterator<Map.Entry<ByteKey, Long>> notes = byKey.entrySet().iterator();
        while (notes.hasNext()) {
            Map.Entry<ByteKey, Long> note = notes.next();
            if (note.getValue() == Ts.MAX) {
                release(note.getKey());
                notes.remove();
            }
        }
    }

    /** Nobody wants to know any more. Cheap if so before. */
    synchronized void rest() {
        if (stage != Stage.OFF) {
            forget(Stage.OFF);
        }
    }

    /** Null while the locks aren't known. */
    synchronized @Nullable Oldest look() {
        return stage == Stage.KNOWN ? new Oldest(oldest(), index) : null;
    }

    // ---- guarded by this

    private long oldest() {
        long known = byStartTs.isEmpty() ? Ts.MAX : byStartTs.firstKey();
        return Ts.isBefore(underWay, known) ? underWay : known;
    }

    /** While the scan goes on, that there is no lock has to be kept in mind, too. */
    private void note(ByteKey key, long startTs) {
        if (startTs == Ts.MAX && stage == Stage.KNOWN) {
            Long before = byKey.remove(key);
            if (before != null) {
                uncount(before);
                release(key);
            }
            return;
        }
        if (!byKey.containsKey(key)) {
            if (!budget.tryTake(cost(key))) {
                forget(Stage.TOO_MANY);
                stuckSinceNanos = nanoClock.getAsLong();
                return;
            }
            bytes += cost(key);
        }
        Long before = byKey.put(key, startTs);
        if (before != null) {
            uncount(before);
        }
        if (startTs != Ts.MAX) {
            byStartTs.merge(startTs, 1, Integer::sum);
        }
    }

    private void uncount(long startTs) {
        byStartTs.computeIfPresent(startTs, (ts, count) -> count == 1 ? null : count - 1);
    }

    private static long cost(ByteKey key) {
        return LOCK_BYTES + key.bytes().length;
    }

    private void release(ByteKey key) {
        bytes -= cost(key);
        budget.giveBack(cost(key));
    }

    private void forget(Stage next) {
        stage = next;
        attempt++;
        byKey.clear();
        byStartTs.clear();
        budget.giveBack(bytes);
        bytes = 0;
    }
}
