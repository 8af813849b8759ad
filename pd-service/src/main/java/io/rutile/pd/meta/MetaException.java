package io.rutile.pd.meta;

/** The hard state was not changed, or nobody can say yet whether it was. Expected; carries no stack trace. */
public final class MetaException extends RuntimeException {

    /** What a caller can do about it. */
    public enum Kind {
        /** Ask the leader. */
        NOT_LEADER,
        /** Leadership was lost on the way: the record may be applied later. */
        UNDETERMINED,
        /** Try again in a moment. */
        BUSY,
        /** This member can't write. */
        DISK,
        /** There is nothing left to give. */
        EXHAUSTED
    }

    private final Kind kind;

    public MetaException(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
