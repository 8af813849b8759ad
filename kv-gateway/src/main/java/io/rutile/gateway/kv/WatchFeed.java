package io.rutile.gateway.kv;

import io.rutile.client.feed.Change;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.feed.FeedTooOldException;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One feed of a range that many watchers are served from: the newest changes, in order, in bounded memory. A watcher is nothing but a
 * position in it, so that a thousand of them cost no more than one.
 *
 * <p>It begins a little before it has to: watchers that come back together, each with another position, find one feed. While it is far behind
 * the present it goes at the pace of its slowest watcher, for there is nothing else to catch up with; one that is up to date waits for nobody.
 *
 * <p>Safe from any thread; what waits is answered on the given executor.
 */
final class WatchFeed {

    /** How much earlier than the first watcher's position it begins. */
    private static final Duration MARGIN = Duration.ofSeconds(5);

    /** Further behind the present, or behind a position, it is not up to date. */
    private static final Duration BEHIND = Duration.ofSeconds(10);

    /** Changes that one answer holds, and their bytes, about. */
    private static final int ANSWER_CHANGES_MAX = 256;

    private static final long ANSWER_BYTES_MAX = 256 << 10;

    /** In memory for each change, beside key and value. */
    private static final int CHANGE_BYTES = 200;

    /** Who waits for something behind a position. */
    private record Waiting(FeedPosition behind, CompletableFuture<ChangeBatch> answer, long sinceNanos) {}

    private final ChangeSource source;
    private final KeyRange range;
    private final long bytesMax;
    private final Executor executor;
    private final LongSupplier nanoClock;
    private final TimeStamp openedAt;
    private final long openedNanos;
    private final CompletableFuture<Void> confirmed = new CompletableFuture<>();

    // ---- guarded by this

    /** By the position right behind each. */
    private final NavigableMap<FeedPosition, Change> changes = new TreeMap<>();

    private long bytes;
    /** Everything from here to {@link #upTo} is here. */
    private FeedPosition start;

    private FeedPosition upTo;
    private List<Waiting> waiting = new ArrayList<>();
    private ChangeSource.@Nullable Feed feed;
    private @Nullable Throwable failure;
    /** Where each of them goes on. */
    private final Map<Watch, FeedPosition> watchers = new HashMap<>();
    /** Where the first of them will go on; null once it has joined. The feed runs from the moment it is opened. */
    private @Nullable FeedPosition expected;

    private long idleSinceNanos;
    /** What goes on once its watchers have read on. */
    private @Nullable Runnable paused;

    private WatchFeed(
            ChangeSource source,
            KeyRange range,
            FeedPosition start,
            long bytesMax,
            Executor executor,
            TimeStamp now,
            LongSupplier nanoClock) {
        this.source = source;
        this.range = range;
        this.start = start;
        this.upTo = start;
        this.bytesMax = bytesMax;
        this.executor = executor;
        this.nanoClock = nanoClock;
        this.openedAt = now;
        this.openedNanos = nanoClock.getAsLong();
        this.idleSinceNanos = openedNanos;
    }

    /**
     * Begins.
     *
     * @param from where its first watcher goes on
     * @param now of the oracle
     */
    static WatchFeed open(
            ChangeSource source,
            KeyRange range,
            FeedPosition from,
            long bytesMax,
            Executor executor,
            TimeStamp now,
            LongSupplier nanoClock) {
        long early = from.ts().value() - (MARGIN.toMillis() << TimeStamp.LOGICAL_BITS);
        boolean enough = Long.compareUnsigned(from.ts().value(), MARGIN.toMillis() << TimeStamp.LOGICAL_BITS) > 0;
        FeedPosition earlier = enough ? new FeedPosition(new TimeStamp(early), 0) : from;
        WatchFeed shared = new WatchFeed(source, range, earlier, bytesMax, executor, now, nanoClock);
        synchronized (shared) {
            shared.expected = from;
        }
        shared.run(earlier, from);
        return shared;
    }

    /** @param fallback where to begin if versions before it may be gone */
    private void run(FeedPosition from, FeedPosition fallback) {
        Futures.whenDone(source.open(range, from, bytesMax), (opened, unavailable) -> {
            if (unavailable != null) {
                fail(Futures.causeOf(unavailable));
                return;
            }
            boolean over;
            synchronized (this) {
                over = failure != null;
                feed = opened;
            }
            if (over) {
                opened.close();
            } else {
                pull(opened, from, fallback);
            }
        });
    }

    private void pull(ChangeSource.Feed opened, FeedPosition from, FeedPosition fallback) {
        synchronized (this) {
            if (failure == null && !hasRoom()) {
                paused = () -> pull(opened, from, fallback);
                return;
            }
        }
        CompletableFuture<ChangeBatch> next = opened.next();
        var unused = next.whenCompleteAsync(
                (batch, failed) -> {
                    if (failed == null) {
                        take(batch);
                        pull(opened, from, fallback);
                        return;
                    }
                    opened.close();
                    Throwable cause = Futures.causeOf(failed);
                    if (cause instanceof FeedTooOldException && begunEarly(from, fallback)) {
                        run(fallback, fallback);
                    } else {
                        fail(cause);
                    }
                },
                executor);
    }

    /** Nothing was told yet, and it need not have begun so early: from now on it begins where it has to. */
    private synchronized boolean begunEarly(FeedPosition from, FeedPosition fallback) {
        if (from.equals(fallback) || !upTo.equals(from) || failure != null) {
            return false;
        }
        start = fallback;
        upTo = fallback;
        return true;
    }

    /** Whether what comes next pushes out nothing that a watcher has yet to read, as far as that counts. */
    private boolean hasRoom() {
        if (bytes <= bytesMax / 2 || !isBehind()) {
            return true;
        }
        FeedPosition slowest =
                watchers.values().stream().min(FeedPosition::compareTo).orElse(expected == null ? upTo : expected);
        long unread = 0;
        for (Change change : changes.tailMap(slowest, false).values()) {
            unread += cost(change);
        }
        return unread <= bytesMax / 2;
    }

    private boolean isBehind() {
        long nowMs = openedAt.physicalMs() + (nanoClock.getAsLong() - openedNanos) / 1_000_000;
        return nowMs - upTo.ts().physicalMs() > BEHIND.toMillis();
    }

    /** Somebody has read on, or has gone, or time has passed. */
    void goOn() {
        Runnable next = null;
        synchronized (this) {
            if (paused != null && hasRoom()) {
                next = paused;
                paused = null;
            }
        }
        if (next != null) {
            executor.execute(next);
        }
    }

    private void take(ChangeBatch batch) {
        List<Waiting> answered = List.of();
        synchronized (this) {
            for (Change change : batch.changes()) {
                changes.put(change.position(), change);
                bytes += cost(change);
            }
            FeedPosition news = upTo;
            upTo = batch.position();
            // What has just come stays: who waits for it is given it below.
            while (bytes > bytesMax && changes.firstKey().compareTo(news) <= 0) {
                Map.Entry<FeedPosition, Change> first = changes.pollFirstEntry();
                bytes -= cost(first.getValue());
                start = first.getKey();
            }
            if (!batch.changes().isEmpty()) {
                answered = waiting;
                waiting = new ArrayList<>();
            }
        }
        confirmed.complete(null);
        answered.forEach(this::answer);
    }

    private static long cost(Change change) {
        return CHANGE_BYTES + change.sizeBytes();
    }

    private void answer(Waiting one) {
        ChangeBatch found;
        Throwable over;
        synchronized (this) {
            over = failure;
            found = over == null ? behind(one.behind()) : null;
            if (over == null && found == null && !holds(one.behind())) {
                over = tooSlow();
            }
            if (over == null && found == null) {
                waiting.add(one);
            }
        }
        complete(one, found, over);
    }

    private static void complete(Waiting one, @Nullable ChangeBatch found, @Nullable Throwable over) {
        if (over != null) {
            one.answer().completeExceptionally(over);
        } else if (found != null) {
            one.answer().complete(found);
        }
    }

    /** Changes behind a position; null if there are none yet, or if they are here no more. */
    private @Nullable ChangeBatch behind(FeedPosition position) {
        if (!holds(position)) {
            return null;
        }
        List<Change> found = new ArrayList<>();
        long size = 0;
        for (Change change : changes.tailMap(position, false).values()) {
            found.add(change);
            size += change.sizeBytes();
            if (found.size() == ANSWER_CHANGES_MAX || size > ANSWER_BYTES_MAX) {
                break;
            }
        }
        return found.isEmpty()
                ? null
                : new ChangeBatch(found, found.get(found.size() - 1).position());
    }

    private static FailureException tooSlow() {
        return new FailureException(
                Failure.Kind.TOO_SLOW.because("changes came faster than they were read: go on from the last position"));
    }

    // ---- for watchers

    /** Completes once the cluster has told something: then whatever lies behind its beginning is there. Fails as the feed does. */
    CompletableFuture<Void> confirmed() {
        return confirmed.copy();
    }

    /** True if whatever lies behind the position is here, or will be. */
    synchronized boolean holds(FeedPosition position) {
        return failure == null && position.compareTo(start) >= 0;
    }

    /** True if it has come so far, or nearly. */
    synchronized boolean isNear(FeedPosition position) {
        return position.ts().physicalMs() - upTo.ts().physicalMs() <= BEHIND.toMillis();
    }

    /** How far it has come. */
    synchronized FeedPosition upTo() {
        return upTo;
    }

    /**
     * What lies behind a position: at once if something does, else when something comes, or {@link #remind} says that nothing has.
     *
     * @return fails if it is here no more
     */
    CompletableFuture<ChangeBatch> next(FeedPosition position) {
        Waiting one = new Waiting(position, new CompletableFuture<>(), nanoClock.getAsLong());
        answer(one);
        return one.answer();
    }

    /** The same for one who has joined and has read up to there, but never waits: null if there is nothing. */
    @Nullable ChangeBatch now(Watch watcher, FeedPosition position) {
        ChangeBatch found;
        synchronized (this) {
            watchers.replace(watcher, position);
            found = behind(position);
        }
        goOn();
        return found;
    }

    /** Tells those who have waited since before then how far it has come. */
    void remind(long beforeNanos) {
        List<Waiting> reminded = new ArrayList<>();
        FeedPosition reached;
        synchronized (this) {
            List<Waiting> rest = new ArrayList<>();
            for (Waiting one : waiting) {
                (one.sinceNanos() - beforeNanos < 0 ? reminded : rest).add(one);
            }
            waiting = rest;
            reached = upTo;
        }
        for (Waiting one : reminded) {
            FeedPosition further = reached.compareTo(one.behind()) > 0 ? reached : one.behind();
            complete(one, new ChangeBatch(List.of(), further), null);
        }
    }

    synchronized void join(Watch watcher, FeedPosition position) {
        watchers.put(watcher, position);
        expected = null;
    }

    void leave(Watch watcher) {
        synchronized (this) {
            watchers.remove(watcher);
            idleSinceNanos = nanoClock.getAsLong();
        }
        goOn();
    }

    /** True if it may go: nobody has watched since before then, or it has failed. */
    synchronized boolean isOver(long beforeNanos) {
        return failure != null || (watchers.isEmpty() && idleSinceNanos - beforeNanos < 0);
    }

    synchronized long bytes() {
        return bytes;
    }

    /** Whoever waits, or comes, is told. */
    void fail(Throwable why) {
        List<Waiting> all;
        ChangeSource.Feed open;
        synchronized (this) {
            if (failure != null) {
                return;
            }
            failure = why;
            all = waiting;
            waiting = new ArrayList<>();
            open = feed;
            changes.clear();
            bytes = 0;
            paused = null;
        }
        confirmed.completeExceptionally(why);
        if (open != null) {
            open.close();
        }
        all.forEach(one -> one.answer().completeExceptionally(why));
    }

    /** Why it ended; null if it hasn't. */
    synchronized @Nullable Throwable failure() {
        return failure;
    }
}
