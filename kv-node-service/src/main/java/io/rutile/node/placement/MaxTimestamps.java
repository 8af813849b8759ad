package io.rutile.node.placement;

import io.rutile.client.pd.PdClient;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.protocol.TimeStamp;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.Ts;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a store needs of the timestamp oracle (P4): one timestamp whenever a replica begins to lead, which is above everything that
 * earlier leaders can have read at, and an idea of how late it is, so that a timestamp from a broken clock is refused.
 *
 * <p>Safe from every thread; works on the link's.
 */
final class MaxTimestamps {

    private static final Logger log = LoggerFactory.getLogger(MaxTimestamps.class);

    /** How far a request's timestamp may be ahead of what the oracle is thought to say now. */
    private static final Duration AHEAD_MAX = Duration.ofSeconds(60);

    private static final long RETRY_MS = 100;

    private final PdClient pd;
    private final ScheduledExecutorService thread;
    private final ConcurrencyManager concurrency = new ConcurrencyManager(this::limit);
    private volatile @Nullable Heard heard;

    /** What the oracle has said, and when. */
    private record Heard(long physicalMs, long nanos) {}

    MaxTimestamps(PdClient pd, ScheduledExecutorService thread) {
        this.pd = pd;
        this.thread = thread;
    }

    ConcurrencyManager concurrency() {
        return concurrency;
    }

    /** The oracle's time goes on while PD is away, as far as this machine's monotonic clock can tell. */
    private long limit() {
        Heard last = heard;
        if (last == null) {
            return Ts.MAX;
        }
        long sinceMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - last.nanos());
        return TimeStamp.of(last.physicalMs() + sinceMs + AHEAD_MAX.toMillis(), 0)
                .value();
    }

    /** A timestamp that is made after this call; max_ts may be raised to it. */
    CompletableFuture<TimeStamp> timestamp() {
        return pd.timestamp().whenComplete((ts, failure) -> {
            if (failure == null) {
                hear(ts);
            }
        });
    }

    /** Asks how late it is. */
    @SuppressWarnings("FutureReturnValueIgnored") // the next time will do
    void refresh() {
        pd.timestamp().thenAccept(this::hear);
    }

    private void hear(TimeStamp ts) {
        heard = new Heard(ts.physicalMs(), System.nanoTime());
    }

    /** Sees to it that a replica which leads may choose commit timestamps; tries until it may, or no longer leads. */
    @SuppressWarnings("FutureReturnValueIgnored") // retries by itself
    void sync(RegionPeer peer) {
        RegionPeer.MaxTsDebt debt = peer.maxTsDebt();
        if (debt == null) {
            return;
        }
        pd.timestamp().whenComplete((ts, failure) -> {
            if (failure == null) {
                hear(ts);
                concurrency.raise(ts.value());
                peer.maxTsRaised(debt);
            } else {
                log.debug("no timestamp for a new leader region={} term={}", peer.regionId(), debt.term(), failure);
                thread.schedule(() -> sync(peer), RETRY_MS, TimeUnit.MILLISECONDS);
            }
        });
    }
}
