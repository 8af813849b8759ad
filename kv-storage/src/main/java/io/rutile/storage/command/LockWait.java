package io.rutile.storage.command;

import com.google.protobuf.ByteString;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.ReleasedLock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One transaction that waits for another's lock on a key. Safe from every thread. */
public final class LockWait {

    /** How a wait ends, once. */
    public sealed interface End {

        /** The lock is gone: start over. */
        record Released(ReleasedLock lock) implements End {}

        /** The lock is gone: try again at once. */
        record Resumed() implements End {}

        record TimedOut() implements End {}

        record Deadlocked(DeadlockResponse found) implements End {}
    }

    /** Somebody who follows a wait. Called on whichever thread brings the news: hand over, don't work. */
    public interface Watch {

        /** It waits for another transaction now. */
        void holderChanged();

        /** It has ended; told before {@link #ended} completes. More often than once does nothing. */
        void over();
    }

    private final MvccKey key;
    private final long startTs;
    private final boolean resumable;
    private final ByteString tag;
    private final Runnable leaveQueue;
    private final long sinceNanos = System.nanoTime();
    private final AtomicReference<@Nullable End> end = new AtomicReference<>();
    private final CompletableFuture<End> ended = new CompletableFuture<>();
    private volatile Lock holder;

    /** Nanoseconds of the last change, 0 if there was none. */
    private volatile long holderChangedNanos;

    private volatile @Nullable Future<?> timer;
    private volatile @Nullable Watch watch;

    /**
     * @param before what the same request waited for until now
     * @param leaveQueue done when it ends, before anybody hears of it
     */
    LockWait(
            MvccKey key,
            long startTs,
            boolean resumable,
            Lock holder,
            @Nullable LockWait before,
            ByteString tag,
            Runnable leaveQueue) {
        this.key = key;
        this.startTs = startTs;
        this.resumable = resumable;
        this.tag = tag;
        this.holder = holder;
        this.leaveQueue = leaveQueue;
        if (before != null) {
            holderChangedNanos =
                    before.holder.startTs() != holder.startTs() ? System.nanoTime() : before.holderChangedNanos;
        }
    }

    public MvccKey key() {
        return key;
    }

    /** Who waits. */
    public long startTs() {
        return startTs;
    }

    /** Whom it waits for now. */
    public Lock holder() {
        return holder;
    }

    /** Milliseconds since another has taken the lock over, at least 1; 0 if nobody has. */
    public long sinceHolderChangedMs() {
        long changed = holderChangedNanos;
        return changed == 0 ? 0 : Math.max(1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - changed));
    }

    /** Milliseconds that it has waited. */
    public long waitedMs() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sinceNanos);
    }

    public ByteString tag() {
        return tag;
    }

    /** Completes on whichever thread ends it, when every trace of the wait is gone: hand over, don't work. */
    public CompletableFuture<End> ended() {
        return ended;
    }

    /** At most one watch follows it. */
    public void watch(Watch follower) {
        watch = follower;
        if (end.get() != null) {
            follower.over();
        }
    }

    /** @return true if that ended it, false if it had ended before */
    public boolean end(End how) {
        if (!end.compareAndSet(null, how)) {
            return false;
        }
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        leaveQueue.run();
        Watch follower = watch;
        if (follower != null) {
            follower.over();
        }
        ended.complete(how);
        return true;
    }

    boolean resumable() {
        return resumable;
    }

    void holderIs(Lock lock) {
        holder = lock;
        holderChangedNanos = System.nanoTime();
        Watch follower = watch;
        if (follower != null) {
            follower.holderChanged();
        }
    }

    void timer(Future<?> running) {
        timer = running;
        if (end.get() != null) {
            running.cancel(false);
        }
    }
}
