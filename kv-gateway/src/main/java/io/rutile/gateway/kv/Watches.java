package io.rutile.gateway.kv;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.feed.ChangeBatch;
import io.rutile.client.feed.FeedPosition;
import io.rutile.gateway.kv.CallerQuota.Bound;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Watchers of ranges. Those of one range share feeds: all that are up to date are served from one, those that come back with an older
 * position from another one until that has caught up. Every watcher gets each change behind its position once, and in order.
 *
 * <p>Threads: {@code gateway-watch} takes changes in, wakes those who wait and reminds them; everything else may be called from anywhere.
 */
public final class Watches implements AutoCloseable {

    /** Between two looks at who has to be reminded and which feeds may go. */
    private static final Duration TICK = Duration.ofMillis(500);

    /** How long a feed stays without watchers: they may be about to come back. */
    private static final Duration LINGER = Duration.ofSeconds(10);

    /**
     * What may be open.
     *
     * @param watchersMax at the same time
     * @param feedsMax feeds of the cluster
     * @param feedBytesMax changes that a feed keeps for those who read slowly, and as much once more for what is not in order yet
     * @param heartbeat after which who waits is told that nothing has come
     */
    public record Limits(int watchersMax, int feedsMax, long feedBytesMax, Duration heartbeat) {}

    private final ChangeSource source;
    private final Limits limits;
    private final LongSupplier nanoClock;
    private final ScheduledThreadPoolExecutor executor;
    private final Counter refusedWatchers;
    private final Counter refusedCallers;
    private final Counter refusedFeeds;
    private final Counter tooSlow;

    // ---- guarded by this

    private final Map<KeyRange, List<WatchFeed>> feeds = new HashMap<>();
    private final Map<Object, Integer> byCaller = new HashMap<>();
    private int watchers;
    private boolean closed;

    public Watches(ChangeSource source, Limits limits, MeterRegistry metrics) {
        this(source, limits, System::nanoTime, metrics);
    }

    Watches(ChangeSource source, Limits limits, LongSupplier nanoClock, MeterRegistry metrics) {
        this.source = source;
        this.limits = limits;
        this.nanoClock = nanoClock;
        this.executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "gateway-watch");
            thread.setDaemon(true);
            return thread;
        });
        this.refusedWatchers = GatewayLimits.refused("watchers", metrics);
        this.refusedCallers = GatewayLimits.refused("caller", metrics);
        this.refusedFeeds = GatewayLimits.refused("watch-feeds", metrics);
        this.tooSlow = Counter.builder("kv.gateway.watch.slow")
                .description("Watchers that were let go because changes came faster than they read them")
                .register(metrics);
        Gauge.builder("kv.gateway.watch.watchers", this, Watches::watcherCount)
                .description("Watchers")
                .register(metrics);
        Gauge.builder("kv.gateway.watch.feeds", this, Watches::feedCount)
                .description("Feeds of the cluster that watchers are served from")
                .register(metrics);
        Gauge.builder("kv.gateway.watch.held", this, Watches::heldBytes)
                .baseUnit("bytes")
                .description("Changes that are kept for watchers")
                .register(metrics);
    }

    /** Begins to remind. */
    public void start() {
        var unused =
                executor.scheduleWithFixedDelay(this::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Lets somebody watch.
     *
     * @param from behind which changes are told; null for what is committed from now on
     * @param caller who
     * @param quota how much they may have
     * @param stillAllowed asked before each answer; throws {@link FailureException} if the caller may watch no more
     * @return to be closed; fails with {@link FailureException} if too many watch
     */
    public CompletableFuture<Watch> watch(
            KeyRange range, @Nullable FeedPosition from, Object caller, CallerQuota quota, Runnable stillAllowed) {
        try {
            admit(caller, quota);
        } catch (FailureException refused) {
            return CompletableFuture.failedFuture(refused);
        }
        return source.now()
                .thenApply(now -> join(range, from == null ? FeedPosition.after(now) : from, now, caller, stillAllowed))
                .whenComplete((watch, failure) -> {
                    if (failure != null) {
                        release(caller);
                    }
                });
    }

    private synchronized void admit(Object caller, CallerQuota quota) {
        if (closed) {
            throw new FailureException(Failure.Kind.UNAVAILABLE.because("the gateway stops"));
        }
        int own = byCaller.getOrDefault(caller, 0);
        if (watchers >= limits.watchersMax()) {
            refusedWatchers.increment();
            throw new FailureException(
                    Failure.Kind.TOO_MANY_WATCHES.because(limits.watchersMax() + " watchers are here"));
        }
        if (own >= quota.max(Bound.WATCHERS)) {
            refusedCallers.increment();
            throw quota.exceeded(Bound.WATCHERS);
        }
        watchers++;
        byCaller.put(caller, own + 1);
    }

    private synchronized void release(Object caller) {
        watchers--;
        byCaller.computeIfPresent(caller, (who, count) -> count == 1 ? null : count - 1);
    }

    private synchronized Watch join(
            KeyRange range, FeedPosition position, TimeStamp now, Object caller, Runnable stillAllowed) {
        if (position.compareTo(FeedPosition.after(now)) > 0) {
            throw new FailureException(Failure.Kind.INVALID_REQUEST.because("the position is not in the past"));
        }
        if (closed) {
            throw new FailureException(Failure.Kind.UNAVAILABLE.because("the gateway stops"));
        }
        KeyRange fed = ReservedKeys.outside(range);
        if (fed.isEmpty()) {
            throw new FailureException(
                    Failure.Kind.INVALID_REQUEST.because("keys from ffffffff (hex) on are the gateway's own"));
        }
        WatchFeed feed = best(fed, position);
        if (feed == null) {
            if (feedCount() >= limits.feedsMax()) {
                refusedFeeds.increment();
                throw new FailureException(
                        Failure.Kind.TOO_MANY_WATCHES.because(limits.feedsMax() + " ranges are watched"));
            }
            feed = WatchFeed.open(source, fed, position, limits.feedBytesMax(), executor, now, nanoClock);
            feeds.computeIfAbsent(fed, unknown -> new ArrayList<>()).add(feed);
        }
        Watch watch = new Watch(this, range, position, feed, caller, stillAllowed);
        feed.join(watch, position);
        return watch;
    }

    /**
     * Of the feeds that have what lies behind the position and have nearly come so far, the one that is furthest.
     *
     * @param range without keys of the gateway's own
     */
    private @Nullable WatchFeed best(KeyRange range, FeedPosition position) {
        WatchFeed best = null;
        for (WatchFeed feed : feeds.getOrDefault(range, List.of())) {
            if (feed.holds(position)
                    && feed.isNear(position)
                    && (best == null || feed.upTo().compareTo(best.upTo()) > 0)) {
                best = feed;
            }
        }
        return best;
    }

    CompletableFuture<ChangeBatch> next(Watch watch) {
        FeedPosition position = watch.position();
        WatchFeed feed = watch.feed();
        if (watch.greet()) {
            return feed.confirmed().thenApply(done -> new ChangeBatch(List.of(), position));
        }
        ChangeBatch now = feed.now(watch, position);
        if (now != null) {
            return CompletableFuture.completedFuture(now);
        }
        // Before it waits: a feed that was behind may have caught up with the one that all others are on.
        WatchFeed better;
        synchronized (this) {
            better = best(ReservedKeys.outside(watch.range()), position);
            if (better != null && better != feed) {
                better.join(watch, position);
                feed.leave(watch);
                watch.follow(better);
                feed = better;
            }
        }
        return feed.next(position).whenComplete((batch, failure) -> {
            if (failure instanceof FailureException refused && refused.failure().kind() == Failure.Kind.TOO_SLOW) {
                tooSlow.increment();
            }
        });
    }

    void left(Watch watch, Object caller) {
        watch.feed().leave(watch);
        release(caller);
    }

    private void tick() {
        long now = nanoClock.getAsLong();
        List<WatchFeed> all = new ArrayList<>();
        List<WatchFeed> over = new ArrayList<>();
        synchronized (this) {
            Iterator<List<WatchFeed>> ranges = feeds.values().iterator();
            while (ranges.hasNext()) {
                List<WatchFeed> ofOne = ranges.next();
                ofOne.removeIf(feed -> {
                    boolean gone = feed.isOver(now - LINGER.toNanos());
                    (gone ? over : all).add(feed);
                    return gone;
                });
                if (ofOne.isEmpty()) {
                    ranges.remove();
                }
            }
        }
        over.forEach(feed -> feed.fail(stopped()));
        all.forEach(feed -> {
            feed.remind(now - limits.heartbeat().toNanos());
            feed.goOn();
        });
    }

    private static FailureException stopped() {
        return new FailureException(
                Failure.Kind.UNAVAILABLE.because("the gateway has ended the watch: go on from the last position"));
    }

    private synchronized int watcherCount() {
        return watchers;
    }

    private synchronized int feedCount() {
        return feeds.values().stream().mapToInt(List::size).sum();
    }

    private synchronized long heldBytes() {
        return feeds.values().stream()
                .flatMap(List::stream)
                .mapToLong(WatchFeed::bytes)
                .sum();
    }

    /** Ends every watch with a word, so that its connection can be closed in order. */
    @Override
    public void close() {
        List<WatchFeed> all;
        synchronized (this) {
            closed = true;
            all = feeds.values().stream().flatMap(List::stream).toList();
            feeds.clear();
        }
        all.forEach(feed -> feed.fail(stopped()));
        executor.shutdownNow();
    }
}
