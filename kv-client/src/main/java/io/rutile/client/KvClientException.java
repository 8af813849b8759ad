package io.rutile.client;

import io.rutile.protocol.errorpb.Error;
import org.jspecify.annotations.Nullable;

/**
 * A call that was not done. {@link #getMessage} is fit to be shown to a person; user keys are not in it. Transactions fail with
 * subclasses that carry more.
 */
public class KvClientException extends RuntimeException {

    /** What a caller can do about it. */
    public enum Kind {
        /** The deadline ran out; for a write it is not known whether it took effect. */
        TIMEOUT,
        /** No store or no PD member could be reached in time; nothing was written. */
        UNAVAILABLE,
        /** The server refused the request as it is: key too long, unknown column family, TTL not enabled. */
        INVALID,
        /** A single entry is larger than the store takes. */
        TOO_LARGE,
        /** The store is full. */
        DISK_FULL,
        /** The server asks to slow down and the deadline ran out meanwhile. */
        BUSY,
        /** The write may or may not have taken effect, and repeating it could differ (compare-and-swap). */
        UNDETERMINED,
        /** Another transaction was there first, and nothing of this one is written: begin it again. */
        CONFLICT,
        /** Anything else, with the server's words. */
        SERVER
    }

    private final Kind kind;
    private final transient @Nullable Error regionError;

    public KvClientException(Kind kind, String message, @Nullable Error regionError, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.regionError = regionError;
    }

    public Kind kind() {
        return kind;
    }

    /** The last Region error that the store answered, if it was one. */
    public @Nullable Error regionError() {
        return regionError;
    }
}
