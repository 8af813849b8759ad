package io.rutile.pd.gc;

import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.gc.RegionCalls.Answered;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.Op;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.protocol.kvrpcpb.ScanLockRequest;
import io.rutile.protocol.kvrpcpb.ScanLockResponse;
import io.rutile.protocol.kvrpcpb.TxnInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Resolves every lock up to a safe point, over all keys: from the first one Region after Region, each addressed with its
 * epoch, so that there is no hole whatever splits, merges or moves meanwhile. A Region is done when a scan from where it
 * begins to where it ends finds nothing.
 *
 * <p>Used by one thread.
 */
final class LockSweep {

    /** Locks of one scan. */
    static final int PAGE = 1_024;

    private final RegionCalls calls;
    private final TxnFates fates;
    private final Tally tally;

    /** Counts locks by what was done with them. */
    interface Tally {
        void count(String outcome, int locks);
    }

    LockSweep(RegionCalls calls, Tally tally) {
        this.calls = calls;
        this.fates = new TxnFates(calls);
        this.tally = tally;
    }

    /**
     * Returns once no lock at or before the safe point is left.
     *
     * @return Regions swept
     * @throws SweepException if one of them resists: then nothing is known about those behind it
     */
    int sweep(long safePoint) throws SweepException, InterruptedException {
        calls.tidy();
        int regions = 0;
        ByteKey from = ByteKey.EMPTY;
        do {
            from = sweepRegion(from, safePoint);
            regions++;
        } while (!from.isEmpty());
        return regions;
    }

    /** Where the Region that holds this place ends, once it has no lock from there on. */
    private ByteKey sweepRegion(ByteKey from, long safePoint) throws SweepException, InterruptedException {
        List<LockInfo> before = List.of();
        int stalled = 0;
        while (true) {
            Answered<ScanLockResponse> page = scan(from, safePoint);
            List<LockInfo> locks = page.answer().getLocksList();
            if (!page.answer().hasError() && locks.isEmpty()) {
                return page.region().range().end();
            }
            checkRetriable(page);
            if (page.answer().hasError() || locks.equals(before)) {
                if (++stalled == calls.attemptsMax()) {
                    throw new SweepException("region " + page.region().id() + " keeps its locks");
                }
                calls.pause();
            } else {
                stalled = 0;
            }
            resolve(from, page.region(), locks);
            before = locks;
        }
    }

    private Answered<ScanLockResponse> scan(ByteKey from, long safePoint) throws SweepException, InterruptedException {
        return calls.call(from, (store, context, region) -> {
            // A Region may have grown to the front since the sweep came here.
            ByteKey start = TxnKeys.atOrAfter(from);
            ByteKey end = TxnKeys.atOrAfter(region.range().end());
            if (!region.range().end().isEmpty() && start.compareTo(end) >= 0) {
                return ScanLockResponse.getDefaultInstance();
            }
            return store.kvScanLock(ScanLockRequest.newBuilder()
                    .setContext(context)
                    .setMaxVersion(safePoint)
                    .setStartKey(start.toByteString())
                    .setEndKey(end.toByteString())
                    .setLimit(PAGE)
                    .build());
        });
    }

    /** A lock in memory is on its way to disk; anything else does not go away by itself. */
    private static void checkRetriable(Answered<ScanLockResponse> page) throws SweepException {
        KeyError error = page.answer().getError();
        if (page.answer().hasError() && !error.hasLocked()) {
            throw new SweepException(
                    "region " + page.region().id() + " cannot be scanned for locks: " + KeyErrors.kind(error));
        }
    }

    private void resolve(ByteKey from, RegionInfo region, List<LockInfo> locks)
            throws SweepException, InterruptedException {
        Map<Long, TxnInfo> ended = new LinkedHashMap<>();
        Map<Long, PessimisticRollbackRequest.Builder> released = new LinkedHashMap<>();
        int committed = 0;
        int rolledBack = 0;
        for (LockInfo lock : locks) {
            if (lock.getLockType() == Op.PessimisticLock) {
                release(released, lock);
                continue;
            }
            long commitTs = fates.of(lock);
            ended.put(
                    lock.getLockVersion(),
                    TxnInfo.newBuilder()
                            .setTxn(lock.getLockVersion())
                            .setStatus(commitTs)
                            .build());
            if (commitTs == TxnFates.ROLLED_BACK) {
                rolledBack++;
            } else {
                committed++;
            }
        }
        if (!ended.isEmpty()) {
            end(from, region, ended);
            tally.count("committed", committed);
            tally.count("rolled_back", rolledBack);
        }
        for (PessimisticRollbackRequest.Builder request : released.values()) {
            release(from, region, request);
            tally.count("released", request.getKeysCount());
        }
    }

    /**
     * A pessimistic lock holds no data, and whatever became of its transaction it is simply let go: should the owner still
     * live, its prewrite sees that the lock is missing.
     */
    private static void release(Map<Long, PessimisticRollbackRequest.Builder> released, LockInfo lock) {
        PessimisticRollbackRequest.Builder request = released.computeIfAbsent(
                lock.getLockVersion(),
                startTs -> PessimisticRollbackRequest.newBuilder().setStartVersion(startTs));
        request.addKeys(lock.getKey());
        if (Long.compareUnsigned(request.getForUpdateTs(), lock.getLockForUpdateTs()) < 0) {
            request.setForUpdateTs(lock.getLockForUpdateTs());
        }
    }

    private void end(ByteKey from, RegionInfo scanned, Map<Long, TxnInfo> ended)
            throws SweepException, InterruptedException {
        ResolveLockResponse answer = calls.call(
                        from,
                        (store, context, region) -> isSame(region, scanned)
                                ? store.kvResolveLock(ResolveLockRequest.newBuilder()
                                        .setContext(context)
                                        .addAllTxnInfos(ended.values())
                                        .build())
                                : ResolveLockResponse.getDefaultInstance())
                .answer();
        if (answer.hasError()) {
            throw new SweepException(
                    "locks of region " + scanned.id() + " cannot be resolved: " + KeyErrors.kind(answer.getError()));
        }
    }

    private void release(ByteKey from, RegionInfo scanned, PessimisticRollbackRequest.Builder request)
            throws SweepException, InterruptedException {
        PessimisticRollbackResponse answer = calls.call(
                        from,
                        (store, context, region) -> isSame(region, scanned)
                                ? store.kVPessimisticRollback(
                                        request.setContext(context).build())
                                : PessimisticRollbackResponse.getDefaultInstance())
                .answer();
        if (answer.getErrorsCount() > 0) {
            throw new SweepException("pessimistic locks of region " + scanned.id() + " cannot be released: "
                    + KeyErrors.kind(answer.getErrors(0)));
        }
    }

    /** If not, what was found may lie elsewhere by now: the scan is repeated, and nothing is lost. */
    private static boolean isSame(RegionInfo region, RegionInfo scanned) {
        return region.id() == scanned.id() && region.epoch().equals(scanned.epoch());
    }
}
