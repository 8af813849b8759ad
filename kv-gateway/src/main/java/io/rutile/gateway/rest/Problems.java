package io.rutile.gateway.rest;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.rutile.client.KvClientException;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.DeadlockException;
import io.rutile.client.txn.KeyExistsException;
import io.rutile.client.txn.KeyLockedException;
import io.rutile.client.txn.TxnLockNotFoundException;
import io.rutile.client.txn.WriteConflictException;
import io.rutile.gateway.kv.TxnSessionException;
import io.rutile.protocol.errorpb.Error;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Failures as problems: the only place that decides which failure is answered how. */
final class Problems {

    private static final Logger log = LoggerFactory.getLogger(Problems.class);

    private Problems() {}

    static Problem of(Throwable failure) {
        if (failure instanceof ProblemException known) {
            return known.problem();
        }
        if (failure instanceof KvClientException failed) {
            return ofClient(failed);
        }
        if (failure instanceof TxnSessionException refused) {
            return ofSession(refused);
        }
        if (failure instanceof CompletionException && failure.getCause() != null) {
            return of(failure.getCause());
        }
        log.error("request failed by a bug", failure);
        return ProblemType.INTERNAL.problem("an unexpected failure, which the gateway's log tells more about");
    }

    /** Whether repeating is harmless is decided for a call that is: a conditional write corrects it by {@link #ofConditional}. */
    private static Problem ofClient(KvClientException failed) {
        String message = failed.getMessage() == null ? failed.kind().name() : failed.getMessage();
        String error = failed.regionError() == null ? null : errorName(failed.regionError());
        return switch (failed.kind()) {
            case TIMEOUT -> ProblemType.TIMEOUT.problem(message + "; a write may or may not have taken effect", error);
            case UNAVAILABLE -> ProblemType.UNAVAILABLE.problem(message, error);
            case INVALID -> ProblemType.INVALID_REQUEST.problem(message, error);
            case TOO_LARGE -> ProblemType.TOO_LARGE.problem(message, orElse(error, "RaftEntryTooLarge"));
            case DISK_FULL -> ProblemType.DISK_FULL.problem(message, orElse(error, "DiskFull"));
            case BUSY -> ProblemType.BUSY.problem(message, orElse(error, "ServerIsBusy"));
            case UNDETERMINED ->
                ProblemType.UNDETERMINED.problem(
                        message + "; read the key before you decide whether to write again",
                        orElse(error, "UndeterminedResult"));
            case CONFLICT -> ofConflict(failed, message);
            case SERVER -> ProblemType.SERVER.problem(message, error);
        };
    }

    private static Problem ofConflict(KvClientException failed, String message) {
        if (failed instanceof WriteConflictException conflict) {
            return ProblemType.CONFLICT.problem(message, "WriteConflict").withKey(conflict.key());
        }
        if (failed instanceof KeyExistsException exists) {
            return ProblemType.CONFLICT.problem(message, "AlreadyExist").withKey(exists.key());
        }
        if (failed instanceof DeadlockException deadlock) {
            return ProblemType.CONFLICT.problem(message, "Deadlock").withKey(deadlock.key());
        }
        return ProblemType.CONFLICT.problem(
                message, failed instanceof TxnLockNotFoundException ? "TxnLockNotFound" : null);
    }

    private static Problem ofSession(TxnSessionException refused) {
        String message = String.valueOf(refused.getMessage());
        return switch (refused.reason()) {
            case NOT_OPEN -> ProblemType.TRANSACTION_NOT_FOUND.problem(message);
            case IN_USE -> ProblemType.TRANSACTION_IN_USE.problem(message);
            case COMMITTING -> ProblemType.TRANSACTION_COMMITTING.problem(message);
        };
    }

    /** A step of a transaction: whatever goes wrong before the commit, and in most ways of the commit, writes nothing. */
    static Problem ofTransaction(Throwable failure) {
        Throwable cause = Futures.causeOf(failure);
        if (cause instanceof KvClientException failed && failed.kind() == KvClientException.Kind.TIMEOUT) {
            return ProblemType.TIMEOUT.problem(failed.getMessage() + "; nothing of the transaction is written");
        }
        if (cause instanceof KeyLockedException locked) {
            return ProblemType.BUSY
                    .problem(String.valueOf(locked.getMessage()), "KeyIsLocked")
                    .withKey(locked.key());
        }
        return of(cause);
    }

    /** The end of a transaction: its commit cannot be sent again, whatever became of it. */
    static Problem ofCommit(Throwable failure) {
        Problem problem = ofTransaction(failure);
        return Futures.causeOf(failure) instanceof TxnSessionException ? problem : problem.withRetryable(false);
    }

    /** An atomic call: it begins anew each time, so a conflict may go well the next time, unless its outcome is not known. */
    static Problem ofAtomicCall(Throwable failure) {
        Problem problem = ofTransaction(failure);
        return problem.status() == ProblemType.CONFLICT.status().value() ? problem.withRetryable(true) : problem;
    }

    /** The problem of a compare-and-swap: where it may have been carried out, sending it again could do something else. */
    static Problem ofConditional(Throwable failure) {
        Problem problem = of(failure);
        return problem.status() == ProblemType.TIMEOUT.status().value() ? problem.withRetryable(false) : problem;
    }

    /** TiKV's name of a Region error: that of the message which is set; null if it has only a text. */
    static @Nullable String errorName(Error regionError) {
        return regionError.getAllFields().keySet().stream()
                .filter(field -> field.getJavaType() == FieldDescriptor.JavaType.MESSAGE)
                .map(field -> field.getMessageType().getName())
                .findFirst()
                .orElse(null);
    }

    private static String orElse(@Nullable String error, String name) {
        return error == null ? name : error;
    }
}
