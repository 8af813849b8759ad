package io.rutile.storage.command;

import io.rutile.protocol.KeyRange;
import io.rutile.protocol.RegionErrors;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.Ts;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What keeps a commit timestamp that a store chooses itself (async commit, 1PC) above every read that it has served (P4): the
 * greatest timestamp that anybody has read at, and the locks that are between choosing and being stored.
 *
 * <p>One for a store, over all its Regions. Safe from every thread.
 */
public final class ConcurrencyManager {

    private final AtomicLong maxTs = new AtomicLong();
    private final MemoryLocks locks = new MemoryLocks();
    private final LongSupplier limit;

    /**
     * @param limit the greatest timestamp that a request may bring, asked on each rise; 2^64-1 for no limit. Without one, a single
     *     request from a broken clock would push every later commit timestamp into the future
     */
    public ConcurrencyManager(LongSupplier limit) {
        this.limit = limit;
    }

    /** Without a limit to what a request may bring. */
    public static ConcurrencyManager unlimited() {
        return new ConcurrencyManager(() -> Ts.MAX);
    }

    /** The greatest timestamp read at. */
    public long maxTs() {
        return maxTs.get();
    }

    /**
     * Raises max_ts, before the snapshot of the read is taken. 2^64-1 is no timestamp and raises nothing.
     *
     * @throws io.rutile.protocol.RegionException with only a message if the timestamp lies in the future beyond what clocks allow
     */
    public void raise(long ts) {
        if (ts == Ts.MAX || !Ts.isAfter(ts, maxTs.get())) {
            return;
        }
        long most = limit.getAsLong();
        if (Ts.isAfter(ts, most)) {
            throw RegionErrors.message("invalid max_ts update: " + Ts.text(ts)
                    + " is ahead of the timestamp oracle, at most " + Ts.text(most) + " is accepted");
        }
        maxTs.accumulateAndGet(ts, Ts::max);
    }

    /**
     * Puts a lock up for readers to see, made with a max_ts that no reader of this key can raise unseen. The caller holds the key's
     * latch and calls {@link #remove} when the lock can be seen in the engine, or never will.
     *
     * @param choose from max_ts to the lock; may throw, then nothing is put up
     */
    public Lock put(MvccKey key, LongFunction<Lock> choose) {
        return locks.put(key, () -> choose.apply(maxTs.get()));
    }

    public void remove(MvccKey key) {
        locks.remove(key);
    }

    /**
     * Raises max_ts, then looks at the locks in memory: from now on nobody here chooses a commit timestamp at or below the returned
     * one for these keys, nor has chosen one that isn't in the engine yet (P8). What is stored has to be looked at after this returns:
     * a lock that is gone from memory by then is in the engine, or its write has failed.
     *
     * @param ts of the timestamp oracle
     * @return {@code ts}, or less because of a lock in memory
     * @throws io.rutile.protocol.RegionException if the timestamp lies in the future beyond what clocks allow
     */
    public long settle(long ts, KeyRange encoded) {
        raise(ts);
        long[] settled = {ts};
        this.<Object>first(encoded, (key, lock) -> {
            if (!Ts.isAfter(lock.minCommitTs(), settled[0])) {
                settled[0] = lock.minCommitTs() - 1;
            }
            return null;
        });
        return settled[0];
    }

    /** Locks in memory now. */
    public int lockCount() {
        return locks.size();
    }

    /** What {@code look} makes of the key's lock in memory, or null. */
    public <T> @Nullable T at(MvccKey key, BiFunction<MvccKey, Lock, @Nullable T> look) {
        return locks.at(key, look);
    }

    /** What {@code look} makes of the first lock in memory in that range of encoded keys that it makes something of, or null. */
    public <T> @Nullable T first(KeyRange encoded, BiFunction<MvccKey, Lock, @Nullable T> look) {
        return locks.first(encoded, look);
    }
}
