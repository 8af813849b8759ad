package io.rutile.client.pd;

/** PD did not do what it was asked, within the deadline of the call. */
public final class PdException extends RuntimeException {

    /** What a caller can do about it. */
    public enum Kind {
        /** No member answered as a leader in time. */
        UNAVAILABLE,
        /** The members are of another cluster than the one this client began with. */
        CLUSTER_MISMATCH,
        NOT_BOOTSTRAPPED,
        ALREADY_BOOTSTRAPPED,
        /** The store was removed for good and must not come back under its id. */
        STORE_TOMBSTONE,
        NOT_FOUND,
        /** A PD of a version, or a kind, that doesn't know the call. */
        UNSUPPORTED,
        /** Anything else that PD refused, with its own words. */
        REFUSED
    }

    private final Kind kind;

    public PdException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
