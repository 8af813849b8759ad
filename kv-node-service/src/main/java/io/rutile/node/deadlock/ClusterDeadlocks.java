package io.rutile.node.deadlock;

import io.grpc.BindableService;
import io.grpc.ChannelCredentials;
import io.grpc.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.client.rpc.BackoffCurve;
import io.rutile.client.rpc.Endpoint;
import io.rutile.protocol.deadlock.DeadlockResponse;
import io.rutile.protocol.deadlock.WaitForEntry;
import io.rutile.storage.command.DeadlockDetection;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This store's waits, kept in the cluster's one graph: here while this store leads the first Region, else by a stream to the store
 * that does. Whenever the graph changes hands, or the stream breaks, every wait that still lives is told again, so that a circle
 * whose edges came before and after is found all the same.
 *
 * <p>Guarantees: nothing blocks and no wait fails; an answer is a circle, or null once the wait has ended. An edge that gets lost
 * costs its wait's time-out.
 *
 * <p>Threads: callers hand over to the thread {@code deadlocks}, which owns the edges and the stream. Bounded (R10): so many edges
 * live at a time, one stream, one look-up under way, back-off between two.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what is handed over reports for itself
public final class ClusterDeadlocks implements DeadlockDetection, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(ClusterDeadlocks.class);

    /** How soon a change of the first Region's leader is noticed; a lock wait lasts a second. */
    private static final long LOOK_MS = 100;

    private static final BackoffCurve BACKOFF = new BackoffCurve(Duration.ofMillis(50), Duration.ofSeconds(1));

    /** A stream that lived so long was a good one: the next failure counts as the first. */
    private static final long SETTLED_MS = 2_000;

    private static final long CLOSE_PATIENCE_MS = 1_000;

    private final WaitForGraph graph;
    private final DeadlockService service;
    private final DetectorLookup lookup;
    private final ChannelCredentials credentials;
    private final int edgesMax;
    private final ScheduledThreadPoolExecutor thread;

    /** Waits that have been taken and not been let go, those still queued for the thread too. */
    private final AtomicInteger taken = new AtomicInteger();

    private final Counter overflow;
    private final Counter found;
    private final Counter broken;
    private final Counter cleanUpsDropped;

    // ---- of the thread

    private final Map<LiveEdge.Key, LiveEdge> live = new HashMap<>();

    /** Edges that the stream has not been given yet. */
    private final Set<LiveEdge> unsent = new LinkedHashSet<>();

    private @Nullable FirstRegionLead here;
    private @Nullable DetectorStream there;

    /** True while the leader is looked up, or until it may be looked up again. */
    private boolean seeking;

    private int failures;
    private boolean closed;

    /**
     * Begins to watch who leads the first Region.
     *
     * @param firstRegion this store's lead of the first Region, empty if it has none; cheap
     * @param lookup finds the leader when it is another store
     * @param credentials how the connection to that store is secured
     * @param edgeLife longest that a wait lasts: edges of a store that died end after it
     * @param edgesMax waits of this store that are told, and edges that the graph keeps; what is beyond waits for its time-out
     */
    public ClusterDeadlocks(
            Supplier<Optional<FirstRegionLead>> firstRegion,
            DetectorLookup lookup,
            ChannelCredentials credentials,
            Duration edgeLife,
            int edgesMax,
            MeterRegistry metrics) {
        this.graph = new WaitForGraph(firstRegion, edgeLife, edgesMax);
        this.service = new DeadlockService(graph, metrics);
        this.lookup = lookup;
        this.credentials = credentials;
        this.edgesMax = edgesMax;
        this.overflow = counter(metrics, "edges.refused", "waits not told because too many live");
        this.found = counter(metrics, "found", "waits that closed a circle");
        this.broken = counter(metrics, "stream.failures", "streams to the detector that broke");
        this.cleanUpsDropped = counter(metrics, "cleanups.dropped", "ended waits not told because the stream was full");
        Gauge.builder("kv.deadlock.edges", taken, AtomicInteger::get)
                .description("waits of this store that are kept in mind")
                .register(metrics);
        this.thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread own = new Thread(task, "deadlocks");
            own.setDaemon(true);
            return own;
        });
        thread.setRemoveOnCancelPolicy(true);
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        thread.scheduleWithFixedDelay(guarded(this::look), LOOK_MS, LOOK_MS, TimeUnit.MILLISECONDS);
    }

    private static Counter counter(MeterRegistry metrics, String name, String description) {
        return Counter.builder("kv.deadlock." + name).description(description).register(metrics);
    }

    /** The graph's door for other stores; lives as long as this object. */
    public BindableService service() {
        return service;
    }

    @Override
    public CompletableFuture<@Nullable DeadlockResponse> detect(WaitForEntry edge) {
        if (taken.incrementAndGet() > edgesMax) {
            taken.decrementAndGet();
            overflow.increment();
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<@Nullable DeadlockResponse> answer = new CompletableFuture<>();
        if (!handOver(() -> take(edge, answer))) {
            answer.complete(null);
        }
        return answer;
    }

    @Override
    public void forget(WaitForEntry edge) {
        handOver(() -> letGo(edge));
    }

    /** @return false if it is closed, so that the task will not run */
    private boolean handOver(Runnable task) {
        try {
            thread.execute(guarded(task));
            return true;
        } catch (RejectedExecutionException over) {
            return false;
        }
    }

    /** A bug must neither end the repetition nor vanish. */
    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException bug) {
                log.error("event=deadlock_task_failed", bug);
            }
        };
    }

    // ---- the edges

    private void take(WaitForEntry edge, CompletableFuture<@Nullable DeadlockResponse> answer) {
        if (closed) {
            answer.complete(null);
            return;
        }
        LiveEdge.Key key = LiveEdge.Key.of(edge);
        LiveEdge known = live.get(key);
        if (known != null) {
            known.join(answer);
            return;
        }
        LiveEdge added = new LiveEdge(WaitForGraph.bounded(edge));
        added.join(answer);
        followLead(); // first, so that a new lead doesn't ask for this edge twice
        live.put(key, added);
        ask(added);
    }

    private void letGo(WaitForEntry edge) {
        LiveEdge known = live.get(LiveEdge.Key.of(edge));
        if (known == null) {
            return; // it was one too many
        }
        taken.decrementAndGet();
        if (!known.leave()) {
            return;
        }
        live.remove(LiveEdge.Key.of(edge));
        if (here != null) {
            graph.forget(known.entry());
        } else if (there != null && !unsent.remove(known)) {
            cleanUp(there, known);
        }
    }

    /** The graph forgets an old edge by itself, but until then it could make a circle of the past. */
    private void cleanUp(DetectorStream stream, LiveEdge ended) {
        if (stream.isReady()) {
            stream.cleanUp(ended.entry());
        } else {
            cleanUpsDropped.increment();
        }
    }

    private void ask(LiveEdge edge) {
        if (here != null) {
            DeadlockResponse circle = graph.detect(edge.entry());
            if (circle != null) {
                closes(edge, circle);
            }
        } else if (there != null) {
            unsent.add(edge);
            sendWhatFits(there);
        } else {
            seek();
        }
    }

    private void closes(LiveEdge edge, DeadlockResponse circle) {
        found.increment();
        edge.closes(circle);
    }

    private void askAgain() {
        live.values().stream().filter(edge -> !edge.isAnswered()).forEach(this::ask);
    }

    private void sendWhatFits(DetectorStream stream) {
        Iterator<LiveEdge> next = unsent.iterator();
        while (stream.isReady() && next.hasNext()) {
            stream.detect(next.next().entry());
            next.remove();
        }
    }

    // ---- the way to the graph

    private void look() {
        followLead();
        service.endStaleStreams();
    }

    private void followLead() {
        FirstRegionLead now = graph.lead();
        if (Objects.equals(now, here)) {
            return;
        }
        log.info("event=deadlock_detector_moved before={} now={}", here, now);
        here = now;
        if (now != null) {
            dropStream();
            askAgain();
        } else if (!live.isEmpty()) {
            seek();
        }
    }

    private void seek() {
        if (seeking || there != null || closed) {
            return;
        }
        seeking = true;
        findDetector()
                .exceptionally(failure -> {
                    log.debug("event=deadlock_detector_unknown reason={}", String.valueOf(failure.getMessage()));
                    return Optional.empty();
                })
                .thenAccept(endpoint -> handOver(() -> located(endpoint)));
    }

    private CompletableFuture<Optional<Endpoint>> findDetector() {
        try {
            return lookup.find();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void located(Optional<Endpoint> endpoint) {
        seeking = false;
        if (closed || here != null || live.isEmpty()) {
            return; // whoever waits next asks again
        }
        if (endpoint.isEmpty()) {
            seekLater();
            return;
        }
        there = new DetectorStream(endpoint.get(), credentials, new StreamNews());
        there.open();
        askAgain();
    }

    private void seekLater() {
        seeking = true;
        try {
            thread.schedule(
                    guarded(() -> {
                        seeking = false;
                        if (here == null && !live.isEmpty()) {
                            seek();
                        }
                    }),
                    BACKOFF.delayNanos(++failures),
                    TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException over) {
            log.debug("event=deadlock_detector_given_up");
        }
    }

    private void lost(DetectorStream stream, Status reason) {
        if (there != stream) {
            return;
        }
        log.info(
                "event=deadlock_stream_broken detector={} status={} reason={}",
                stream.detector(),
                reason.getCode(),
                reason.getDescription());
        broken.increment();
        if (stream.ageMs() > SETTLED_MS) {
            failures = 0;
        }
        dropStream();
        seekLater();
    }

    private void dropStream() {
        if (there != null) {
            there.close();
            there = null;
        }
        unsent.clear();
    }

    /** From gRPC's threads to ours. */
    private final class StreamNews implements DetectorStream.Owner {

        @Override
        public void onReady(DetectorStream stream) {
            handOver(() -> {
                if (there == stream) {
                    sendWhatFits(stream);
                }
            });
        }

        @Override
        public void onAnswer(DetectorStream stream, DeadlockResponse circle) {
            handOver(() -> {
                if (there == stream) {
                    answered(circle);
                    stream.more();
                }
            });
        }

        @Override
        public void onBroken(DetectorStream stream, Status reason) {
            handOver(() -> lost(stream, reason));
        }
    }

    private void answered(DeadlockResponse circle) {
        LiveEdge edge = live.get(LiveEdge.Key.of(circle.getEntry()));
        if (edge != null && !edge.isAnswered()) {
            closes(edge, circle);
        }
    }

    /** Every wait that is asked for gets null; what is asked from here on too. */
    @Override
    public void close() {
        handOver(() -> {
            closed = true;
            dropStream();
            live.values().forEach(edge -> {
                while (!edge.leave()) {
                    taken.decrementAndGet();
                }
                taken.decrementAndGet();
            });
            live.clear();
        });
        thread.shutdown();
        try {
            if (!thread.awaitTermination(CLOSE_PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                log.warn("event=deadlocks_close_incomplete");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
