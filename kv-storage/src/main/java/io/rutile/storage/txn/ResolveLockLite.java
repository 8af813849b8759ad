package io.rutile.storage.txn;

import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.ResolveLockRequest;
import io.rutile.protocol.kvrpcpb.ResolveLockResponse;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;

/** KvResolveLock of keys that the client names. */
final class ResolveLockLite extends TxnCommand<ResolveLockResponse> {

    private final ResolveLockRequest request;

    ResolveLockLite(ResolveLockRequest request) {
        super(
                request.getContext(),
                TxnRequests.keys(request.getContext(), request.getKeysList()),
                request.getSerializedSize());
        this.request = request;
    }

    @Override
    ResolveLockResponse decide(MvccReader reader, MvccTxn txn) {
        long startTs = request.getStartVersion();
        long commitTs = request.getCommitVersion();
        if (startTs == 0) {
            throw KeyFailure.refused("InvalidResolveLock", "keys without a start_version");
        }
        for (MvccKey key : keys()) {
            if (commitTs == 0) {
                KeyRollback.collapsing(reader, txn, key, startTs);
            } else {
                KeyCommit.of(reader, txn, key, startTs, commitTs);
            }
        }
        return ResolveLockResponse.getDefaultInstance();
    }

    @Override
    ResolveLockResponse refused(KeyError error) {
        return ResolveLockResponse.newBuilder().setError(error).build();
    }
}
