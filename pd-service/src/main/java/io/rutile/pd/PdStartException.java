package io.rutile.pd;

import org.jspecify.annotations.Nullable;

/** Why a member could not start, in one sentence for whoever starts it. */
public final class PdStartException extends RuntimeException {

    private final String action;

    /**
     * @param message what is wrong
     * @param action what to do about it
     */
    public PdStartException(String message, String action, @Nullable Throwable cause) {
        super(message, cause);
        this.action = action;
    }

    public String action() {
        return action;
    }
}
