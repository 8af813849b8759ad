package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.client.region.CachedRegion;
import io.rutile.client.region.Parts;
import io.rutile.client.txn.TxnStatus.Fate;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Judges the locks that a request met, and takes away those of transactions that are over: carries out what their primary decided
 * (P3), never its own opinion.
 */
final class LockResolver {

    /** Owners judged at the same time, for one request. */
    private static final int OWNERS_SIDE_BY_SIDE = 8;

    /** A transaction with fewer keys than this is resolved key by key, a larger one by a walk over the Region's locks. */
    private static final long SMALL_TXN_KEYS = 16;

    /** How long the locks that a reader has passed may take to go away behind its back. */
    private static final Duration CLEAN_UP_TIMEOUT = Duration.ofSeconds(10);

    /**
     * What a request is to do.
     *
     * @param waitMs how long to wait at most before asking again; zero for "go on at once"
     * @param hidden owners whose locks the reader may pass as if they were not there
     * @param visible owners whose locks the reader may read as if they were committed, which they are
     */
    record Verdict(long waitMs, Set<Long> hidden, Set<Long> visible) {}

    private final TxnRequests requests;
    private final BackgroundWork background;
    private final TxnStatusCheck check;
    private final TxnMetrics metrics;
    private final TxnStatusCache decided = new TxnStatusCache();

    LockResolver(TxnRequests requests, BackgroundWork background, TxnMetrics metrics) {
        this.requests = requests;
        this.background = background;
        this.check = new TxnStatusCheck(requests);
        this.metrics = metrics;
    }

    /** For writers: they ask nobody to make way, and locks of the dead are gone when this completes. */
    CompletableFuture<Verdict> resolve(List<LockInfo> locks, Backoff backoff) {
        return resolve(locks, TimeStamp.ZERO, backoff, (status, owner, met, its) -> carryOut(status, owner, met, its));
    }

    /**
     * For readers.
     *
     * @param readTs the reader's moment
     * @param wait whether the locks of the dead must be gone when this completes: for stores that do not let a reader pass
     */
    CompletableFuture<Verdict> resolveForReader(List<LockInfo> locks, TimeStamp readTs, boolean wait, Backoff backoff) {
        return resolve(
                locks,
                readTs,
                backoff,
                (status, owner, met, its) -> wait || !status.isFinal()
                        ? carryOut(status, owner, met, its)
                        : background.run(
                                "read", () -> carryOut(status, owner, met, TxnRequests.within(CLEAN_UP_TIMEOUT))));
    }

    /** What is done about the locks of an owner whose status is known. */
    private interface CleanUp {

        CompletableFuture<Void> of(TxnStatus status, TimeStamp owner, List<LockInfo> locks, Backoff backoff);
    }

    private CompletableFuture<Verdict> resolve(
            List<LockInfo> locks, TimeStamp readTs, Backoff backoff, CleanUp cleanUp) {
        Collected collected = new Collected(readTs);
        return Parts.carryOut(
                        byOwner(locks),
                        OWNERS_SIDE_BY_SIDE,
                        ofOne -> resolveOwner(ofOne, readTs, backoff.fork(), cleanUp)
                                .thenAccept(status -> {
                                    metrics.lockJudged(status.fate().name().toLowerCase(Locale.ROOT));
                                    collected.take(ofOne.get(0).getLockVersion(), status);
                                }))
                .thenApply(done -> collected.verdict());
    }

    private static Collection<List<LockInfo>> byOwner(List<LockInfo> locks) {
        Map<Long, List<LockInfo>> owners = new LinkedHashMap<>();
        for (LockInfo lock : locks) {
            owners.computeIfAbsent(lock.getLockVersion(), unknown -> new ArrayList<>())
                    .add(lock);
        }
        return owners.values();
    }

    private CompletableFuture<TxnStatus> resolveOwner(
            List<LockInfo> locks, TimeStamp readTs, Backoff backoff, CleanUp cleanUp) {
        TimeStamp owner = new TimeStamp(locks.get(0).getLockVersion());
        TxnStatus known = decided.find(owner);
        CompletableFuture<TxnStatus> judged = known != null
                ? CompletableFuture.completedFuture(known)
                : check.check(mostTelling(locks), readTs, backoff).thenApply(status -> {
                    decided.keep(owner, status);
                    return status;
                });
        return judged.thenCompose(
                status -> cleanUp.of(status, owner, locks, backoff).thenApply(done -> status));
    }

    /** A prewrite lock if there is one: its primary is final, and must not be judged as if only reading were under way. */
    private static LockInfo mostTelling(List<LockInfo> locks) {
        return locks.stream()
                .filter(lock -> lock.getLockType() != Op.PessimisticLock)
                .findFirst()
                .orElse(locks.get(0));
    }

    private CompletableFuture<Void> carryOut(TxnStatus status, TimeStamp owner, List<LockInfo> locks, Backoff backoff) {
        if (status.fate() == Fate.ALIVE || status.fate() == Fate.PUSHED) {
            return CompletableFuture.completedFuture(null);
        }
        List<LockInfo> pessimistic = new ArrayList<>();
        List<LockInfo> prewritten = new ArrayList<>();
        locks.forEach(lock -> (lock.getLockType() == Op.PessimisticLock ? pessimistic : prewritten).add(lock));
        CompletableFuture<Void> released = release(pessimistic, owner, backoff);
        if (!status.isFinal() || prewritten.isEmpty()) {
            return released;
        }
        return released.thenCompose(done -> finish(status, owner, prewritten, backoff));
    }

    private CompletableFuture<Void> release(List<LockInfo> locks, TimeStamp owner, Backoff backoff) {
        if (locks.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        TimeStamp forUpdateTs = locks.stream()
                .map(lock -> new TimeStamp(lock.getLockForUpdateTs()))
                .max(TimeStamp::compareTo)
                .filter(max -> max.value() != 0)
                .orElse(TimeStamp.MAX);
        return requests.keyBatches((part, partBackoff) -> requests.send(
                                requests.calls().pessimisticRollback(part, owner, forUpdateTs),
                                part.get(0),
                                partBackoff)
                        .thenAccept(answer -> answer.response().getErrorsList().stream()
                                .findFirst()
                                .ifPresent(error -> {
                                    throw refused(error, owner);
                                })))
                .carryOut(keysOf(locks), backoff);
    }

    private CompletableFuture<Void> finish(TxnStatus status, TimeStamp owner, List<LockInfo> locks, Backoff backoff) {
        if (!status.decidedKeys().isEmpty()) {
            return finishKeys(status.decidedKeys(), owner, status.commitTs(), backoff);
        }
        boolean small = locks.stream().allMatch(lock -> lock.getTxnSize() < SMALL_TXN_KEYS);
        return small
                ? finishKeys(keysOf(locks), owner, status.commitTs(), backoff)
                : finishRegions(keysOf(locks), owner, status.commitTs(), backoff);
    }

    private CompletableFuture<Void> finishKeys(
            List<ByteKey> sorted, TimeStamp owner, TimeStamp commitTs, Backoff backoff) {
        return requests.keyBatches((part, partBackoff) -> requests.send(
                                requests.calls().resolveLock(part, part.get(0), owner, commitTs),
                                part.get(0),
                                partBackoff)
                        .thenAccept(answer -> {
                            if (answer.response().hasError()) {
                                throw refused(answer.response().getError(), owner);
                            }
                        }))
                .carryOut(sorted, backoff);
    }

    /** One walk for each Region: keys that an earlier walk covered are left out. */
    private CompletableFuture<Void> finishRegions(
            List<ByteKey> sorted, TimeStamp owner, TimeStamp commitTs, Backoff backoff) {
        if (sorted.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        ByteKey first = sorted.get(0);
        return requests.send(requests.calls().resolveLock(List.of(), first, owner, commitTs), first, backoff.fork())
                .thenCompose(answer -> {
                    if (answer.response().hasError()) {
                        throw refused(answer.response().getError(), owner);
                    }
                    return finishRegions(beyond(answer.region(), sorted), owner, commitTs, backoff);
                });
    }

    private List<ByteKey> beyond(CachedRegion walked, List<ByteKey> sorted) {
        return sorted.stream()
                .filter(key -> !walked.range().contains(requests.keys().border(key)))
                .toList();
    }

    /** The owner's trouble is not the trouble of the transaction that met its lock. */
    private KvClientException refused(KeyError error, TimeStamp owner) {
        KvClientException why = requests.errors().failure("KvResolveLock", error, owner);
        return new KvClientException(Kind.SERVER, "cannot resolve a lock: " + why.getMessage(), null, why);
    }

    private static List<ByteKey> keysOf(List<LockInfo> locks) {
        return TxnRequests.sorted(
                locks.stream().map(lock -> ByteKey.of(lock.getKey())).toList());
    }

    /** What the owners of one request's locks came to. Guarded by itself. */
    private static final class Collected {

        private final TimeStamp readTs;
        private final Set<Long> hidden = new HashSet<>();
        private final Set<Long> visible = new HashSet<>();
        private long waitMs;

        Collected(TimeStamp readTs) {
            this.readTs = readTs;
        }

        synchronized void take(long owner, TxnStatus status) {
            if (status.fate() == Fate.COMMITTED && status.commitTs().compareTo(readTs) <= 0) {
                visible.add(owner);
            } else if (status.isFinal() || status.fate() == Fate.PUSHED) {
                hidden.add(owner);
            }
            if (status.fate() == Fate.ALIVE) {
                waitMs = waitMs == 0 ? status.waitMs() : Math.min(waitMs, status.waitMs());
            }
        }

        synchronized Verdict verdict() {
            return new Verdict(waitMs, Set.copyOf(hidden), Set.copyOf(visible));
        }
    }
}
