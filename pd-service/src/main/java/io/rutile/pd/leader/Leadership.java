package io.rutile.pd.leader;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.gc.GcMetrics;
import io.rutile.pd.meta.LeadershipListener;
import io.rutile.pd.meta.MetaLog;
import io.rutile.pd.meta.MetaRecord;
import io.rutile.pd.meta.MetaStore;
import io.rutile.pd.meta.PdMember;
import io.rutile.pd.tso.TsoWindow;
import io.rutile.tls.TransportSecurity;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Begins a {@link LeaderTerm} when this member leads and ends it when it no longer does. A term is there for others only once
 * its first window of timestamps is durable (T1).
 *
 * <p>What the log calls back only wakes the one timer thread; that looks at how things are, so a callback lost or late costs
 * one tick and nothing else.
 */
public final class Leadership implements LeadershipListener, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(Leadership.class);
    private static final Duration TICK = Duration.ofMillis(500);
    private static final SecureRandom RANDOM = new SecureRandom();

    private final LeaderOptions options;
    private final Clocks clocks;
    private final ChannelCredentials credentials;
    private final MeterRegistry metrics;
    private final ScheduledExecutorService timer;
    private volatile @Nullable LeaderTerm current;
    private volatile @Nullable Throwable failure;
    private volatile @Nullable Begun begun;
    /** The term that is being opened, 0 if none. Only the timer thread touches it. */
    private long opening;

    private record Begun(MetaStore meta, PdMember member) {}

    /** Reaches stores over plaintext. */
    public Leadership(LeaderOptions options, Clocks clocks, MeterRegistry metrics) {
        this(options, TransportSecurity.PLAINTEXT.channels(), clocks, metrics);
    }

    /** @param credentials how connections to stores are secured */
    public Leadership(LeaderOptions options, ChannelCredentials credentials, Clocks clocks, MeterRegistry metrics) {
        this.options = options;
        this.credentials = credentials;
        this.clocks = clocks;
        this.metrics = metrics;
        this.timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "pd-leadership");
            thread.setDaemon(true);
            return thread;
        });
        LeaderMetrics.show(this, clocks.nano(), metrics);
    }

    /** Watches the log from now on. Callbacks that came before are not needed. */
    public void begin(MetaStore meta, PdMember member) {
        GcMetrics.show(meta, metrics);
        begun = new Begun(meta, member);
        Future<?> unused = timer.scheduleWithFixedDelay(this::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The term in which this member leads and serves; empty on a follower and while a term is being opened. */
    public Optional<LeaderTerm> current() {
        LeaderTerm term = current;
        return term != null && term.isCurrent() ? Optional.of(term) : Optional.empty();
    }

    /** What ended this member's part in the log for good, if something did. */
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    @Override
    public void onLeaderStart(long term) {
        wake();
    }

    @Override
    public void onLeaderStop() {
        wake();
    }

    @Override
    public void onLeaderChanged(long leaderId) {
        log.info("leader changed member={}", leaderId == 0 ? "unknown" : leaderId);
        wake();
    }

    @Override
    public void onFailure(Throwable cause) {
        failure = cause;
        log.error("member failed and must be restarted", cause);
        wake();
    }

    private void wake() {
        try {
            timer.execute(this::look);
        } catch (RejectedExecutionException e) {
            log.debug("leadership is closed");
        }
    }

    private void tick() {
        try {
            look();
            current().ifPresent(LeaderTerm::tick);
        } catch (RuntimeException e) {
            // A tick that throws would be the last one of its timer.
            log.error("leadership tick failed", e);
        }
    }

    private void look() {
        Begun to = begun;
        if (to == null) {
            return;
        }
        LeaderTerm serving = current;
        if (serving != null && !serving.isCurrent()) {
            end(serving);
        }
        MetaLog metaLog = to.meta().log();
        long term = metaLog.term();
        if (current == null && opening != term && metaLog.leads(term)) {
            open(to, term);
        }
    }

    /** Timestamps first; the cluster's name and this member's address travel beside them. */
    private void open(Begun to, long term) {
        opening = term;
        TsoWindow tso = new TsoWindow(to.meta(), term, clocks.wall(), options.tsoWindow());
        CompletableFuture<Void> window = tso.extend();
        CompletableFuture<?> named = nameCluster(to.meta(), term);
        CompletableFuture<?> announced = to.member().mustAnnounce()
                ? to.meta().propose(to.member().announcement(), term)
                : CompletableFuture.completedFuture(null);
        CompletableFuture<?> unused = CompletableFuture.allOf(window, named, announced)
                .whenComplete((done, trouble) -> {
                    try {
                        timer.execute(() -> opened(to, term, tso, trouble));
                    } catch (RejectedExecutionException e) {
                        log.debug("leadership is closed");
                    }
                });
    }

    private void opened(Begun to, long term, TsoWindow tso, @Nullable Throwable trouble) {
        if (opening != term) {
            return;
        }
        opening = 0;
        if (trouble != null || !to.meta().log().leads(term)) {
            // Still leading? Then the next tick tries again.
            log.info("term not opened term={} cause={}", term, trouble == null ? "over" : trouble.getMessage());
            return;
        }
        LeaderTerm opened = new LeaderTerm(term, to.meta(), to.member(), tso, options, credentials, clocks, metrics);
        opened.start();
        current = opened;
        log.info("leading term={} clusterId={}", term, to.meta().state().clusterId());
    }

    private CompletableFuture<?> nameCluster(MetaStore meta, long term) {
        if (meta.state().clusterId() != 0) {
            return CompletableFuture.completedFuture(null);
        }
        long clusterId = Math.max(1, RANDOM.nextLong() & Long.MAX_VALUE);
        return CompletableFuture.allOf(
                meta.propose(new MetaRecord.NameCluster(clusterId), term),
                meta.propose(new MetaRecord.SetMaxReplicas(options.maxReplicas()), term));
    }

    private void end(LeaderTerm term) {
        // Closed before anything new is opened: leadership may come back in the very same term.
        term.close();
        current = null;
        log.info("no longer leading term={}", term.term());
    }

    @Override
    public void close() {
        timer.shutdownNow();
        LeaderTerm term = current;
        if (term != null) {
            end(term);
        }
    }
}
