package io.rutile.storage.txn;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.CommitRequest;
import io.rutile.protocol.kvrpcpb.CommitResponse;
import io.rutile.protocol.kvrpcpb.CommitRole;
import io.rutile.protocol.kvrpcpb.DebugInfo;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.MvccDebugInfo;
import io.rutile.storage.mvcc.KeyFailure;
import io.rutile.storage.mvcc.MvccKey;
import io.rutile.storage.mvcc.MvccReader;
import io.rutile.storage.mvcc.MvccTxn;
import io.rutile.storage.mvcc.Ts;

/** KvCommit: turns the locks of a transaction into records, all keys of the request or none. */
public final class Commit extends TxnCommand<CommitResponse> {

    private final CommitRequest request;

    public Commit(CommitRequest request) {
        super(
                request.getContext(),
                TxnRequests.keys(request.getContext(), request.getKeysList()),
                request.getSerializedSize());
        this.request = request;
    }

    @Override
    public boolean isShort() {
        return keys().size() <= KEYS_FEW;
    }

    @Override
    CommitResponse decide(MvccReader reader, MvccTxn txn) {
        long startTs = request.getStartVersion();
        long commitTs = request.getCommitVersion();
        if (!Ts.isAfter(commitTs, startTs)) {
            throw KeyFailure.invalidTxnTso(startTs, commitTs);
        }
        for (MvccKey key : keys()) {
            try {
                KeyCommit.of(reader, txn, key, startTs, commitTs);
            } catch (KeyFailure failure) {
                throw explained(reader, key, failure);
            }
        }
        return CommitResponse.newBuilder().setCommitVersion(commitTs).build();
    }

    /** A secondary whose lock is gone is a riddle to whoever sees it: say what the key's records are. */
    private KeyFailure explained(MvccReader reader, MvccKey key, KeyFailure failure) {
        boolean puzzling =
                failure.kind() == KeyFailure.Kind.TXN_LOCK_NOT_FOUND && request.getCommitRole() == CommitRole.Secondary
                        || failure.kind() == KeyFailure.Kind.COMMIT_TS_EXPIRED
                                && !request.getPrimaryKey().isEmpty()
                                && !key.user().equals(ByteKey.of(request.getPrimaryKey()));
        if (!puzzling) {
            return failure;
        }
        return failure.with(DebugInfo.newBuilder()
                .addMvccInfo(MvccDebugInfo.newBuilder()
                        .setKey(key.user().toByteString())
                        .setMvcc(MvccInspection.of(reader, key)))
                .build());
    }

    @Override
    CommitResponse refused(KeyError error) {
        return CommitResponse.newBuilder().setError(error).build();
    }
}
