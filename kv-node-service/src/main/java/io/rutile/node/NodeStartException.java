package io.rutile.node;

/** A node could not start, and why, in one sentence that an operator can act on. */
public final class NodeStartException extends RuntimeException {

    public NodeStartException(String message, Throwable cause) {
        super(message, cause);
    }
}
