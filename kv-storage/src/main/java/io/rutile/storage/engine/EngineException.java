package io.rutile.storage.engine;

import org.jspecify.annotations.Nullable;

/** The engine could not read or write: a broken or full disk, or a closed engine. */
public final class EngineException extends RuntimeException {

    /** What the caller can say about it (R9). */
    public enum Kind {
        NO_SPACE,
        IO,
        CORRUPTION,
        CLOSED,
        OTHER
    }

    private final Kind kind;

    public EngineException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
