package io.rutile.raft;

/** Why a group did not do what it was asked. An expected outcome: it carries no stack trace. */
public final class RaftException extends RuntimeException {

    /** What a caller can do about it. */
    public enum Kind {
        /** This replica does not lead; nothing was written. Ask the leader. */
        NOT_LEADER,
        /** The term is not the one that the proposal was made for; nothing was written. */
        STALE_TERM,
        /** A queue is full, or a membership change or transfer is under way; nothing was written. Try again. */
        BUSY,
        /** Leadership was lost while the entry was on its way: it may or may not be applied later. */
        UNDETERMINED,
        /** The disk refused a write; this replica steps down. */
        DISK,
        /** The group or the server has stopped. */
        STOPPED,
        /** The request itself is not acceptable: an entry too large, an unknown replica. */
        INVALID
    }

    private final Kind kind;

    public RaftException(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
