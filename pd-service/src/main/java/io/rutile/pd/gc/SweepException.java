package io.rutile.pd.gc;

/** A sweep cannot go on for now. Expected; carries no stack trace, and names what an operator looks for, never a key. */
final class SweepException extends Exception {

    private static final long serialVersionUID = 1;

    SweepException(String message) {
        super(message, null, false, false);
    }
}
