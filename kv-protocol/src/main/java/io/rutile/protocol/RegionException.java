package io.rutile.protocol;

import io.rutile.protocol.errorpb.Error;

/**
 * A Region error on its way up: the request was not served by this store, and the error says why and what to do.
 *
 * <p>An expected outcome, not a bug: it carries no stack trace.
 */
public final class RegionException extends RuntimeException {

    private final transient Error error;

    public RegionException(Error error) {
        super(error.getMessage(), null, false, false);
        this.error = error;
    }

    public Error error() {
        return error;
    }
}
