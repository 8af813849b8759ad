package io.rutile.client.txn;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.ReadFrom;
import io.rutile.client.feed.ChangeFeed;
import io.rutile.client.feed.ChangeFeedOptions;
import io.rutile.client.feed.FeedMetrics;
import io.rutile.client.feed.FeedPosition;
import io.rutile.client.feed.FeedSource;
import io.rutile.client.pd.PdClient;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.KeySpace;
import io.rutile.client.region.RegionSender;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The transactional API. Futures fail with {@link io.rutile.client.KvClientException}. Safe from any thread. */
public final class TxnKv implements AutoCloseable {

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final BackgroundWork background;
    private final TxnMetrics metrics;
    private final SafePoints safePoints;
    private final Duration timeout;
    private final FeedSource feedSource;
    private final Set<ChangeFeed> feeds = ConcurrentHashMap.newKeySet();

    /**
     * @param regions not closed here
     * @param pd not closed here
     * @param timer not closed here
     * @param safePoints shared by all that read from this cluster
     * @param keys how keys are written; {@link KeySpace#txnV1} or {@link KeySpace#txnV2}
     * @param timeout one deadline for a snapshot's call, retries included; transactions name their own
     */
    public TxnKv(
            RegionSender regions,
            PdClient pd,
            ClientTimer timer,
            SafePoints safePoints,
            KeySpace keys,
            Duration timeout,
            MeterRegistry registry) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be positive: " + timeout);
        }
        if (keys.mode() != KeySpace.Mode.TXN) {
            throw new IllegalArgumentException("these are raw keys");
        }
        this.timeout = timeout;
        this.safePoints = safePoints;
        metrics = new TxnMetrics(registry);
        requests = new TxnRequests(regions, pd, timer, keys);
        background = new BackgroundWork(metrics);
        resolver = new LockResolver(requests, background, metrics);
        feedSource = new FeedSource(
                regions.streams(),
                pd,
                timer,
                keys,
                version -> guard(safePoints.guard(version)),
                new StuckLocks(requests, resolver),
                new FeedMetrics(registry));
    }

    private static FeedSource.Guard guard(SafePoints.Guard guard) {
        return new FeedSource.Guard() {
            @Override
            public @Nullable Throwable refusal() {
                return guard.refusal();
            }

            @Override
            public CompletableFuture<Void> confirm(Backoff backoff) {
                return guard.confirm(backoff);
            }
        };
    }

    /** Begins a transaction now. */
    public CompletableFuture<Transaction> begin(TxnOptions options) {
        long askedNanos = safePoints.nowNanos();
        return Futures.bare(requests.timestamp(TxnRequests.within(options.callTimeout()))
                .thenApply(startTs -> new Transaction(
                        requests,
                        resolver,
                        background,
                        metrics,
                        options,
                        startTs,
                        safePoints.guardFresh(startTs, askedNanos),
                        System.nanoTime())));
    }

    /**
     * What was committed at a moment or before. Reads fail with {@link SnapshotTooOldException} if that moment is before the safe
     * point of garbage collection; {@link SafePoints} says what is promised, and for how long without PD.
     *
     * @param version from {@link #currentTimestamp}; {@link TimeStamp#MAX} for the newest there is, where one key is read
     */
    public TxnSnapshot snapshot(TimeStamp version) {
        return snapshot(version, ReadFrom.LEADER);
    }

    /** The same, read from the replicas that {@code readFrom} allows. Transactions read from leaders. */
    public TxnSnapshot snapshot(TimeStamp version, ReadFrom readFrom) {
        return new TxnSnapshot(
                new SnapshotReads(requests, resolver, version, safePoints.guard(version), readFrom), timeout);
    }

    /**
     * Watches a range: what is committed there from a position on, each change once and in one order. To be closed.
     *
     * @param from {@link FeedPosition#after} the {@link #currentTimestamp} for "from now on"
     * @throws IllegalArgumentException if no key can be in the range
     */
    public ChangeFeed changes(KeyRange range, FeedPosition from, ChangeFeedOptions options) {
        ChangeFeed feed = ChangeFeed.open(feedSource, range, from, options, feeds::remove);
        feeds.add(feed);
        if (feed.isClosed()) {
            feeds.remove(feed);
        }
        return feed;
    }

    /** A timestamp greater than every one that any client was given before this call (T1). */
    public CompletableFuture<TimeStamp> currentTimestamp() {
        return Futures.bare(requests.timestamp(TxnRequests.within(timeout)));
    }

    /**
     * Ends feeds. Blocks until the clean-ups of ended transactions are done, for the timeout at most. Open transactions are left alone.
     */
    @Override
    public void close() {
        List.copyOf(feeds).forEach(ChangeFeed::close);
        background.awaitIdle(timeout);
    }
}
