package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksRequest;
import io.rutile.protocol.kvrpcpb.CheckSecondaryLocksResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import java.util.ArrayList;
import java.util.List;

/**
 * KvCheckSecondaryLocks: whether every one of these keys is still prewritten. The first that isn't decides the answer, and if it has
 * no record either the transaction is rolled back there, so that it can never become prewritten (P2, P3).
 */
public final class CheckSecondaryLocks extends TxnCommand<CheckSecondaryLocksResponse> {

    private static final CheckSecondaryLocksResponse ROLLED_BACK = CheckSecondaryLocksResponse.getDefaultInstance();

    private final long startTs;

    public CheckSecondaryLocks(CheckSecondaryLocksRequest request) {
        super(
                request.getContext(),
                TxnRequests.keys(request.getContext(), request.getKeysList()),
                request.getSerializedSize());
        this.startTs = request.getStartVersion();
    }

    @Override
    void announce(ConcurrencyManager concurrency) {
        concurrency.raise(startTs);
    }

    @Override
    CheckSecondaryLocksResponse decide(MvccReader reader, MvccTxn txn) {
        List<LockInfo> locks = new ArrayList<>();
        for (MvccKey key : keys()) {
            Lock lock = reader.lock(key);
            Lock own = lock != null && lock.startTs() == startTs ? lock : null;
            if (own != null && !own.isPessimistic()) {
                locks.add(own.toInfo(key.user()));
                continue;
            }
            OwnRecord record = reader.recordOf(key, startTs);
            if (own != null) {
                txn.unlock(key, own, 0);
            }
            if (record instanceof OwnRecord.None none) {
                KeyRollback.remember(reader, txn, key, startTs, own == null ? lock : null, none.overlapped(), true);
            }
            return record instanceof OwnRecord.Committed committed
                    ? CheckSecondaryLocksResponse.newBuilder()
                            .setCommitTs(committed.version().ts())
                            .build()
                    : ROLLED_BACK;
        }
        return CheckSecondaryLocksResponse.newBuilder().addAllLocks(locks).build();
    }

    @Override
    CheckSecondaryLocksResponse refused(KeyError error) {
        return CheckSecondaryLocksResponse.newBuilder().setError(error).build();
    }
}
