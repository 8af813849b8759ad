package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatRequest;
import io.rutile.protocol.kvrpcpb.TxnHeartBeatResponse;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.Ts;
import java.util.List;

/** KvTxnHeartBeat: lets the primary's lock live longer. */
public final class TxnHeartBeat extends TxnCommand<TxnHeartBeatResponse> {

    private final TxnHeartBeatRequest request;

    public TxnHeartBeat(TxnHeartBeatRequest request) {
        super(request.getContext(), List.of(MvccKey.of(request.getPrimaryLock())), request.getSerializedSize());
        this.request = request;
    }

    @Override
    TxnHeartBeatResponse decide(MvccReader reader, MvccTxn txn) {
        MvccKey key = keys().get(0);
        Lock lock = reader.lock(key);
        if (lock == null || lock.startTs() != request.getStartVersion()) {
            throw KeyFailure.txnNotFound(key.user(), request.getStartVersion());
        }
        long ttlMs = Ts.max(lock.ttlMs(), request.getAdviseLockTtl());
        // Who flushes as it goes has readers wait for it for long: its heartbeat also moves it out of their way.
        boolean pipelined = lock.generation() > 0 && !lock.isAsyncCommit();
        long minCommitTs = pipelined ? Ts.max(lock.minCommitTs(), request.getMinCommitTs()) : lock.minCommitTs();
        if (ttlMs != lock.ttlMs() || minCommitTs != lock.minCommitTs()) {
            txn.putLock(
                    key, lock.toBuilder().ttlMs(ttlMs).minCommitTs(minCommitTs).build());
        }
        return TxnHeartBeatResponse.newBuilder().setLockTtl(ttlMs).build();
    }

    @Override
    TxnHeartBeatResponse refused(KeyError error) {
        return TxnHeartBeatResponse.newBuilder().setError(error).build();
    }
}
