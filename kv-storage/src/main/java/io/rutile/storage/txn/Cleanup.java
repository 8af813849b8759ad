package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.CleanupRequest;
import io.rutile.protocol.kvrpcpb.CleanupResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.command.ConcurrencyManager;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.OwnRecord;
import java.util.List;

/** KvCleanup: rolls a transaction back on one key, unless it lives or has committed there. */
public final class Cleanup extends TxnCommand<CleanupResponse> {

    private final CleanupRequest request;

    public Cleanup(CleanupRequest request) {
        super(request.getContext(), List.of(MvccKey.of(request.getKey())), request.getSerializedSize());
        this.request = request;
    }

    @Override
    void announce(ConcurrencyManager concurrency) {
        concurrency.raise(request.getStartVersion());
    }

    @Override
    CleanupResponse decide(MvccReader reader, MvccTxn txn) {
        MvccKey key = keys().get(0);
        long startTs = request.getStartVersion();
        Lock lock = reader.lock(key);
        if (lock != null && lock.startTs() == startTs) {
            if (request.getCurrentTs() != 0 && !lock.isExpired(request.getCurrentTs())) {
                throw KeyFailure.locked(key, lock);
            }
            KeyRollback.ofLock(reader, txn, key, lock, KeyRollback.mustSurvive(key, lock), false);
            return CleanupResponse.getDefaultInstance();
        }
        if (reader.recordOf(key, startTs) instanceof OwnRecord.Committed committed) {
            return CleanupResponse.newBuilder()
                    .setCommitVersion(committed.version().ts())
                    .build();
        }
        KeyRollback.ofMissingLock(reader, txn, key, startTs, lock, true);
        return CleanupResponse.getDefaultInstance();
    }

    @Override
    CleanupResponse refused(KeyError error) {
        return CleanupResponse.newBuilder().setError(error).build();
    }
}
