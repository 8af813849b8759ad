package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.kvrpcpb.AlreadyExist;
import io.rutile.protocol.kvrpcpb.Assertion;
import io.rutile.protocol.kvrpcpb.AssertionFailed;
import io.rutile.protocol.kvrpcpb.CommitTsExpired;
import io.rutile.protocol.kvrpcpb.DebugInfo;
import io.rutile.protocol.kvrpcpb.KeyError;
import io.rutile.protocol.kvrpcpb.LockInfo;
import io.rutile.protocol.kvrpcpb.PrimaryMismatch;
import io.rutile.protocol.kvrpcpb.TxnLockNotFound;
import io.rutile.protocol.kvrpcpb.TxnNotFound;
import io.rutile.protocol.kvrpcpb.WriteConflict;

/**
 * Why a key cannot be read or changed as asked: an outcome that the protocol has a {@code KeyError} for.
 *
 * <p>Expected, not a bug: it carries no stack trace. {@link Kind} is what commands decide by; {@link #error} is what the client gets,
 * with the texts that clients match on.
 */
public final class KeyFailure extends RuntimeException {

    /** What happened. */
    public enum Kind {
        LOCKED,
        WRITE_CONFLICT,
        ALREADY_EXISTS,
        ASSERTION_FAILED,
        PESSIMISTIC_LOCK_NOT_FOUND,
        PESSIMISTIC_LOCK_ROLLED_BACK,
        LOCK_TYPE_MISMATCH,
        COMMIT_TS_TOO_LARGE,
        COMMIT_TS_EXPIRED,
        TXN_LOCK_NOT_FOUND,
        TXN_NOT_FOUND,
        PRIMARY_MISMATCH,
        COMMITTED,
        /** The request itself cannot be served. */
        REFUSED
    }

    private final Kind kind;
    private final transient KeyError error;

    private KeyFailure(Kind kind, KeyError error) {
        super(kind.name(), null, false, false);
        this.kind = kind;
        this.error = error;
    }

    public Kind kind() {
        return kind;
    }

    public KeyError error() {
        return error;
    }

    /** The same with what explains it. */
    public KeyFailure with(DebugInfo info) {
        return new KeyFailure(kind, error.toBuilder().setDebugInfo(info).build());
    }

    public static KeyFailure locked(LockInfo lock) {
        return new KeyFailure(Kind.LOCKED, KeyError.newBuilder().setLocked(lock).build());
    }

    public static KeyFailure locked(MvccKey key, Lock lock) {
        return locked(lock.toInfo(key.user()));
    }

    /** Another transaction's record is in the way; both the typed conflict and the text that old clients look at. */
    public static KeyFailure conflict(
            WriteConflict.Reason reason,
            MvccKey key,
            long startTs,
            long conflictTs,
            long conflictCommitTs,
            ByteKey primary) {
        WriteConflict conflict = WriteConflict.newBuilder()
                .setReason(reason)
                .setKey(key.user().toByteString())
                .setPrimary(primary.toByteString())
                .setStartTs(startTs)
                .setConflictTs(conflictTs)
                .setConflictCommitTs(conflictCommitTs)
                .build();
        return new KeyFailure(
                Kind.WRITE_CONFLICT,
                KeyError.newBuilder()
                        .setConflict(conflict)
                        .setRetryable("WriteConflict { start_ts: " + Ts.text(startTs) + ", conflict_start_ts: "
                                + Ts.text(conflictTs) + ", conflict_commit_ts: " + Ts.text(conflictCommitTs)
                                + ", reason: " + reason + " }")
                        .build());
    }

    public static KeyFailure alreadyExists(MvccKey key) {
        return new KeyFailure(
                Kind.ALREADY_EXISTS,
                KeyError.newBuilder()
                        .setAlreadyExist(
                                AlreadyExist.newBuilder().setKey(key.user().toByteString()))
                        .build());
    }

    public static KeyFailure assertionFailed(
            MvccKey key, long startTs, Assertion assertion, long existingStartTs, long existingCommitTs) {
        return new KeyFailure(
                Kind.ASSERTION_FAILED,
                KeyError.newBuilder()
                        .setAssertionFailed(AssertionFailed.newBuilder()
                                .setStartTs(startTs)
                                .setKey(key.user().toByteString())
                                .setAssertion(assertion)
                                .setExistingStartTs(existingStartTs)
                                .setExistingCommitTs(existingCommitTs))
                        .build());
    }

    public static KeyFailure pessimisticLockNotFound(MvccKey key, long startTs, String reason) {
        return abort(Kind.PESSIMISTIC_LOCK_NOT_FOUND, "PessimisticLockNotFound", key, startTs, reason);
    }

    public static KeyFailure pessimisticLockRolledBack(MvccKey key, long startTs) {
        return abort(
                Kind.PESSIMISTIC_LOCK_ROLLED_BACK,
                "PessimisticLockRolledBack",
                key,
                startTs,
                "the transaction was rolled back");
    }

    public static KeyFailure lockTypeNotMatch(MvccKey key, long startTs, String found) {
        return abort(Kind.LOCK_TYPE_MISMATCH, "LockTypeNotMatch", key, startTs, found);
    }

    /** Ends a prewrite's attempt at async commit or 1PC; never leaves the store. */
    public static KeyFailure commitTsTooLarge(MvccKey key, long startTs, long minCommitTs) {
        return abort(Kind.COMMIT_TS_TOO_LARGE, "CommitTsTooLarge", key, startTs, Ts.text(minCommitTs));
    }

    public static KeyFailure commitTsExpired(MvccKey key, long startTs, long attempted, long minCommitTs) {
        return new KeyFailure(
                Kind.COMMIT_TS_EXPIRED,
                KeyError.newBuilder()
                        .setCommitTsExpired(CommitTsExpired.newBuilder()
                                .setStartTs(startTs)
                                .setAttemptedCommitTs(attempted)
                                .setKey(key.user().toByteString())
                                .setMinCommitTs(minCommitTs))
                        .build());
    }

    /** Clients retry on the word {@code TxnLockNotFound} in the text. */
    public static KeyFailure txnLockNotFound(MvccKey key, long startTs, long commitTs) {
        return new KeyFailure(
                Kind.TXN_LOCK_NOT_FOUND,
                KeyError.newBuilder()
                        .setTxnLockNotFound(
                                TxnLockNotFound.newBuilder().setKey(key.user().toByteString()))
                        .setRetryable("TxnLockNotFound { start_ts: " + Ts.text(startTs) + ", commit_ts: "
                                + Ts.text(commitTs) + ", key: " + key + " }")
                        .build());
    }

    public static KeyFailure txnNotFound(ByteKey primary, long startTs) {
        return new KeyFailure(
                Kind.TXN_NOT_FOUND,
                KeyError.newBuilder()
                        .setTxnNotFound(
                                TxnNotFound.newBuilder().setStartTs(startTs).setPrimaryKey(primary.toByteString()))
                        .build());
    }

    public static KeyFailure primaryMismatch(LockInfo lock) {
        return new KeyFailure(
                Kind.PRIMARY_MISMATCH,
                KeyError.newBuilder()
                        .setPrimaryMismatch(PrimaryMismatch.newBuilder().setLockInfo(lock))
                        .build());
    }

    public static KeyFailure committed(MvccKey key, long startTs, long commitTs) {
        return abort(Kind.COMMITTED, "Committed", key, startTs, "commit_ts: " + Ts.text(commitTs));
    }

    /** @param name of the error, in the words that clients know */
    public static KeyFailure refused(String name, String why) {
        return new KeyFailure(
                Kind.REFUSED,
                KeyError.newBuilder().setAbort(name + " { " + why + " }").build());
    }

    public static KeyFailure invalidTxnTso(long startTs, long commitTs) {
        return refused("InvalidTxnTso", "start_ts: " + Ts.text(startTs) + ", commit_ts: " + Ts.text(commitTs));
    }

    private static KeyFailure abort(Kind kind, String name, MvccKey key, long startTs, String detail) {
        return new KeyFailure(
                kind,
                KeyError.newBuilder()
                        .setAbort(name + " { start_ts: " + Ts.text(startTs) + ", key: " + key + ", " + detail + " }")
                        .build());
    }
}
