package io.rutile.client.region;

import io.grpc.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.context.Scope;
import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.ReadFrom;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.PdException;
import io.rutile.client.region.Backoff.Reason;
import io.rutile.client.region.StoreChannels.StoreConnection;
import io.rutile.client.rpc.Attempt;
import io.rutile.client.rpc.ClientTimer;
import io.rutile.client.rpc.ClientTimer.Alarm;
import io.rutile.client.rpc.CommandStream;
import io.rutile.client.rpc.Futures;
import io.rutile.protocol.errorpb.Error;
import io.rutile.protocol.kvrpcpb.APIVersion;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.metapb.Peer;
import io.rutile.trace.Tracing;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Carries a request to the leader of a Region and tries again by Region error, inside the call's one deadline: a coordinator that
 * only sequences. {@link Reaction} knows the errors, {@link RegionCache} the Regions, {@link StoreChannels} the ways,
 * {@link StoreHealth} whom not to wait for, {@link Backoff} how long.
 *
 * <p>A read that any replica may serve is tried at one of them, once; whatever that one has against it, the leader is asked next.
 *
 * <p>Every peer is tried once before there is a pause, so an attempt that finds a dead store costs nothing but itself; a store that
 * hangs is given a part of the deadline only. A request that is not repeatable and may have arrived ends the call as {@code
 * UNDETERMINED}.
 *
 * <p>Threads: any; attempts of one call follow one another. Nothing blocks.
 */
public final class RegionSender implements AutoCloseable {

    /** How long the first attempt may take at most; the part doubles each time it was too short. */
    private static final Duration ATTEMPT_TIMEOUT_MAX = Duration.ofSeconds(2);

    private static final long ATTEMPT_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(50);

    /**
     * What a Region said.
     *
     * @param response without a Region error
     * @param region the Region that gave it
     */
    public record Answer<R>(R response, CachedRegion region) {}

    private final PdClient pd;
    private final ClientTimer timer;
    private final RegionMetrics metrics;
    private final RegionCache cache;
    private final RegionLocator locator;
    private final StoreChannels stores;
    private final StoreHealth health;
    private final Tracing tracing;
    private volatile boolean closed;

    /**
     * @param pd not closed here
     * @param timer not closed here
     * @param channelsPerStore 1 to 16
     */
    public RegionSender(PdClient pd, ClientTimer timer, int channelsPerStore, MeterRegistry registry, Tracing tracing) {
        this.pd = pd;
        this.timer = timer;
        this.tracing = tracing;
        metrics = new RegionMetrics(registry);
        stores = new StoreChannels(pd, timer, channelsPerStore, metrics);
        cache = new RegionCache(
                pd, metrics, region -> region.region().getPeersList().forEach(peer -> stores.learn(peer.getStoreId())));
        locator = new RegionLocator(cache, timer, metrics);
        health = new StoreHealth(System::nanoTime);
        metrics.watchHealth(health);
    }

    /**
     * Sends a request to the Region at the anchor.
     *
     * @return the answer; fails with {@link KvClientException}, or with {@link RegionChanged} if that Region does not fit the request
     */
    public <Q, R> CompletableFuture<Answer<R>> send(RegionCall<Q, R> call, Anchor anchor, Backoff backoff) {
        CallSpan span = CallSpan.begin(tracing, call.name(), backoff.trace());
        Sending<Q, R> sending = new Sending<>(call, anchor, backoff, span);
        sending.begin();
        return span == null ? sending.result : span.over(sending.result);
    }

    /** Who makes the spans of calls that are traced. */
    public Tracing tracing() {
        return tracing;
    }

    /** The Region at the anchor, as far as is known; for those who put requests together. */
    public CompletableFuture<CachedRegion> locate(Anchor anchor, Backoff backoff) {
        return locator.locate(anchor, backoff);
    }

    /** The same Regions and connections, for streams. */
    public RegionStreams streams() {
        return new RegionStreams(locator, cache, stores, health);
    }

    @Override
    public void close() {
        closed = true;
        locator.close();
        stores.close();
    }

    /** One request and its attempts, one after the other. */
    private final class Sending<Q, R> {

        private final RegionCall<Q, R> call;
        private final Anchor anchor;
        private final Backoff backoff;
        /** Null if nobody traces the call. */
        private final @Nullable CallSpan span;

        private final long startedNanos = System.nanoTime();
        private final CompletableFuture<Answer<R>> result = new CompletableFuture<>();

        /** Peers that were tried since the last pause. */
        private final Set<Long> tried = new HashSet<>();

        private @Nullable CachedRegion region;
        /** A store that says nothing for so long counts as silent; what was cut shorter by the deadline proves nothing. */
        private final long fairNanos;

        private long attemptNanosMax;
        /** Until the first attempt has failed. */
        private boolean anyReplica;

        Sending(RegionCall<Q, R> call, Anchor anchor, Backoff backoff, @Nullable CallSpan span) {
            this.call = call;
            this.anchor = anchor;
            this.backoff = backoff;
            this.span = span;
            anyReplica = call.readFrom() != ReadFrom.LEADER;
            fairNanos = Math.max(
                    ATTEMPT_NANOS_MIN,
                    Math.min(
                            ATTEMPT_TIMEOUT_MAX.toNanos(),
                            backoff.deadline().timeout().toNanos() / 4));
            attemptNanosMax = fairNanos;
        }

        void begin() {
            Futures.whenDone(result, (answer, failure) -> {
                if (!(failure instanceof RegionChanged)) {
                    metrics.call(call.name(), outcome(failure), System.nanoTime() - startedNanos);
                }
            });
            attempt();
        }

        private void attempt() {
            if (closed) {
                result.completeExceptionally(backoff.closed(call.name()));
            } else if (backoff.deadline().isOver()) {
                result.completeExceptionally(backoff.outOfTime(call.name()));
            } else {
                Futures.whenDone(locate(), result, (located, failure) -> {
                    if (failure == null) {
                        route(located);
                    } else {
                        result.completeExceptionally(failure);
                    }
                });
            }
        }

        /** What PD is asked for on the way belongs to the call. */
        private CompletableFuture<CachedRegion> locate() {
            if (span == null) {
                return locator.locate(anchor, backoff);
            }
            try (Scope scope = span.context().makeCurrent()) {
                return locator.locate(anchor, backoff);
            }
        }

        private void route(CachedRegion located) {
            if (!call.fits().test(located)) {
                result.completeExceptionally(new RegionChanged(located.id()));
                return;
            }
            if (region == null || !region.sameAs(located)) {
                tried.clear();
            }
            region = located;
            Peer peer = anyReplica ? chooseReplica(located) : choose(located);
            if (peer == null) {
                everybodyTried();
                return;
            }
            CompletableFuture<StoreConnection> connection = stores.connection(peer.getStoreId());
            if (connection.isDone()) {
                connected(located, peer, connection);
            } else {
                waitFor(connection, located, peer);
            }
        }

        /** PD's answer about a store may take longer than this call has; another peer's address may be known. */
        private void waitFor(CompletableFuture<StoreConnection> connection, CachedRegion located, Peer peer) {
            CompletableFuture<StoreConnection> inTime = connection.copy();
            long waitNanos = Math.min(attemptNanosMax, backoff.deadline().remainingNanos());
            Alarm alarm = timer.after(
                    waitNanos,
                    () -> inTime.completeExceptionally(
                            new PdException(PdException.Kind.UNAVAILABLE, "PD did not say where the store is")));
            Futures.whenDone(inTime, result, (done, failure) -> {
                alarm.cancel();
                connected(located, peer, inTime);
            });
        }

        private void connected(CachedRegion located, Peer peer, CompletableFuture<StoreConnection> connection) {
            try {
                transmit(located, peer, connection.join().commands());
            } catch (CompletionException e) {
                tried.add(peer.getId());
                leaveReplicas();
                Reason reason = Reason.PD;
                Throwable cause = Futures.causeOf(e);
                if (cause instanceof PdException refused && refused.kind() == PdException.Kind.NOT_FOUND) {
                    // The Region has a peer on a store that is gone: what we believe about it is old.
                    cache.invalidate(located);
                    reason = Reason.REGION_UNKNOWN;
                }
                retryAfterPause(reason, "store " + peer.getStoreId() + ": " + cause.getMessage(), null);
            }
        }

        /** Anybody well; the leader's turn comes as often as another's. If nobody is, it is a read like any other. */
        private @Nullable Peer chooseReplica(CachedRegion located) {
            List<Peer> well = located.holders().stream()
                    .filter(peer -> health.isWell(peer.getStoreId()))
                    .toList();
            if (well.isEmpty()) {
                anyReplica = false;
                return choose(located);
            }
            return well.get(ThreadLocalRandom.current().nextInt(well.size()));
        }

        /** The leader if it is worth trying, else another well peer, else, if all are ill, anybody not tried yet. */
        private @Nullable Peer choose(CachedRegion located) {
            List<Peer> candidates = located.candidates();
            Peer leader = located.leader();
            if (leader != null && !tried.contains(leader.getId()) && health.admits(leader.getStoreId())) {
                return leader;
            }
            for (Peer peer : candidates) {
                if (!tried.contains(peer.getId()) && health.admits(peer.getStoreId())) {
                    return peer;
                }
            }
            if (candidates.stream().anyMatch(peer -> health.isWell(peer.getStoreId()))) {
                return null;
            }
            return candidates.stream()
                    .filter(peer -> !tried.contains(peer.getId()))
                    .findFirst()
                    .orElse(null);
        }

        private void transmit(CachedRegion located, Peer peer, CommandStream commands) {
            long timeoutNanos = Math.min(attemptNanosMax, backoff.deadline().remainingNanos());
            if (anyReplica) {
                metrics.replicaRead();
            }
            // A replica that doesn't get on with its leader says so while there is time to hear it.
            long executionNanos = anyReplica ? timeoutNanos / 2 : timeoutNanos;
            Context context = Context.newBuilder()
                    .setRegionId(located.id())
                    .setRegionEpoch(located.region().getRegionEpoch())
                    .setPeer(peer)
                    .setApiVersion(APIVersion.V1)
                    .setClusterId(pd.clusterId())
                    .setMaxExecutionDurationMs(Math.max(1, TimeUnit.NANOSECONDS.toMillis(executionNanos)))
                    .setReplicaRead(anyReplica && call.readFrom() == ReadFrom.ANY)
                    .setStaleRead(anyReplica && call.readFrom() == ReadFrom.STALE)
                    .build();
            Q request = call.request().apply(context, located);
            if (span != null) {
                span.attempt(located.id(), peer.getId(), peer.getStoreId());
            }
            Attempt<R> attempt = commands.start(
                    call.method(), request, timeoutNanos, span == null ? backoff.trace() : span.context());
            Futures.whenDone(attempt.response(), result, (response, failure) -> {
                if (failure == null) {
                    health.answered(peer.getStoreId());
                    take(located, peer, response);
                } else {
                    takeFailure(
                            peer, Status.fromThrowable(failure), timeoutNanos >= fairNanos, attempt.mayHaveArrived());
                }
            });
        }

        private void take(CachedRegion located, Peer peer, R response) {
            Error error = call.regionError().apply(response);
            if (error != null) {
                react(located, peer, error);
                return;
            }
            if (!anyReplica && !peer.equals(located.leader())) {
                cache.switchLeader(located, peer);
            }
            result.complete(new Answer<>(response, located));
        }

        private void react(CachedRegion located, Peer peer, Error error) {
            Reaction reaction = Reaction.to(error);
            // A store may quote the key in this one; keys stay out of messages (E3).
            String quoted = error.hasKeyNotInRegion() ? "key not in region" : error.getMessage();
            String words = "region " + located.id() + " on store " + peer.getStoreId() + ": " + quoted;
            if (leaveReplicas() && leaderMayHelp(reaction, error)) {
                if (!error.hasDataIsNotReady()) {
                    // A leader that can't serve a stale read can serve any other.
                    tried.add(peer.getId());
                }
                backoff.note(reaction.reason, words, error);
                tryNext(reaction.reason);
                return;
            }
            switch (reaction) {
                case FOLLOW_LEADER -> followLeader(located, peer, error, words);
                case TAKE_NEW_REGIONS -> takeNewRegions(located, peer, error, words);
                case FORGET_REGION -> {
                    cache.invalidate(located);
                    tried.clear();
                    retryAfterPause(reaction.reason, words, error);
                }
                case FORGET_STORE -> {
                    stores.recheck(peer.getStoreId());
                    cache.invalidate(located);
                    tried.clear();
                    retryAfterPause(reaction.reason, words, error);
                }
                case SLOW_DOWN -> {
                    backoff.note(reaction.reason, words, error);
                    pauseThenAttempt(
                            reaction.reason,
                            backoff.delayNanos(
                                    reaction.reason, error.getServerIsBusy().getBackoffMs()));
                }
                case WAIT -> retryAfterPause(reaction.reason, words, error);
                case LOST_IN_TERM_CHANGE, CAME_TOO_LATE -> {
                    if (call.repeatable()) {
                        backoff.maybeCarriedOut();
                        retryAfterPause(reaction.reason, words, error);
                    } else {
                        fail(Kind.UNDETERMINED, words, error);
                    }
                }
                case TOO_LARGE -> fail(Kind.TOO_LARGE, words, error);
                case DISK_FULL -> fail(Kind.DISK_FULL, words, error);
                case UNDETERMINED -> {
                    backoff.maybeCarriedOut();
                    fail(Kind.UNDETERMINED, words, error);
                }
                case REFUSE -> fail(Kind.SERVER, words, error);
            }
        }

        /** The rest of this call is for the leader. @return true if it was not so far */
        private boolean leaveReplicas() {
            boolean left = anyReplica;
            anyReplica = false;
            if (left) {
                metrics.replicaReadRefused();
            }
            return left;
        }

        /** What a replica says of itself alone, and what it says of a leader that it doesn't know. */
        private boolean leaderMayHelp(Reaction reaction, Error error) {
            return switch (reaction) {
                case FOLLOW_LEADER -> error.getNotLeader().getLeader().getStoreId() == 0;
                case SLOW_DOWN, WAIT, CAME_TOO_LATE, LOST_IN_TERM_CHANGE -> true;
                default -> false;
            };
        }

        /** A hint is followed at once, unless it leads back to somebody who has just said no, or to a store that is ill. */
        private void followLeader(CachedRegion located, Peer peer, Error error, String words) {
            tried.add(peer.getId());
            backoff.note(Reason.NOT_LEADER, words, error);
            Peer hint = error.getNotLeader().getLeader();
            if (hint.getStoreId() == 0) {
                cache.switchLeader(located, null);
                tryNext(Reason.NOT_LEADER);
                return;
            }
            if (!located.hasPeer(hint)) {
                // A leader that we have never heard of: the members changed.
                cache.invalidate(located);
                tried.clear();
                pauseThenAttempt(Reason.NOT_LEADER, backoff.delayNanos(Reason.NOT_LEADER));
                return;
            }
            cache.switchLeader(located, hint);
            if (tried.contains(hint.getId())) {
                tried.clear();
                pauseThenAttempt(Reason.NOT_LEADER, backoff.delayNanos(Reason.NOT_LEADER));
            } else {
                tryNext(Reason.NOT_LEADER);
            }
        }

        private void takeNewRegions(CachedRegion located, Peer peer, Error error, String words) {
            boolean told = error.getEpochNotMatch().getCurrentRegionsCount() > 0;
            backoff.note(Reason.REGION_CHANGED, words, error);
            tried.clear();
            if (told) {
                cache.replace(located, error.getEpochNotMatch().getCurrentRegionsList(), peer.getStoreId());
            } else {
                cache.invalidate(located);
            }
            CachedRegion now = cache.find(anchor);
            boolean news = now != null && !now.sameAs(located);
            if (news && backoff.count(Reason.REGION_CHANGED) == 1) {
                tryNext(Reason.REGION_CHANGED);
            } else {
                pauseThenAttempt(Reason.REGION_CHANGED, backoff.delayNanos(Reason.REGION_CHANGED));
            }
        }

        private void takeFailure(Peer peer, Status status, boolean fair, boolean mayHaveArrived) {
            leaveReplicas();
            String words = call.name() + " at store " + peer.getStoreId() + ": " + status.getCode()
                    + (status.getDescription() == null ? "" : " " + status.getDescription());
            switch (status.getCode()) {
                case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, INTERNAL ->
                    unreachable(peer, status, fair, mayHaveArrived, words);
                case RESOURCE_EXHAUSTED -> {
                    if (saysTooLarge(status)) {
                        fail(Kind.TOO_LARGE, words, null);
                    } else {
                        backoff.note(Reason.BUSY, words, null);
                        pauseThenAttempt(Reason.BUSY, backoff.delayNanos(Reason.BUSY));
                    }
                }
                case INVALID_ARGUMENT, UNIMPLEMENTED, OUT_OF_RANGE -> fail(Kind.INVALID, words, null);
                default -> {
                    if (mayHaveArrived) {
                        backoff.maybeCarriedOut();
                    }
                    if (call.repeatable() || !mayHaveArrived) {
                        fail(Kind.SERVER, words, null);
                    } else {
                        fail(Kind.UNDETERMINED, words, null);
                    }
                }
            }
        }

        private void unreachable(Peer peer, Status status, boolean fair, boolean mayHaveArrived, String words) {
            boolean silent = status.getCode() == Status.Code.DEADLINE_EXCEEDED;
            if (silent && fair) {
                attemptNanosMax *= 2;
                health.silent(peer.getStoreId());
            } else if (!silent) {
                health.refused(peer.getStoreId());
            }
            stores.recheck(peer.getStoreId());
            if (mayHaveArrived) {
                backoff.maybeCarriedOut();
                if (!call.repeatable()) {
                    fail(Kind.UNDETERMINED, words, null);
                    return;
                }
            }
            tried.add(peer.getId());
            backoff.note(Reason.STORE_UNREACHABLE, words, null);
            tryNext(Reason.STORE_UNREACHABLE);
        }

        /** Somebody not tried yet, at once; the pause comes when there is nobody left. */
        private void tryNext(Reason reason) {
            metrics.retry(reason);
            if (span != null) {
                span.retry(reason);
            }
            attempt();
        }

        /**
         * A round over all peers brought nothing: everybody is tried again after a pause. PD may know better by now, but what is known
         * is kept until it says so: it may be away too (D3).
         */
        private void everybodyTried() {
            tried.clear();
            cache.refresh(anchor);
            Reason reason = backoff.count(Reason.NOT_LEADER) > 0 ? Reason.NOT_LEADER : Reason.STORE_UNREACHABLE;
            pauseThenAttempt(reason, backoff.delayNanos(reason));
        }

        private void retryAfterPause(Reason reason, String words, @Nullable Error error) {
            backoff.note(reason, words, error);
            pauseThenAttempt(reason, backoff.delayNanos(reason));
        }

        private void pauseThenAttempt(Reason reason, long delayNanos) {
            metrics.retry(reason);
            if (span != null) {
                span.backOff(reason, delayNanos);
            }
            timer.after(delayNanos, result, this::attempt);
        }

        private void fail(Kind kind, String words, @Nullable Error error) {
            result.completeExceptionally(new KvClientException(kind, call.name() + ": " + words, error, null));
        }
    }

    private static boolean saysTooLarge(Status status) {
        String text = status.getDescription();
        return text != null && text.toLowerCase(Locale.ROOT).contains("exceeds maximum");
    }

    private static String outcome(@Nullable Throwable failure) {
        if (failure == null) {
            return "ok";
        }
        return failure instanceof KvClientException failed
                ? failed.kind().name().toLowerCase(Locale.ROOT)
                : "error";
    }
}
