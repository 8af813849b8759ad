package io.rutile.gateway.kv;

/** A call under an id of {@link TxnSessions} that did not reach a transaction. An expected outcome: it carries no stack trace. */
public final class TxnSessionException extends RuntimeException {

    /** Why not. */
    public enum Reason {
        /** Nobody was given this id, or its transaction has ended or expired. */
        NOT_OPEN("no transaction is open under this id: it was never given out here, or it has ended or expired"),
        /** Another call under this id is under way; nothing was done. */
        IN_USE("another request of this transaction is under way: they come one at a time"),
        /** A rollback came after the commit had begun. */
        COMMITTING("the transaction cannot be rolled back: its commit was asked for");

        private final String message;

        Reason(String message) {
            this.message = message;
        }
    }

    private final Reason reason;

    TxnSessionException(Reason reason) {
        super(reason.message, null, false, false);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
