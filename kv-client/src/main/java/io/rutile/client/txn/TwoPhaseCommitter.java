package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.RegionBatches;
import io.rutile.client.region.RegionChanged;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.TxnMetrics.CommitKind;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.PrewriteRequest;
import io.rutile.protocol.kvrpcpb.PrewriteResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Commits one transaction.
 *
 * <ol>
 *   <li>Every key is prewritten, Region by Region, side by side.
 *   <li>One-phase: one request held them all, and it committed them. Done.
 *   <li>Async commit: all keys are prewritten, so the transaction is committed at the greatest of the stores' min_commit_ts.
 *   <li>Otherwise a fresh timestamp, and the primary is committed with it: that is the commit (P3).
 *   <li>The other keys follow in the background.
 * </ol>
 *
 * A store that cannot do one of the faster ways says so in its answer, and the next way is taken; a transaction that turns out to
 * need several requests is never committed one-phase.
 *
 * <p>When the answer that decides is lost, the store is asked again, with the same question (P5); if it does not tell, the outcome
 * is {@link UndeterminedException}. While that is possible nothing is rolled back.
 *
 * <p>Threads: steps follow one another; what parts of the prewrite share is guarded by this object.
 */
final class TwoPhaseCommitter {

    /** Async commit: the primary lock carries all other keys. */
    private static final int ASYNC_KEYS_MAX = 256;

    private static final long ASYNC_KEY_BYTES_MAX = 4 << 10;

    /** How far ahead of now a store may put the commit: beyond it, it is to fall back. */
    private static final long MAX_COMMIT_TS_AHEAD_MS = 2_000;

    /** From this size on, a prewrite may outlive the TTL of its first locks. */
    private static final long LARGE_BYTES = 1 << 20;

    private static final int LARGE_KEYS = 4_096;

    /** What finding out a lost outcome may take, after the deadline. */
    private static final Duration SETTLE_TIMEOUT = Duration.ofSeconds(2);

    /** What the keys other than the primary may take in the background. */
    private static final Duration CLEANUP_TIMEOUT = Duration.ofSeconds(20);

    /** Commit timestamps that a primary may refuse as too small before something is wrong. */
    private static final int COMMIT_TIMESTAMPS_MAX = 16;

    private final TxnRequests requests;
    private final LockResolver resolver;
    private final BackgroundWork background;
    private final TxnMetrics metrics;
    private final TxnOptions options;
    private final TimeStamp startTs;
    private final TtlKeeper keeper;
    private final TimeStamp forUpdateTs;
    private final ByteKey primary;
    private final List<TxnMutation> mutations;
    private final List<ByteKey> lockedKeys;
    private final Backoff backoff;
    private final long begunNanos = System.nanoTime();

    private boolean async;
    private boolean onePhase;
    private boolean fasterWayChosen;
    private boolean onePhaseGivenUp;
    private boolean undetermined;
    private long minCommitTsFloor;
    private TimeStamp minCommitTs = TimeStamp.ZERO;
    private TimeStamp onePhaseCommitTs = TimeStamp.ZERO;

    /**
     * @param mutations in key order, not empty
     * @param primary one of the mutations' keys
     * @param forUpdateTs zero if no pessimistic lock is held
     */
    TwoPhaseCommitter(
            TxnRequests requests,
            LockResolver resolver,
            BackgroundWork background,
            TxnMetrics metrics,
            TxnOptions options,
            TimeStamp startTs,
            TtlKeeper keeper,
            TimeStamp forUpdateTs,
            ByteKey primary,
            List<TxnMutation> mutations) {
        this.requests = requests;
        this.resolver = resolver;
        this.background = background;
        this.metrics = metrics;
        this.options = options;
        this.startTs = startTs;
        this.keeper = keeper;
        this.forUpdateTs = forUpdateTs;
        this.primary = primary;
        this.mutations = mutations;
        this.lockedKeys = mutations.stream()
                .filter(TxnMutation::locks)
                .map(TxnMutation::key)
                .toList();
        this.backoff = TxnRequests.within(options.commitTimeout());
    }

    /** The commit timestamp; fails with {@link KvClientException}, and then nothing is written unless it is undetermined. */
    CompletableFuture<TimeStamp> commit() {
        RegionBatches<TxnMutation> prewrites =
                requests.batches(TxnMutation::key, TxnMutation::bytes, this::prewritePart);
        CompletableFuture<Void> prewritten = prewrites
                .split(mutations, backoff)
                .thenCompose(parts ->
                        chooseWay(parts.size()).thenCompose(chosen -> prewrites.carryOutParts(parts, backoff)));
        CompletableFuture<TimeStamp> outcome =
                Futures.thenEither(prewritten, done -> decide(), this::afterFailedPrewrite);
        Futures.whenDone(outcome, (commitTs, failure) -> count(failure));
        return outcome;
    }

    /** The faster ways let stores compute the commit timestamp. A fresh one as its floor keeps real-time order. */
    private CompletableFuture<Void> chooseWay(int parts) {
        long keyBytes =
                mutations.stream().mapToLong(m -> m.key().bytes().length).sum();
        boolean small = mutations.size() <= ASYNC_KEYS_MAX && keyBytes <= ASYNC_KEY_BYTES_MAX;
        boolean locksAnything = !lockedKeys.isEmpty();
        synchronized (this) {
            async = options.asyncCommit() && small && locksAnything;
            onePhase = options.onePhaseCommit() && parts == 1 && locksAnything;
            fasterWayChosen = async || onePhase;
            minCommitTsFloor = Math.max(startTs.value(), forUpdateTs.value()) + 1;
            if (!(async || onePhase) || !options.linearizable()) {
                return CompletableFuture.completedFuture(null);
            }
        }
        return requests.timestamp(backoff).thenAccept(now -> {
            synchronized (this) {
                minCommitTsFloor = Math.max(minCommitTsFloor, now.value() + 1);
            }
        });
    }

    // ---- prewrite

    private CompletableFuture<Void> prewritePart(List<TxnMutation> part, Backoff partBackoff) {
        return prewrite(part, LockWait.ofWriter(requests, resolver, startTs), partBackoff);
    }

    private CompletableFuture<Void> prewrite(List<TxnMutation> part, LockWait locks, Backoff partBackoff) {
        PrewriteRequest template = prewriteTemplate(part);
        boolean decisive = template.getUseAsyncCommit() || template.getTryOnePc();
        return requests.send(
                        requests.calls().prewrite(part, template), part.get(0).key(), partBackoff)
                .whenComplete((answer, failure) -> {
                    if (failure != null && decisive && partBackoff.mayHaveBeenCarriedOut()) {
                        // Also if the Region has changed since: what is sent to its heirs may fail before it is
                        // answered.
                        synchronized (this) {
                            undetermined = true;
                        }
                    }
                })
                .thenCompose(answer -> {
                    PrewriteResponse response = answer.response();
                    if (response.getErrorsCount() == 0) {
                        take(part, template, response);
                        return CompletableFuture.completedFuture(null);
                    }
                    List<LockInfo> met = requests.errors().locks("KvPrewrite", response.getErrorsList(), startTs);
                    return locks.clear(met, partBackoff).thenCompose(cleared -> prewrite(part, locks, partBackoff));
                });
    }

    private synchronized PrewriteRequest prewriteTemplate(List<TxnMutation> part) {
        if (onePhase && part.size() < mutations.size()) {
            onePhase = false;
            onePhaseGivenUp = true;
        }
        PrewriteRequest.Builder template = PrewriteRequest.newBuilder()
                .setPrimaryLock(primary.toByteString())
                .setStartVersion(startTs.value())
                .setLockTtl(keeper.lockTtlMs())
                .setTxnSize(mutations.size())
                .setForUpdateTs(forUpdateTs.value())
                .setMinCommitTs(minCommitTsFloor)
                .setUseAsyncCommit(async)
                .setTryOnePc(onePhase);
        if (async || onePhase) {
            template.setMaxCommitTs(TimeStamp.of(startTs.physicalMs() + keeper.elapsedMs() + MAX_COMMIT_TS_AHEAD_MS, 0)
                    .value());
        }
        if (async && part.stream().anyMatch(mutation -> mutation.key().equals(primary))) {
            for (ByteKey key : lockedKeys) {
                if (!key.equals(primary)) {
                    template.addSecondaries(key.toByteString());
                }
            }
        }
        return template.build();
    }

    private void take(List<TxnMutation> part, PrewriteRequest asked, PrewriteResponse response) {
        boolean holdsPrimary = part.stream().anyMatch(m -> m.key().equals(primary));
        synchronized (this) {
            if (asked.getTryOnePc()) {
                onePhaseCommitTs = new TimeStamp(response.getOnePcCommitTs());
                onePhase = response.getOnePcCommitTs() != 0;
            }
            TimeStamp min = new TimeStamp(response.getMinCommitTs());
            if (min.value() == 0) {
                async = false;
            }
            minCommitTs = min.compareTo(minCommitTs) > 0 ? min : minCommitTs;
        }
        if (holdsPrimary && isLarge()) {
            keeper.keep(primary);
        }
    }

    private boolean isLarge() {
        return mutations.size() >= LARGE_KEYS
                || mutations.stream().mapToLong(TxnMutation::bytes).sum() >= LARGE_BYTES;
    }

    /** What others may have seen as committed must not be rolled back; everything else is. */
    private CompletableFuture<TimeStamp> afterFailedPrewrite(Throwable failure) {
        boolean lost;
        synchronized (this) {
            lost = undetermined && !(failure instanceof TxnException);
        }
        if (lost) {
            return askPrimary(failure);
        }
        boolean speaksForItself = failure instanceof KvClientException known
                && known.kind() != Kind.TIMEOUT
                && known.kind() != Kind.UNDETERMINED;
        KvClientException told = speaksForItself
                ? clientFailure(failure)
                : new TxnException(
                        Kind.UNAVAILABLE,
                        "transaction " + startTs + " could not be prewritten, nothing is written: "
                                + failure.getMessage(),
                        startTs,
                        failure);
        return abort(told);
    }

    // ---- decide

    private CompletableFuture<TimeStamp> decide() {
        TimeStamp committedAt = null;
        CommitKind kind = CommitKind.TWO_PHASE;
        boolean mayBeCommitted;
        synchronized (this) {
            if (lockedKeys.isEmpty()) {
                committedAt = startTs;
                kind = CommitKind.READ_ONLY;
            } else if (onePhaseCommitTs.value() != 0) {
                committedAt = onePhaseCommitTs;
                kind = CommitKind.ONE_PHASE;
            } else if (async) {
                committedAt = minCommitTs;
                kind = CommitKind.ASYNC;
            } else if (fasterWayChosen) {
                metrics.fallback();
            }
            mayBeCommitted = onePhaseGivenUp;
        }
        if (committedAt != null) {
            return committed(kind, committedAt, kind == CommitKind.ASYNC ? lockedKeys : List.of());
        }
        return mayBeCommitted ? commitUnlessCommitted() : commitInTwoPhases();
    }

    /** A one-phase attempt whose answer was lost may have committed before its Region was split: then that was the commit. */
    private CompletableFuture<TimeStamp> commitUnlessCommitted() {
        return Futures.thenEither(
                commitTsOf(backoff.afresh()),
                at -> at.isPresent() ? committed(CommitKind.ONE_PHASE, at.get(), List.of()) : commitInTwoPhases(),
                failure -> failure instanceof TxnLockNotFoundException rolledBack
                        ? abort(rolledBack)
                        : undetermined(failure));
    }

    private CompletableFuture<TimeStamp> commitInTwoPhases() {
        Backoff decisive = backoff.afresh();
        return Futures.thenEither(
                requests.timestamp(decisive),
                now -> commitPrimary(now, decisive, 1),
                failure -> abort(clientFailure(failure)));
    }

    /**
     * Commits the primary, and what shares a request with it.
     *
     * @param decisive remembers over all attempts whether one of them was lost
     */
    private CompletableFuture<TimeStamp> commitPrimary(TimeStamp commitTs, Backoff decisive, int timestamps) {
        CompletableFuture<Answered> sent = keyBatches(commitTs)
                .split(lockedKeys, decisive)
                .thenCompose(parts -> {
                    List<ByteKey> first = partWithPrimary(parts);
                    return sendCommit(first, commitTs, decisive).thenApply(response -> new Answered(first, response));
                });
        return Futures.thenEither(
                sent,
                answered -> answered.response().hasError()
                        ? primaryRefused(answered.response().getError(), decisive, timestamps)
                        : committed(CommitKind.TWO_PHASE, commitTs, without(lockedKeys, answered.keys())),
                failure -> primaryNotReached(failure, commitTs, decisive, timestamps));
    }

    private record Answered(List<ByteKey> keys, CommitResponse response) {}

    private CompletableFuture<TimeStamp> primaryNotReached(
            Throwable cause, TimeStamp commitTs, Backoff decisive, int timestamps) {
        if (cause instanceof RegionChanged) {
            return commitPrimary(commitTs, decisive, timestamps);
        }
        return decisive.mayHaveBeenCarriedOut() ? commitPrimaryAgain(commitTs, cause) : abort(clientFailure(cause));
    }

    private static List<ByteKey> without(List<ByteKey> all, List<ByteKey> some) {
        Set<ByteKey> done = new HashSet<>(some);
        return all.stream().filter(key -> !done.contains(key)).toList();
    }

    private List<ByteKey> partWithPrimary(List<List<ByteKey>> parts) {
        return parts.stream()
                .filter(part -> part.contains(primary))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("a split lost the primary"));
    }

    private CompletableFuture<CommitResponse> sendCommit(List<ByteKey> keys, TimeStamp commitTs, Backoff attempt) {
        return requests.send(requests.calls().commit(keys, primary, startTs, commitTs, false), keys.get(0), attempt)
                .thenApply(answer -> answer.response());
    }

    /** The store knows the primary's fate: not committed, and not by an earlier attempt either. */
    private CompletableFuture<TimeStamp> primaryRefused(KeyError error, Backoff decisive, int timestamps) {
        if (error.hasCommitTsExpired() && timestamps < COMMIT_TIMESTAMPS_MAX) {
            // A reader asked us to commit after its moment, so a fresh timestamp is needed.
            return Futures.thenEither(
                    requests.timestamp(decisive),
                    now -> commitPrimary(now, decisive, timestamps + 1),
                    failure -> abort(clientFailure(failure)));
        }
        return abort(requests.errors().failure("KvCommit", error, startTs));
    }

    private KvClientException clientFailure(Throwable failure) {
        Throwable cause = Futures.causeOf(failure);
        return cause instanceof KvClientException known
                ? known
                : new TxnException(Kind.SERVER, "transaction " + startTs + ": " + cause, startTs, cause);
    }

    // ---- outcomes that were lost

    /** The same commit once more, after the deadline: done twice is done once, and a store that refuses it knows better (P5). */
    private CompletableFuture<TimeStamp> commitPrimaryAgain(TimeStamp commitTs, Throwable lost) {
        return Futures.thenEither(
                sendCommit(List.of(primary), commitTs, TxnRequests.within(SETTLE_TIMEOUT)),
                response -> {
                    if (!response.hasError()) {
                        return committed(CommitKind.TWO_PHASE, commitTs, without(lockedKeys, List.of(primary)));
                    }
                    return response.getError().hasCommitTsExpired()
                            ? undetermined(lost)
                            : abort(requests.errors().failure("KvCommit", response.getError(), startTs));
                },
                failure -> undetermined(lost));
    }

    /** Asks what became of the transaction, without moving anything. */
    private CompletableFuture<TimeStamp> askPrimary(Throwable lost) {
        return Futures.thenEither(
                commitTsOf(TxnRequests.within(SETTLE_TIMEOUT)),
                at -> at.isPresent() ? committed(lostWay(), at.get(), lockedKeys) : undetermined(lost),
                failure -> failure instanceof TxnLockNotFoundException rolledBack
                        ? abort(rolledBack)
                        : undetermined(lost));
    }

    private synchronized CommitKind lostWay() {
        return onePhase ? CommitKind.ONE_PHASE : CommitKind.ASYNC;
    }

    /** When the primary was committed, empty if it is not yet; fails with {@link TxnLockNotFoundException} if it never will be. */
    private CompletableFuture<Optional<TimeStamp>> commitTsOf(Backoff asking) {
        CheckTxnStatusRequest question =
                CheckTxnStatusRequest.newBuilder().setLockTs(startTs.value()).build();
        return requests.send(requests.calls().checkTxnStatus(primary, question), primary, asking)
                .thenApply(answer -> {
                    CheckTxnStatusResponse response = answer.response();
                    if (response.getCommitVersion() != 0) {
                        return Optional.of(new TimeStamp(response.getCommitVersion()));
                    }
                    if (!response.hasError() && response.getLockTtl() == 0) {
                        throw new TxnLockNotFoundException(startTs, "its primary is rolled back");
                    }
                    return Optional.empty();
                });
    }

    private CompletableFuture<TimeStamp> undetermined(Throwable lost) {
        metrics.undetermined();
        keeper.close();
        return CompletableFuture.failedFuture(new UndeterminedException(startTs, lost));
    }

    // ---- outcomes

    private CompletableFuture<TimeStamp> committed(CommitKind kind, TimeStamp commitTs, List<ByteKey> left) {
        keeper.close();
        metrics.committed(kind, System.nanoTime() - begunNanos);
        if (left.isEmpty()) {
            return CompletableFuture.completedFuture(commitTs);
        }
        return background
                .run("commit of " + startTs, () -> keyBatches(commitTs).carryOut(left, newDeadline()))
                .thenApply(done -> commitTs);
    }

    private RegionBatches<ByteKey> keyBatches(TimeStamp commitTs) {
        return requests.keyBatches((part, partBackoff) -> sendCommit(part, commitTs, partBackoff)
                .thenAccept(response -> {
                    if (response.hasError()) {
                        throw requests.errors().failure("KvCommit", response.getError(), startTs);
                    }
                }));
    }

    private CompletableFuture<TimeStamp> abort(KvClientException why) {
        keeper.close();
        return background
                .run(
                        "rollback of " + startTs,
                        () -> requests.keyBatches((part, partBackoff) -> requests.send(
                                                requests.calls().rollback(part, startTs), part.get(0), partBackoff)
                                        .thenAccept(answer -> {
                                            if (answer.response().hasError()) {
                                                throw requests.errors()
                                                        .failure(
                                                                "KvBatchRollback",
                                                                answer.response()
                                                                        .getError(),
                                                                startTs);
                                            }
                                        }))
                                .carryOut(lockedKeys, newDeadline()))
                .thenCompose(done -> CompletableFuture.failedFuture(why));
    }

    /** Nobody waits for it, so it may take longer than a commit that was in a hurry. */
    private static Backoff newDeadline() {
        return TxnRequests.within(CLEANUP_TIMEOUT);
    }

    private void count(@Nullable Throwable failure) {
        if (failure == null) {
            return;
        }
        Throwable cause = Futures.causeOf(failure);
        if (cause instanceof WriteConflictException) {
            metrics.conflict();
        }
        metrics.commitFailed(
                cause instanceof KvClientException known ? known.kind().name().toLowerCase(Locale.ROOT) : "error");
    }
}
