package io.rutile.gateway.kv;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.rutile.client.KvClientException;
import io.rutile.client.feed.FeedTooOldException;
import io.rutile.client.rpc.Futures;
import io.rutile.client.txn.DeadlockException;
import io.rutile.client.txn.KeyExistsException;
import io.rutile.client.txn.KeyLockedException;
import io.rutile.client.txn.TxnLockNotFoundException;
import io.rutile.client.txn.WriteConflictException;
import io.rutile.gateway.kv.Failure.Kind;
import io.rutile.protocol.errorpb.Error;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a call's exception means to its caller: the only place that decides it, for all edges. */
public final class Failures {

    private static final Logger log = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    /** A raw call, but not a compare-and-swap. What is no expected outcome is a bug, and logged as one. */
    public static Failure of(Throwable failure) {
        if (failure instanceof FailureException known) {
            return known.failure();
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
        return Kind.INTERNAL.because("an unexpected failure, which the gateway's log tells more about");
    }

    /** A step of a transaction: whatever goes wrong before the commit, and in most ways of the commit, writes nothing. */
    public static Failure ofTransaction(Throwable failure) {
        Throwable cause = Futures.causeOf(failure);
        if (cause instanceof KvClientException failed && failed.kind() == KvClientException.Kind.TIMEOUT) {
            return Kind.TIMEOUT.because(failed.getMessage() + "; nothing of the transaction is written");
        }
        if (cause instanceof KeyLockedException locked) {
            return Kind.BUSY
                    .because(String.valueOf(locked.getMessage()), "KeyIsLocked")
                    .over(locked.key());
        }
        return of(cause);
    }

    /** The end of a transaction: its commit cannot be sent again, whatever became of it. */
    public static Failure ofCommit(Throwable failure) {
        Failure told = ofTransaction(failure);
        return Futures.causeOf(failure) instanceof TxnSessionException ? told : told.withRetryable(false);
    }

    /** An atomic call: it begins anew each time, so a conflict may go well the next time, unless its outcome is not known. */
    public static Failure ofAtomicCall(Throwable failure) {
        Failure told = ofTransaction(failure);
        return told.kind() == Kind.CONFLICT ? told.withRetryable(true) : told;
    }

    /** A write with a name: whatever became of it, sending it again under that name does no harm. */
    public static Failure ofIdempotent(Throwable failure) {
        Failure told = ofAtomicCall(failure);
        return switch (told.kind()) {
            case CONFLICT, UNDETERMINED, TIMEOUT, UNAVAILABLE, BUSY -> told.withRetryable(true);
            default -> told;
        };
    }

    /** A commit with a name: where it is not known what became of it, it can be asked for again; what was written down is the answer. */
    public static Failure ofNamedCommit(Throwable failure) {
        Failure told = ofCommit(failure);
        return switch (told.kind()) {
            case UNDETERMINED, TIMEOUT -> told.withRetryable(true);
            default -> told;
        };
    }

    /** A compare-and-swap: where it may have been carried out, sending it again could do something else. */
    public static Failure ofConditional(Throwable failure) {
        Failure told = of(failure);
        return told.kind() == Kind.TIMEOUT ? told.withRetryable(false) : told;
    }

    /** Whether repeating is harmless is decided for a call that is: the other methods correct it. */
    private static Failure ofClient(KvClientException failed) {
        String message = failed.getMessage() == null ? failed.kind().name() : failed.getMessage();
        String error = failed.regionError() == null ? null : errorName(failed.regionError());
        return switch (failed.kind()) {
            case TIMEOUT -> Kind.TIMEOUT.because(message + "; a write may or may not have taken effect", error);
            case UNAVAILABLE -> Kind.UNAVAILABLE.because(message, error);
            case INVALID ->
                failed instanceof FeedTooOldException
                        ? Kind.POSITION_GONE.because(message)
                        : Kind.INVALID_REQUEST.because(message, error);
            case TOO_LARGE -> Kind.TOO_LARGE.because(message, orElse(error, "RaftEntryTooLarge"));
            case DISK_FULL -> Kind.DISK_FULL.because(message, orElse(error, "DiskFull"));
            case BUSY -> Kind.BUSY.because(message, orElse(error, "ServerIsBusy"));
            case UNDETERMINED ->
                Kind.UNDETERMINED.because(
                        message + "; read the key before you decide whether to write again",
                        orElse(error, "UndeterminedResult"));
            case CONFLICT -> ofConflict(failed, message);
            case SERVER -> Kind.SERVER.because(message, error);
        };
    }

    private static Failure ofConflict(KvClientException failed, String message) {
        if (failed instanceof WriteConflictException conflict) {
            return Kind.CONFLICT.because(message, "WriteConflict").over(conflict.key());
        }
        if (failed instanceof KeyExistsException exists) {
            return Kind.CONFLICT.because(message, "AlreadyExist").over(exists.key());
        }
        if (failed instanceof DeadlockException deadlock) {
            return Kind.CONFLICT.because(message, "Deadlock").over(deadlock.key());
        }
        return Kind.CONFLICT.because(message, failed instanceof TxnLockNotFoundException ? "TxnLockNotFound" : null);
    }

    private static Failure ofSession(TxnSessionException refused) {
        String message = String.valueOf(refused.getMessage());
        return switch (refused.reason()) {
            case NOT_OPEN -> Kind.TRANSACTION_NOT_FOUND.because(message);
            case IN_USE -> Kind.TRANSACTION_IN_USE.because(message);
            case COMMITTING -> Kind.TRANSACTION_COMMITTING.because(message);
        };
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
