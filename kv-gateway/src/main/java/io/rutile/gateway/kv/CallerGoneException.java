package io.rutile.gateway.kv;

/** The rest of a call that nobody waits for any more. An expected outcome: it carries no stack trace, and nobody is told. */
public final class CallerGoneException extends RuntimeException {

    public CallerGoneException() {
        super("the caller is gone", null, false, false);
    }
}
