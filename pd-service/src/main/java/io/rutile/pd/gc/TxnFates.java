package io.rutile.pd.gc;

import com.google.protobuf.ByteString;
import io.rutile.pd.gc.RegionCalls.Answered;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusRequest;
import io.rutile.protocol.kvrpcpb.CheckTxnStatusResponse;
import io.rutile.protocol.kvrpcpb.LockInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What became of transactions, by their primaries (P3); those that are still open are ended here, however fresh their locks
 * look: nothing before the safe point may live on. Both answers are final, so they are remembered.
 *
 * <p>Used by one thread.
 */
final class TxnFates {

    /** Transactions remembered; an older one is asked about again. */
    private static final int REMEMBERED_MAX = 10_000;

    static final long ROLLED_BACK = 0;

    private final RegionCalls calls;
    private final Map<Long, Long> commitTsByStartTs = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Long> eldest) {
            return size() > REMEMBERED_MAX;
        }
    };

    TxnFates(RegionCalls calls) {
        this.calls = calls;
    }

    /**
     * The commit timestamp of the transaction that left this lock, or {@link #ROLLED_BACK}.
     *
     * @param lock not a pessimistic one
     */
    long of(LockInfo lock) throws SweepException, InterruptedException {
        Long known = commitTsByStartTs.get(lock.getLockVersion());
        if (known != null) {
            return known;
        }
        long commitTs = decide(lock);
        commitTsByStartTs.put(lock.getLockVersion(), commitTs);
        return commitTs;
    }

    private long decide(LockInfo lock) throws SweepException, InterruptedException {
        CheckTxnStatusResponse status = check(lock, false);
        if (!isOpen(status)) {
            return status.getCommitVersion();
        }
        if (status.getLockInfo().getUseAsyncCommit()) {
            AsyncCommit outcome = secondaries(status.getLockInfo(), lock.getLockVersion());
            if (outcome.decided()) {
                return outcome.commitTs();
            }
            // Not every prewrite was asynchronous: the transaction went back to two phases, and its primary decides.
            status = check(lock, true);
        }
        if (isOpen(status)) {
            throw new SweepException(
                    "transaction " + Long.toUnsignedString(lock.getLockVersion()) + " cannot be ended");
        }
        return status.getCommitVersion();
    }

    private static boolean isOpen(CheckTxnStatusResponse status) {
        return status.getLockTtl() > 0;
    }

    private CheckTxnStatusResponse check(LockInfo lock, boolean forceSyncCommit)
            throws SweepException, InterruptedException {
        CheckTxnStatusResponse status = calls.call(
                        TxnKeys.place(lock.getPrimaryLock().toByteArray()),
                        (store, context, region) -> store.kvCheckTxnStatus(CheckTxnStatusRequest.newBuilder()
                                .setContext(context)
                                .setPrimaryKey(lock.getPrimaryLock())
                                .setLockTs(lock.getLockVersion())
                                // At the end of time every lock has expired.
                                .setCurrentTs(TimeStamp.MAX.value())
                                .setRollbackIfNotExist(true)
                                .setForceSyncCommit(forceSyncCommit)
                                .setVerifyIsPrimary(true)
                                .build()))
                .answer();
        if (status.hasError()) {
            throw new SweepException("transaction " + Long.toUnsignedString(lock.getLockVersion())
                    + " cannot be asked about: "
                    + KeyErrors.kind(status.getError()));
        }
        return status;
    }

    /** @param decided false if the rule of async commit does not apply */
    private record AsyncCommit(boolean decided, long commitTs) {
        static final AsyncCommit UNDECIDED = new AsyncCommit(false, 0);
    }

    /** All prewritten ⇒ committed at the greatest min_commit_ts; one missing ⇒ whatever its store says, for ever (P3). */
    private AsyncCommit secondaries(LockInfo primary, long startTs) throws SweepException, InterruptedException {
        long commitTs = primary.getMinCommitTs();
        List<ByteString> left = new ArrayList<>(primary.getSecondariesList());
        left.sort(Comparator.comparing(ByteKey::of));
        while (!left.isEmpty()) {
            Answered<CheckSecondaryLocksResponse> answered = calls.call(
                    TxnKeys.place(left.get(0).toByteArray()),
                    (store, context, region) -> store.kvCheckSecondaryLocks(CheckSecondaryLocksRequest.newBuilder()
                            .setContext(context)
                            .setStartVersion(startTs)
                            .addAllKeys(left.subList(0, countIn(region.range(), left)))
                            .build()));
            CheckSecondaryLocksResponse answer = answered.answer();
            if (answer.hasError()) {
                throw new SweepException("locks of transaction " + Long.toUnsignedString(startTs)
                        + " cannot be asked about: " + KeyErrors.kind(answer.getError()));
            }
            int asked = countIn(answered.region().range(), left);
            if (answer.getLocksCount() < asked) {
                return new AsyncCommit(true, answer.getCommitTs());
            }
            for (LockInfo lock : answer.getLocksList()) {
                if (!lock.getUseAsyncCommit()) {
                    return AsyncCommit.UNDECIDED;
                }
                commitTs = later(commitTs, lock.getMinCommitTs());
            }
            left.subList(0, asked).clear();
        }
        return new AsyncCommit(true, commitTs);
    }

    /** How many of these sorted keys, from the first on, are in the Region. */
    private static int countIn(KeyRange region, List<ByteString> keys) {
        int count = 1;
        while (count < keys.size()
                && count < WireLimits.BATCH_ITEMS_MAX
                && region.contains(TxnKeys.place(keys.get(count).toByteArray()))) {
            count++;
        }
        return count;
    }

    private static long later(long a, long b) {
        return Long.compareUnsigned(a, b) < 0 ? b : a;
    }
}
