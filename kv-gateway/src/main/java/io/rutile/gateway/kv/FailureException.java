package io.rutile.gateway.kv;

/** A call that was refused before anybody was asked. An expected outcome: it carries no stack trace. */
public final class FailureException extends RuntimeException {

    private final transient Failure failure;

    public FailureException(Failure failure) {
        super(failure.detail(), null, false, false);
        this.failure = failure;
    }

    public Failure failure() {
        return failure;
    }
}
