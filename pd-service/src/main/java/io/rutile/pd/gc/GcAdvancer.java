package io.rutile.pd.gc;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.SafePoints;
import io.rutile.pd.gc.RegionCalls.Patience;
import io.rutile.pd.meta.GcState;
import io.rutile.pd.meta.MetaException;
import io.rutile.pd.meta.MetaOutcome;
import io.rutile.pd.meta.MetaOutcome.Reason;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the safe points for as long as a term lasts, one round at a time (P7):
 *
 * <ol>
 *   <li>the transaction safe point goes to now − life, or to the lowest barrier before that;
 *   <li>every lock up to it is resolved, over all keys;
 *   <li>when it has stood for the grace time, the GC safe point follows, and not a moment earlier.
 * </ol>
 *
 * <p>A round that fails leaves everything where it is; the next one, or that of the next leader, begins with step 1 again.
 */
public final class GcAdvancer implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(GcAdvancer.class);
    private static final Duration LOG_ANSWER_MAX = Duration.ofSeconds(10);

    private final GcOptions options;
    private final SafePoints safePoints;
    private final ClusterState cluster;
    private final Supplier<CompletableFuture<TimeStamp>> oracle;
    private final LongSupplier nanoClock;
    private final RegionCalls calls;
    private final GcMetrics metrics;
    private final ScheduledExecutorService timer;
    /** Step 3 is still to come; only rounds touch it. */
    private @Nullable Swept swept;

    private String blockerSaid = "";

    /** No lock up to the safe point is left; it has stood since then. */
    private record Swept(long safePoint, long sinceNanos) {}

    /**
     * @param oracle the next timestamp: "now" is a moment that no clock can set back (T1)
     * @param credentials how connections to stores are secured
     * @param nanoClock monotonic; the grace time is measured on it
     */
    public GcAdvancer(
            GcOptions options,
            SafePoints safePoints,
            ClusterState cluster,
            Supplier<CompletableFuture<TimeStamp>> oracle,
            ChannelCredentials credentials,
            LongSupplier nanoClock,
            MeterRegistry metrics) {
        this(options, safePoints, cluster, oracle, credentials, nanoClock, Patience.DEFAULT, metrics);
    }

    GcAdvancer(
            GcOptions options,
            SafePoints safePoints,
            ClusterState cluster,
            Supplier<CompletableFuture<TimeStamp>> oracle,
            ChannelCredentials credentials,
            LongSupplier nanoClock,
            Patience patience,
            MeterRegistry metrics) {
        this.options = options;
        this.safePoints = safePoints;
        this.cluster = cluster;
        this.oracle = oracle;
        this.nanoClock = nanoClock;
        this.calls = new RegionCalls(cluster, credentials, patience);
        this.metrics = new GcMetrics(metrics);
        this.timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "pd-gc");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** The first round comes after one interval: by then heartbeats have told where Regions are. */
    public void start() {
        if (options.enabled()) {
            long everyMs = options.interval().toMillis();
            Future<?> unused = timer.scheduleWithFixedDelay(this::round, everyMs, everyMs, TimeUnit.MILLISECONDS);
        }
    }

    /** One round; never throws, for it would be the last one of its timer. */
    void round() {
        try {
            metrics.round(advance());
        } catch (SweepException e) {
            metrics.round("not_swept");
            log.warn(
                    "gc safe point stays, locks before it cannot all be resolved gcSafePoint={} txnSafePoint={}"
                            + " cause=\"{}\"",
                    text(safePoints.state().gcSafePoint()),
                    text(safePoints.state().txnSafePoint()),
                    e.getMessage());
        } catch (InterruptedException e) {
            // The term is over.
            Thread.currentThread().interrupt();
        } catch (MetaException | TimeoutException e) {
            metrics.round("failed");
            log.info("gc round not finished cause=\"{}\"", e.getMessage());
        } catch (RuntimeException e) {
            metrics.round("failed");
            log.error("gc round failed", e);
        }
    }

    /** What became of the round, in a word. */
    private String advance() throws SweepException, InterruptedException, TimeoutException {
        if (cluster.regionCount() == 0) {
            return "nothing";
        }
        if (swept != null && !follow(swept)) {
            return "waiting";
        }
        boolean blocked = advanceTxn();
        GcState state = safePoints.state();
        if (state.txnSafePoint() == state.gcSafePoint()) {
            return blocked ? "blocked" : "nothing";
        }
        long sinceNanos = nanoClock.getAsLong();
        sweep(state.txnSafePoint());
        Swept now = new Swept(state.txnSafePoint(), sinceNanos);
        swept = now;
        return follow(now) ? "done" : "waiting";
    }

    /** Step 1. True if a barrier is in the way. */
    private boolean advanceTxn() throws InterruptedException, TimeoutException {
        long nowMs = get(oracle.get()).physicalMs();
        long target =
                TimeStamp.of(Math.max(0, nowMs - options.life().toMillis()), 0).value();
        if (Long.compareUnsigned(target, safePoints.state().txnSafePoint()) <= 0) {
            // Somebody else has moved it further: locks up to there are to be resolved all the same.
            return false;
        }
        if (!(get(safePoints.advanceTxn(target)) instanceof MetaOutcome.Moved moved)) {
            return false;
        }
        String blocker = moved.blocker().map(barrier -> barrier.id()).orElse("");
        if (!blocker.equals(blockerSaid)) {
            blockerSaid = blocker;
            log.info(
                    "txn safe point {} txnSafePoint={} barrier={}",
                    blocker.isEmpty() ? "moves" : "is held",
                    text(moved.after()),
                    blocker.isEmpty() ? "none" : blocker);
        }
        if (!blocker.isEmpty()) {
            metrics.blocked();
        }
        return !blocker.isEmpty();
    }

    /** Step 2. */
    private void sweep(long safePoint) throws SweepException, InterruptedException {
        long begunNanos = nanoClock.getAsLong();
        boolean done = false;
        try {
            int regions = new LockSweep(calls, metrics::locks).sweep(safePoint);
            done = true;
            log.debug("locks resolved txnSafePoint={} regions={}", text(safePoint), regions);
        } finally {
            metrics.swept(done, Duration.ofNanos(nanoClock.getAsLong() - begunNanos));
        }
    }

    /** Step 3, if it is time. */
    private boolean follow(Swept ready) throws InterruptedException, TimeoutException {
        if (nanoClock.getAsLong() - ready.sinceNanos() < options.grace().toNanos()) {
            return false;
        }
        MetaOutcome outcome = get(safePoints.advanceGc(ready.safePoint()));
        swept = null;
        if (outcome instanceof MetaOutcome.Moved moved) {
            log.info("gc safe point moved from={} to={}", text(moved.before()), text(moved.after()));
        } else if (outcome instanceof MetaOutcome.Refused refused && refused.reason() != Reason.BEHIND_SAFE_POINT) {
            // Behind: somebody else collects as well and was faster.
            log.warn("gc safe point not moved cause=\"{}\"", refused.message());
        }
        return true;
    }

    private static <T> T get(CompletableFuture<T> future) throws InterruptedException, TimeoutException {
        try {
            return future.get(LOG_ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            while (cause instanceof CompletionException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            if (cause instanceof MetaException meta) {
                throw meta;
            }
            throw new IllegalStateException(cause);
        }
    }

    private static String text(long ts) {
        return Long.toUnsignedString(ts);
    }

    @Override
    public void close() {
        timer.shutdownNow();
        calls.close();
    }
}
