package io.rutile.pd.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.pd.cluster.ClusterState;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.schedule.operator.Operator.Purpose;
import io.rutile.pd.schedule.operator.OperatorBuilder;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorsUnderWay;
import io.rutile.protocol.ByteKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Splits Regions at keys that somebody asks for, and says how far that came. A key is finished when heartbeats show a Region that
 * begins there (D1), whoever made it so; until then its Region is given an operator, and another one if that fails.
 *
 * <p>{@link #split} may be called on any thread, {@link #tick} belongs to the schedule thread, which also completes the futures.
 * Bounded in requests that wait and in keys of each.
 */
public final class RegionSplits implements AutoCloseable {

    /** Keys of one request. */
    public static final int KEYS_MAX = 4_096;

    /** Operators that one key may be part of, if the request does not say. */
    public static final int RETRIES_DEFAULT = 5;

    static final int WAITING_MAX = 64;
    private static final int KEYS_PER_OPERATOR = 64;

    private final ClusterState cluster;
    private final OperatorsUnderWay underWay;
    private final Function<OperatorBuilder, Admission> submit;
    private final LongSupplier nanoClock;
    private final MeterRegistry metrics;
    /** Guarded by itself. */
    private final List<Waiting> waiting = new ArrayList<>();

    private boolean closed;

    /**
     * How far a request came.
     *
     * @param finished keys at which a Region begins now
     * @param asked keys that were asked for, each once
     * @param regions Regions beside the finished keys that were not there before, by id
     * @param beside all Regions beside the finished keys, by id
     */
    public record Outcome(int finished, int asked, List<Long> regions, List<Long> beside) {

        public Outcome {
            regions = List.copyOf(regions);
            beside = List.copyOf(beside);
        }

        public int percentage() {
            return 100 * finished / asked;
        }
    }

    /** The schedule thread's once it is in the list. */
    private static final class Waiting {
        private final Collection<ByteKey> keys;
        private final Set<Long> before;
        private final int attemptsMax;
        private final long untilNanos;
        private final Map<ByteKey, Integer> attempts = new HashMap<>();
        private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();

        Waiting(Collection<ByteKey> keys, Set<Long> before, int attemptsMax, long untilNanos) {
            this.keys = keys;
            this.before = before;
            this.attemptsMax = attemptsMax;
            this.untilNanos = untilNanos;
        }
    }

    /** @param submit takes a plan on, or says why not */
    RegionSplits(
            ClusterState cluster,
            OperatorsUnderWay underWay,
            Function<OperatorBuilder, Admission> submit,
            LongSupplier nanoClock,
            MeterRegistry metrics) {
        this.cluster = cluster;
        this.underWay = underWay;
        this.submit = submit;
        this.nanoClock = nanoClock;
        this.metrics = metrics;
    }

    /**
     * Begins with the next tick.
     *
     * @param keys 1 to {@link #KEYS_MAX}, none empty, in the encoding of Region borders
     * @param retries operators that a key gets after its first one has failed
     * @param within after this time it is said how far it came; what is under way goes on
     * @return fails with {@link RejectedExecutionException} if too many wait already, or the term is over
     * @throws IllegalArgumentException in words if there are too few or too many keys, or one is empty
     */
    public CompletableFuture<Outcome> split(Collection<ByteKey> keys, int retries, Duration within) {
        if (keys.isEmpty() || keys.size() > KEYS_MAX) {
            throw new IllegalArgumentException("1 to " + KEYS_MAX + " keys to split at, not " + keys.size());
        }
        if (keys.contains(ByteKey.EMPTY)) {
            throw new IllegalArgumentException("there is nothing in front of the empty key to split from");
        }
        Set<ByteKey> sorted = new TreeSet<>(keys);
        long until = nanoClock.getAsLong() + within.toNanos();
        Waiting made = new Waiting(sorted, beside(sorted), Math.max(0, retries) + 1, until);
        synchronized (waiting) {
            if (closed || waiting.size() >= WAITING_MAX) {
                count("refused");
                return CompletableFuture.failedFuture(new RejectedExecutionException(
                        closed ? "not leader" : WAITING_MAX + " requests to split are waiting already"));
            }
            waiting.add(made);
        }
        return made.outcome;
    }

    /** Looks after all that wait; bounded by their keys. */
    void tick() {
        List<Waiting> now;
        synchronized (waiting) {
            now = List.copyOf(waiting);
        }
        for (Waiting request : now) {
            if (advance(request)) {
                synchronized (waiting) {
                    waiting.remove(request);
                }
                Outcome outcome = outcome(request);
                count(outcome.finished() == outcome.asked() ? "finished" : "partly");
                request.outcome.complete(outcome);
            }
        }
    }

    /** True if nothing more will come of it, or its time is up. */
    private boolean advance(Waiting request) {
        boolean open = false;
        Map<Long, List<ByteKey>> byRegion = new TreeMap<>();
        for (ByteKey key : request.keys) {
            Optional<RegionInfo> region = cluster.regionByKey(key);
            if (region.isEmpty()) {
                open = true;
            } else if (!region.get().startKey().equals(key)) {
                byRegion.computeIfAbsent(region.get().id(), id -> new ArrayList<>())
                        .add(key);
            }
        }
        for (Map.Entry<Long, List<ByteKey>> entry : byRegion.entrySet()) {
            open |= advance(request, entry.getKey(), entry.getValue());
        }
        return !open || nanoClock.getAsLong() - request.untilNanos >= 0;
    }

    /** True if something may still come of these keys. */
    private boolean advance(Waiting request, long regionId, List<ByteKey> keys) {
        if (!underWay.isOpenTo(regionId, OperatorKind.SPLIT)) {
            return true;
        }
        List<ByteKey> left = keys.stream()
                .filter(key -> request.attempts.getOrDefault(key, 0) < request.attemptsMax)
                .limit(KEYS_PER_OPERATOR)
                .toList();
        Optional<RegionInfo> region = cluster.region(regionId);
        if (left.isEmpty() || region.isEmpty() || region.get().leader() == null) {
            return !left.isEmpty();
        }
        Purpose purpose = new Purpose(
                "split-region", OperatorKind.SPLIT, "somebody asked for borders at " + left.size() + " keys");
        if (submit.apply(new OperatorBuilder(region.get(), purpose).splitAt(left)) == Admission.ADDED) {
            left.forEach(key -> request.attempts.merge(key, 1, Integer::sum));
        }
        return true;
    }

    private Outcome outcome(Waiting request) {
        List<ByteKey> finished = request.keys.stream()
                .filter(key -> cluster.regionByKey(key)
                        .filter(region -> region.startKey().equals(key))
                        .isPresent())
                .toList();
        Set<Long> beside = new TreeSet<>(beside(finished));
        List<Long> born =
                beside.stream().filter(id -> !request.before.contains(id)).toList();
        return new Outcome(finished.size(), request.keys.size(), born, List.copyOf(beside));
    }

    /** The Regions with these keys, and those in front of them. */
    private Set<Long> beside(Collection<ByteKey> keys) {
        Set<Long> found = new HashSet<>();
        for (ByteKey key : keys) {
            cluster.regionByKey(key).ifPresent(region -> found.add(region.id()));
            cluster.regionBefore(key).ifPresent(region -> found.add(region.id()));
        }
        return found;
    }

    private void count(String outcome) {
        Counter.builder("kv.pd.schedule.splits")
                .description(
                        "Requests to split at keys: finished, partly (time or retries ran out), refused (too many)")
                .tag("outcome", outcome)
                .register(metrics)
                .increment();
    }

    /** The term is over: whoever waits has to ask the next leader. */
    @Override
    public void close() {
        List<Waiting> left;
        synchronized (waiting) {
            closed = true;
            left = List.copyOf(waiting);
            waiting.clear();
        }
        left.forEach(request -> request.outcome.completeExceptionally(new RejectedExecutionException("not leader")));
    }
}
