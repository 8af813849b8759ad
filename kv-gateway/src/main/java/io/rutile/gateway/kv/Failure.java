package io.rutile.gateway.kv;

import io.rutile.protocol.ByteKey;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Why a call was not done, in the words that every edge answers with; an edge adds nothing but the status of its own protocol.
 *
 * @param kind what went wrong
 * @param detail what happened this time, for a person; no user key is in it (E3)
 * @param error TiKV's name of the error, where it has one
 * @param key the key that was fought for, in conflicts that name one
 * @param retryable true if the same request, sent once more as it is, may succeed and does no harm
 */
public record Failure(
        Kind kind,
        String detail,
        @Nullable String error,
        @Nullable ByteKey key,
        boolean retryable) {

    /** What can go wrong. Names are part of every edge's API. */
    public enum Kind {
        /** The request is not valid, or the cluster refused it as it is. */
        INVALID_REQUEST(false),
        /** It is not known who calls. */
        UNAUTHENTICATED(false),
        /** The caller may not do this. */
        PERMISSION_DENIED(false),
        /** No transaction is open under the id. */
        TRANSACTION_NOT_FOUND(false),
        /** Another call of the transaction is under way. */
        TRANSACTION_IN_USE(true),
        /** A rollback came after the commit was asked for. */
        TRANSACTION_COMMITTING(false),
        /** Another transaction was there first. */
        CONFLICT(false),
        /** Changes behind the position of a watch may be gone. */
        POSITION_GONE(false),
        /** The caller has as much of the gateway as one may have. */
        TOO_MANY_REQUESTS(true),
        /** As many watch as may. */
        TOO_MANY_WATCHES(true),
        /** A watcher has read more slowly than changes came. */
        TOO_SLOW(true),
        /** The name of this write was given to another one before. */
        IDEMPOTENCY_KEY_REUSED(false),
        /** More than the gateway or the cluster takes. */
        TOO_LARGE(false),
        /** The gateway failed. */
        INTERNAL(false),
        /** The write may or may not have taken effect, and repeating it could differ. */
        UNDETERMINED(false),
        /** The cluster refused for another reason. */
        SERVER(false),
        /** The cluster cannot be reached. */
        UNAVAILABLE(true),
        /** As much is going on as may. */
        BUSY(true),
        /** The deadline ran out. */
        TIMEOUT(true),
        /** A store has no space left. */
        DISK_FULL(true);

        private final boolean retryable;

        Kind(boolean retryable) {
            this.retryable = retryable;
        }

        /** Whether the same request may be sent again, unless the call was one that may not. */
        public boolean retryable() {
            return retryable;
        }

        /** Its name for programs, in lower case with hyphens. */
        public String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        public Failure because(String detail) {
            return because(detail, null);
        }

        /** @param error TiKV's name of the error, where it has one */
        public Failure because(String detail, @Nullable String error) {
            return new Failure(this, detail, error, null, retryable);
        }
    }

    Failure over(ByteKey contended) {
        return new Failure(kind, detail, error, contended, retryable);
    }

    Failure withRetryable(boolean harmless) {
        return new Failure(kind, detail, error, key, harmless);
    }
}
