package io.rutile.node.resolved;

import io.grpc.ChannelCredentials;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.ResolvedTs;
import io.rutile.protocol.RegionException;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.LeaderInfo;
import io.rutile.protocol.metapb.Peer;
import io.rutile.raft.RaftException;
import io.rutile.storage.mvcc.Ts;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Advances the resolved timestamps of all Regions that this store leads (P8), in rounds: one timestamp of the oracle for all of them,
 * then each Region's own leader has the word ({@link RegionPeer#resolve}), then each other store hears of all Regions that it has
 * replicas of in one message. Without PD nothing advances and what was said stays true (D3).
 *
 * <p>One daemon thread, {@code resolved-ts}.
 */
public final class ResolvedTsWorker implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ResolvedTsWorker.class);

    /** How long a round waits for the oracle, and for the proofs of leaders without a lease. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(1);

    private final Duration interval;
    private final long storeId;
    private final Supplier<CompletableFuture<TimeStamp>> oracle;
    private final Supplier<Collection<RegionPeer>> replicas;
    private final Clock clock;
    private final LeaderNews news;
    private final Timer rounds;
    private final CountDownLatch closing = new CountDownLatch(1);

    /** The least of the last round that had one, 0 before. */
    private volatile long leastTs;

    private volatile int unresolved;

    /** Guarded by this. */
    private @Nullable Thread thread;

    /**
     * @param interval pause between two rounds; zero: none is made
     * @param oracle a timestamp that is made after it was asked for
     * @param replicas of this store, whoever leads
     * @param addresses where a store's clients reach it
     * @param credentials how connections to other stores are secured
     * @param clock tells how far behind the least resolved timestamp is, for the metric alone
     */
    public ResolvedTsWorker(
            Duration interval,
            long storeId,
            Supplier<CompletableFuture<TimeStamp>> oracle,
            Supplier<Collection<RegionPeer>> replicas,
            LongFunction<Optional<String>> addresses,
            ChannelCredentials credentials,
            Clock clock,
            MeterRegistry metrics) {
        this.interval = interval;
        this.storeId = storeId;
        this.oracle = oracle;
        this.replicas = replicas;
        this.clock = clock;
        this.news = new LeaderNews(addresses, credentials, metrics);
        this.rounds = Timer.builder("kv.resolved.round.duration")
                .description("rounds over all Regions, with a timestamp of the oracle")
                .register(metrics);
        Gauge.builder("kv.resolved.ts", () -> Ts.physicalMs(leastTs) / 1_000.0)
                .baseUnit("seconds")
                .description("least resolved timestamp of the Regions led here, since the epoch; 0 before the first")
                .register(metrics);
        Gauge.builder("kv.resolved.ts.lag", this::lagSeconds)
                .baseUnit("seconds")
                .description("how far that is behind now; 0 before the first")
                .register(metrics);
        Gauge.builder("kv.resolved.regions.unresolved", () -> unresolved)
                .description("Regions led here for which the last round could promise nothing new")
                .register(metrics);
    }

    private double lagSeconds() {
        long least = leastTs;
        return least == 0 ? 0 : (clock.millis() - Ts.physicalMs(least)) / 1_000.0;
    }

    /** Begins to make rounds, unless they are switched off; once. */
    public synchronized void start() {
        if (thread != null) {
            throw new IllegalStateException("the worker has been started");
        }
        if (interval.isZero()) {
            return;
        }
        thread = new Thread(this::makeRounds, "resolved-ts");
        thread.setDaemon(true);
        thread.start();
    }

    private void makeRounds() {
        try {
            while (!closing.await(interval.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    round();
                } catch (RuntimeException e) {
                    log.warn("event=resolved_ts_round_failed", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            news.close();
        }
    }

    private void round() throws InterruptedException {
        long beganNanos = System.nanoTime();
        TimeStamp ts;
        try {
            ts = oracle.get().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            log.debug("event=resolved_ts_without_oracle reason={}", e.toString());
            return;
        }
        List<CompletableFuture<Optional<ResolvedTs>>> asked = new ArrayList<>();
        int led = 0;
        for (RegionPeer peer : replicas.get()) {
            led += peer.isLeader() ? 1 : 0;
            // Followers too: they let go of what they needed as leaders.
            asked.add(peer.resolve(ts.value()));
        }
        List<ResolvedTs> said = answers(asked, beganNanos);
        unresolved = Math.max(0, led - said.size());
        said.stream().map(ResolvedTs::ts).min(Long::compareUnsigned).ifPresent(least -> leastTs = least);
        tell(said, ts.value());
        rounds.record(System.nanoTime() - beganNanos, TimeUnit.NANOSECONDS);
    }

    /** Those that have come in time; the others are asked again in the next round. */
    private List<ResolvedTs> answers(List<CompletableFuture<Optional<ResolvedTs>>> asked, long beganNanos)
            throws InterruptedException {
        List<ResolvedTs> said = new ArrayList<>();
        for (CompletableFuture<Optional<ResolvedTs>> one : asked) {
            try {
                long leftNanos = Math.max(0, PATIENCE.toNanos() - (System.nanoTime() - beganNanos));
                one.get(leftNanos, TimeUnit.NANOSECONDS).ifPresent(said::add);
            } catch (TimeoutException e) {
                log.debug("event=resolved_ts_late");
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RegionException || e.getCause() instanceof RaftException) {
                    log.debug(
                            "event=resolved_ts_refused reason={}", e.getCause().getMessage());
                } else {
                    log.warn("event=resolved_ts_failed", e.getCause());
                }
            }
        }
        return said;
    }

    private void tell(List<ResolvedTs> said, long ts) {
        Map<Long, List<LeaderInfo>> byStore = new HashMap<>();
        for (ResolvedTs word : said) {
            LeaderInfo info = word.toLeaderInfo();
            for (Peer peer : word.region().getPeersList()) {
                if (peer.getStoreId() != storeId) {
                    byStore.computeIfAbsent(peer.getStoreId(), store -> new ArrayList<>())
                            .add(info);
                }
            }
        }
        byStore.forEach((store, infos) -> news.tell(store, infos, ts));
        if (!byStore.isEmpty()) {
            news.retain(byStore.keySet());
        }
    }

    @Override
    public synchronized void close() {
        closing.countDown();
        Thread running = thread;
        if (running == null) {
            return;
        }
        try {
            running.join(CLOSE_PATIENCE.toMillis());
            if (running.isAlive()) {
                running.interrupt();
                running.join(CLOSE_PATIENCE.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
