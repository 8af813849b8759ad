package io.rutile.gateway.access;

/** A caller who is not let in. An expected outcome: it carries no stack trace. */
public final class AccessException extends RuntimeException {

    private final Refusal refusal;

    AccessException(Refusal refusal) {
        super(refusal.failure().detail(), null, false, false);
        this.refusal = refusal;
    }

    public Refusal refusal() {
        return refusal;
    }
}
