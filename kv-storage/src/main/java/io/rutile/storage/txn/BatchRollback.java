package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.BatchRollbackRequest;
import io.rutile.protocol.kvrpcpb.BatchRollbackResponse;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;

/** KvBatchRollback: rolls a transaction back on some keys, all of them or none. */
public final class BatchRollback extends TxnCommand<BatchRollbackResponse> {

    private final long startTs;

    public BatchRollback(BatchRollbackRequest request) {
        super(
                request.getContext(),
                TxnRequests.keys(request.getContext(), request.getKeysList()),
                request.getSerializedSize());
        this.startTs = request.getStartVersion();
    }

    @Override
    BatchRollbackResponse decide(MvccReader reader, MvccTxn txn) {
        keys().forEach(key -> KeyRollback.collapsing(reader, txn, key, startTs));
        return BatchRollbackResponse.getDefaultInstance();
    }

    @Override
    BatchRollbackResponse refused(KeyError error) {
        return BatchRollbackResponse.newBuilder().setError(error).build();
    }
}
