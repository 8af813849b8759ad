package io.rutile.raft.transport;

/** Why a call to another store has no answer. Carries no stack trace: a store that is away is ordinary. */
public final class LinkException extends RuntimeException {

    private static final long serialVersionUID = 1L;
    private final boolean timeout;

    public LinkException(String message, boolean timeout) {
        super(message, null, false, false);
        this.timeout = timeout;
    }

    public boolean isTimeout() {
        return timeout;
    }
}
