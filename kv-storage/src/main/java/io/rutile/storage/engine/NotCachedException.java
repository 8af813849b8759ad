package io.rutile.storage.engine;

/** A read that was not to wait for the disk would have had to. Says nothing about the data; without a stack, for it is an everyday answer. */
public final class NotCachedException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public NotCachedException() {
        super("not in memory", null, false, false);
    }
}
