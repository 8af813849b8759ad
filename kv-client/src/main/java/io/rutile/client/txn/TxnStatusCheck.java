package io.rutile.client.txn;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.region.Backoff;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Action;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Finds out what has become of the transaction that owns a lock: from its primary, and, where an async-commit transaction stopped
 * half-way, from all of its keys. A dead transaction is rolled back by the question itself (P2).
 *
 * <p>A primary that says nothing may not have been written yet. Only when the lock in hand has outlived its TTL is the transaction
 * rolled back for that.
 */
final class TxnStatusCheck {

    /** A lock names its primary; a primary that names another one is followed once. */
    private static final int PRIMARIES_MAX = 2;

    private final TxnRequests requests;

    TxnStatusCheck(TxnRequests requests) {
        this.requests = requests;
    }

    /** @param readTs the reader's moment, which a live owner is asked to commit after; zero for writers */
    CompletableFuture<TxnStatus> check(LockInfo lock, TimeStamp readTs, Backoff backoff) {
        return requests.timestamp(backoff).thenCompose(now -> {
            Question question = new Question(lock, readTs, now, backoff);
            return question.ask(ByteKey.of(lock.getPrimaryLock()), false, 1);
        });
    }

    /** True if a lock with this TTL is dead; the logical part does not count. */
    static boolean isExpired(TimeStamp startTs, long ttlMs, TimeStamp now) {
        return startTs.physicalMs() + ttlMs < now.physicalMs();
    }

    static long remainingMs(TimeStamp startTs, long ttlMs, TimeStamp now) {
        return startTs.physicalMs() + ttlMs - now.physicalMs() + 1;
    }

    /** What there is to know about one lock, now. */
    private final class Question {

        private final LockInfo lock;
        private final TimeStamp startTs;
        private final TimeStamp readTs;
        private final TimeStamp now;
        private final Backoff backoff;
        private final boolean pessimistic;
        private final boolean expired;

        Question(LockInfo lock, TimeStamp readTs, TimeStamp now, Backoff backoff) {
            this.lock = lock;
            this.startTs = new TimeStamp(lock.getLockVersion());
            this.readTs = readTs;
            this.backoff = backoff;
            this.pessimistic = lock.getLockType() == Op.PessimisticLock;
            // A TTL of zero is the store's way of saying "whatever it takes": as if all time had passed.
            this.now = lock.getLockTtl() == 0 ? TimeStamp.MAX : now;
            this.expired = lock.getLockTtl() == 0 || isExpired(startTs, lock.getLockTtl(), now);
        }

        /** @param forceSync treat an async-commit transaction as an ordinary one */
        CompletableFuture<TxnStatus> ask(ByteKey primary, boolean forceSync, int primaries) {
            CheckTxnStatusRequest question = CheckTxnStatusRequest.newBuilder()
                    .setLockTs(startTs.value())
                    .setCallerStartTs(readTs.value())
                    .setCurrentTs(now.value())
                    .setRollbackIfNotExist(expired)
                    .setForceSyncCommit(forceSync)
                    .setResolvingPessimisticLock(pessimistic)
                    .setVerifyIsPrimary(true)
                    .build();
            return requests.send(requests.calls().checkTxnStatus(primary, question), primary, backoff.fork())
                    .thenCompose(answer -> answer.response().hasError()
                            ? ofError(answer.response().getError(), forceSync, primaries)
                            : ofAnswer(primary, answer.response(), forceSync, primaries));
        }

        private CompletableFuture<TxnStatus> ofError(KeyError error, boolean forceSync, int primaries) {
            if (error.hasTxnNotFound()) {
                return CompletableFuture.completedFuture(TxnStatus.alive(remainingMs(startTs, lock.getLockTtl(), now)));
            }
            if (error.hasPrimaryMismatch()) {
                if (pessimistic) {
                    // The transaction chose another primary since: this lock belongs to a request that came late.
                    return CompletableFuture.completedFuture(TxnStatus.pessimisticGone());
                }
                ByteKey real =
                        ByteKey.of(error.getPrimaryMismatch().getLockInfo().getPrimaryLock());
                if (primaries < PRIMARIES_MAX) {
                    return ask(real, forceSync, primaries + 1);
                }
            }
            if (error.hasLocked()) {
                return CompletableFuture.completedFuture(
                        TxnStatus.alive(remainingMs(startTs, error.getLocked().getLockTtl(), now)));
            }
            return CompletableFuture.failedFuture(requests.errors().failure("KvCheckTxnStatus", error, startTs));
        }

        private CompletableFuture<TxnStatus> ofAnswer(
                ByteKey primary, CheckTxnStatusResponse answer, boolean forceSync, int primaries) {
            if (answer.getCommitVersion() != 0) {
                return CompletableFuture.completedFuture(TxnStatus.committed(new TimeStamp(answer.getCommitVersion())));
            }
            if (answer.getLockTtl() == 0) {
                boolean withoutRecord = answer.getAction() == Action.TTLExpirePessimisticRollback
                        || answer.getAction() == Action.LockNotExistDoNothing;
                return CompletableFuture.completedFuture(
                        withoutRecord ? TxnStatus.pessimisticGone() : TxnStatus.rolledBack());
            }
            boolean async = answer.getLockInfo().getUseAsyncCommit() && !forceSync;
            if (async && isExpired(startTs, answer.getLockTtl(), now)) {
                return decideByAllKeys(primary, answer.getLockInfo(), primaries);
            }
            if (readTs.value() != 0 && answer.getAction() == Action.MinCommitTSPushed) {
                return CompletableFuture.completedFuture(TxnStatus.pushed());
            }
            return CompletableFuture.completedFuture(TxnStatus.alive(remainingMs(startTs, answer.getLockTtl(), now)));
        }

        /** Async commit's rule: all keys prewritten means committed, at the greatest min_commit_ts; one that is not ends it. */
        private CompletableFuture<TxnStatus> decideByAllKeys(ByteKey primary, LockInfo primaryLock, int primaries) {
            Secondaries secondaries = new Secondaries(new TimeStamp(primaryLock.getMinCommitTs()));
            List<ByteKey> sorted = TxnRequests.sorted(
                    primaryLock.getSecondariesList().stream().map(ByteKey::of).toList());
            return requests.keyBatches((part, partBackoff) -> requests.send(
                                    requests.calls().checkSecondaryLocks(part, startTs), part.get(0), partBackoff)
                            .thenAccept(answer -> {
                                if (answer.response().hasError()) {
                                    throw requests.errors()
                                            .failure(
                                                    "KvCheckSecondaryLocks",
                                                    answer.response().getError(),
                                                    startTs);
                                }
                                secondaries.take(part.size(), answer.response());
                            }))
                    .carryOut(sorted, backoff.fork())
                    .thenCompose(done -> {
                        if (secondaries.ordinary()) {
                            return ask(primary, true, primaries);
                        }
                        List<ByteKey> all = new ArrayList<>(sorted);
                        all.add(primary);
                        return CompletableFuture.completedFuture(
                                secondaries.status().withDecidedKeys(TxnRequests.sorted(all)));
                    });
        }
    }

    /** What the secondary keys of one transaction said so far. Guarded by itself. */
    private static final class Secondaries {

        private TimeStamp maxMinCommitTs;
        private TimeStamp commitTs = TimeStamp.ZERO;
        private boolean missing;
        private boolean ordinary;

        Secondaries(TimeStamp primaryMinCommitTs) {
            maxMinCommitTs = primaryMinCommitTs;
        }

        synchronized void take(int asked, CheckSecondaryLocksResponse answer) {
            if (answer.getCommitTs() != 0) {
                TimeStamp said = new TimeStamp(answer.getCommitTs());
                if (commitTs.value() != 0 && !commitTs.equals(said)) {
                    throw new KvClientException(
                            Kind.SERVER, "a transaction is committed at " + commitTs + " and at " + said, null, null);
                }
                commitTs = said;
                return;
            }
            missing |= answer.getLocksCount() < asked;
            for (LockInfo lock : answer.getLocksList()) {
                ordinary |= !lock.getUseAsyncCommit();
                TimeStamp min = new TimeStamp(lock.getMinCommitTs());
                maxMinCommitTs = min.compareTo(maxMinCommitTs) > 0 ? min : maxMinCommitTs;
            }
        }

        /** True if some keys were prewritten in the ordinary way: then the primary alone decides. */
        synchronized boolean ordinary() {
            return ordinary && !missing && commitTs.value() == 0;
        }

        synchronized TxnStatus status() {
            if (commitTs.value() != 0) {
                return TxnStatus.committed(commitTs);
            }
            return missing ? TxnStatus.rolledBack() : TxnStatus.committed(maxMinCommitTs);
        }
    }
}
