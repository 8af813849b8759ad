package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.Ts;
import java.util.List;
import java.util.Map;

/** Some locks that a scan has found, resolved by what became of their transactions; those that have gone meanwhile are done. */
final class ResolvedLocks extends TxnCommand<ResolveLockResponse> {

    /** Bytes of a lock's write, at a guess: nobody waits on the exact number. */
    private static final int LOCK_BYTES = 512;

    private final Map<Long, Long> commitTsByStartTs;

    /** @param commitTsByStartTs 0 for a transaction that was rolled back */
    ResolvedLocks(Context context, List<MvccKey> keys, Map<Long, Long> commitTsByStartTs) {
        super(context, keys, (long) LOCK_BYTES * keys.size());
        this.commitTsByStartTs = commitTsByStartTs;
    }

    @Override
    ResolveLockResponse decide(MvccReader reader, MvccTxn txn) {
        for (MvccKey key : keys()) {
            Lock lock = reader.lock(key);
            Long commitTs = lock == null ? null : commitTsByStartTs.get(lock.startTs());
            if (lock == null || commitTs == null) {
                continue;
            }
            if (commitTs == 0) {
                KeyRollback.ofLock(reader, txn, key, lock, KeyRollback.mustSurvive(key, lock), true);
            } else if (Ts.isAfter(commitTs, lock.startTs())) {
                KeyCommit.ofLock(txn, key, lock, commitTs);
            } else {
                throw KeyFailure.invalidTxnTso(lock.startTs(), commitTs);
            }
        }
        return ResolveLockResponse.getDefaultInstance();
    }

    @Override
    ResolveLockResponse refused(KeyError error) {
        return ResolveLockResponse.newBuilder().setError(error).build();
    }
}
