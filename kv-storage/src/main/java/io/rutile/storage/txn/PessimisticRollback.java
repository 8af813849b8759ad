package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackRequest;
import io.rutile.protocol.kvrpcpb.PessimisticRollbackResponse;
import io.rutile.storage.mvcc.Lock;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.Ts;
import java.util.List;

/** KVPessimisticRollback: lets go of pessimistic locks. Leaves no trace: the transaction itself goes on. */
public final class PessimisticRollback extends TxnCommand<PessimisticRollbackResponse> {

    private final PessimisticRollbackRequest request;

    public PessimisticRollback(PessimisticRollbackRequest request) {
        this(request, TxnRequests.keys(request.getContext(), request.getKeysList()));
    }

    /** @param keys instead of the request's */
    PessimisticRollback(PessimisticRollbackRequest request, List<MvccKey> keys) {
        super(request.getContext(), keys, request.getSerializedSize());
        this.request = request;
    }

    @Override
    PessimisticRollbackResponse decide(MvccReader reader, MvccTxn txn) {
        for (MvccKey key : keys()) {
            Lock lock = reader.lock(key);
            if (lock != null && isMeant(request, lock)) {
                txn.unlock(key, lock, 0);
            }
        }
        return PessimisticRollbackResponse.getDefaultInstance();
    }

    /** A lock that a newer statement has taken over is not the one that is to go. */
    static boolean isMeant(PessimisticRollbackRequest request, Lock lock) {
        return lock.isPessimistic()
                && lock.startTs() == request.getStartVersion()
                && !Ts.isAfter(lock.forUpdateTs(), request.getForUpdateTs());
    }

    @Override
    PessimisticRollbackResponse refused(KeyError error) {
        return PessimisticRollbackResponse.newBuilder().addErrors(error).build();
    }
}
