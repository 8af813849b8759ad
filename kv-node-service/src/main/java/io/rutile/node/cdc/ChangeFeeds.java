package io.rutile.node.cdc;

import io.grpc.BindableService;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.rutile.node.raftstore.RegionPeer;
import io.rutile.node.raftstore.ResolvedTs;
import io.rutile.protocol.RegionErrors;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.cdcpb.ChangeDataEvent;
import io.rutile.protocol.cdcpb.ChangeDataGrpc;
import io.rutile.protocol.cdcpb.ChangeDataRequest;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The change feed of a store: its door, {@code cdcpb.ChangeData}, and the rounds that find out how far watched Regions are settled. Where
 * nobody watches there are no rounds.
 */
public final class ChangeFeeds implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ChangeFeeds.class);

    /** Open at a time: a few for each client. */
    static final int STREAMS_MAX = 1_024;

    /** Watched at a time, each stream's counted. */
    static final int REGIONS_MAX = 65_536;

    private static final int THREADS = 2;

    /** How long a round waits for the oracle. */
    private static final long PATIENCE_MS = 2_000;

    private static final long CLOSE_PATIENCE_MS = 1_000;

    private final CdcOptions options;
    private final long clusterId;
    private final LongFunction<Optional<RegionPeer>> regions;
    private final Supplier<CompletableFuture<TimeStamp>> oracle;
    private final Supplier<TimeStamp> gcSafePoint;
    private final FeedBudget budget;
    private final FeedMetrics metrics;
    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS, new DefaultThreadFactory("cdc", true));
    private final Set<FeedStream> streams = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closing = new CountDownLatch(1);

    /** Guarded by this. */
    private @Nullable Thread rounds;

    /**
     * @param clusterId registrations that name another are refused
     * @param regions the replica of a Region here
     * @param oracle a timestamp that is made after it was asked for
     * @param gcSafePoint up to which versions may be gone, as it is known here
     */
    public ChangeFeeds(
            CdcOptions options,
            long clusterId,
            LongFunction<Optional<RegionPeer>> regions,
            Supplier<CompletableFuture<TimeStamp>> oracle,
            Supplier<TimeStamp> gcSafePoint,
            MeterRegistry registry) {
        this.options = options;
        this.clusterId = clusterId;
        this.regions = regions;
        this.oracle = oracle;
        this.gcSafePoint = gcSafePoint;
        this.budget = new FeedBudget(options.memoryBytesMax(), registry);
        this.metrics = new FeedMetrics(registry);
        metrics.watch(streams::size, this::regionCount);
    }

    /** Begins to make rounds; once. */
    public synchronized void start() {
        if (rounds != null) {
            throw new IllegalStateException("the change feed has been started");
        }
        rounds = new Thread(this::makeRounds, "cdc-resolved");
        rounds.setDaemon(true);
        rounds.start();
    }

    /** What clients call. */
    public BindableService service() {
        return new ChangeDataGrpc.ChangeDataImplBase() {
            @Override
            public StreamObserver<ChangeDataRequest> eventFeed(StreamObserver<ChangeDataEvent> to) {
                return open((ServerCallStreamObserver<ChangeDataEvent>) to);
            }
        };
    }

    private StreamObserver<ChangeDataRequest> open(ServerCallStreamObserver<ChangeDataEvent> to) {
        boolean closed = closing.getCount() == 0;
        if (closed || streams.size() >= STREAMS_MAX) {
            metrics.ended(FeedMetrics.End.FULL);
            Status why = closed
                    ? Status.UNAVAILABLE.withDescription("the store stops")
                    : Status.RESOURCE_EXHAUSTED.withDescription("too many streams of changes");
            to.onError(why.asRuntimeException());
            return new NobodyListens();
        }
        FeedStream stream = new FeedStream(this, to, streams::remove);
        streams.add(stream);
        if (closing.getCount() == 0) {
            stream.end(Status.UNAVAILABLE);
        }
        return stream.open();
    }

    private static final class NobodyListens implements StreamObserver<ChangeDataRequest> {
        @Override
        public void onNext(ChangeDataRequest request) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
    }

    // ---- for the streams

    CdcOptions options() {
        return options;
    }

    long clusterId() {
        return clusterId;
    }

    long gcSafePoint() {
        return gcSafePoint.get().value();
    }

    FeedBudget budget() {
        return budget;
    }

    FeedMetrics metrics() {
        return metrics;
    }

    /** @throws io.rutile.protocol.RegionException if none of that Region is here */
    RegionPeer region(long regionId) {
        return regions.apply(regionId).orElseThrow(() -> RegionErrors.regionNotFound(regionId));
    }

    int regionCount() {
        return streams.stream().mapToInt(FeedStream::regionCount).sum();
    }

    void execute(Runnable work) {
        try {
            pool.execute(work);
        } catch (RejectedExecutionException e) {
            log.debug("event=change_feed_closed");
        }
    }

    void failed(RuntimeException failure) {
        metrics.ended(FeedMetrics.End.FAILED);
        log.warn("event=change_stream_failed", failure);
    }

    // ---- rounds

    private void makeRounds() {
        try {
            while (!closing.await(options.interval().toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    round();
                } catch (RuntimeException e) {
                    log.warn("event=change_feed_round_failed", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void round() throws InterruptedException {
        long nowNanos = System.nanoTime();
        streams.forEach(stream -> stream.tick(nowNanos));
        if (streams.stream().flatMap(FeedStream::live).findAny().isEmpty()) {
            return;
        }
        long ts;
        try {
            ts = oracle.get().get(PATIENCE_MS, TimeUnit.MILLISECONDS).value();
        } catch (ExecutionException | TimeoutException e) {
            log.debug("event=change_feed_without_oracle reason={}", e.toString());
            return;
        }
        Map<RegionPeer, List<RegionFeed>> byPeer = new IdentityHashMap<>();
        streams.stream()
                .flatMap(FeedStream::live)
                .forEach(feed -> byPeer.computeIfAbsent(feed.peer(), peer -> new ArrayList<>())
                        .add(feed));
        byPeer.forEach((peer, feeds) -> {
            CompletableFuture<Void> unused = peer.resolve(ts)
                    .thenAccept(said -> said.ifPresent(word -> tell(word, feeds)))
                    .exceptionally(failure -> {
                        log.debug("event=change_feed_unresolved region={} reason={}", peer.regionId(), failure);
                        return null;
                    });
        });
    }

    private static void tell(ResolvedTs word, List<RegionFeed> feeds) {
        feeds.forEach(feed -> feed.offer(word));
    }

    /** Ends every stream; clients come back to who leads by then. */
    @Override
    public synchronized void close() {
        closing.countDown();
        streams.forEach(stream -> stream.end(Status.UNAVAILABLE.withDescription("the store stops")));
        Thread running = rounds;
        try {
            if (running != null) {
                running.join(CLOSE_PATIENCE_MS);
                if (running.isAlive()) {
                    running.interrupt();
                    running.join(CLOSE_PATIENCE_MS);
                }
            }
            pool.shutdown();
            if (!pool.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                pool.shutdownNow();
            }
        } catch (InterruptedException e) {
            pool.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
