package io.rutile.pd;

/** The cluster goes on without this member. Expected; carries no stack trace. */
public final class MemberGoneException extends RuntimeException {

    private static final long serialVersionUID = 1;

    MemberGoneException(String message) {
        super(message, null, false, false);
    }
}
