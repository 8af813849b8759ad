package io.rutile.storage.command;

import io.rutile.storage.engine.KvSnapshot;

/**
 * A change that is decided on what is there: which keys nobody else may change meanwhile, and what follows from what a snapshot
 * shows. Decides; writes nothing itself. Runs once, or twice if it says that it is short.
 *
 * @param <T> what the caller is told
 */
public interface Command<T> {

    /** What it holds from before its snapshot until its write has taken effect or failed (P1). */
    LatchSet latches();

    /** Bytes that its write will have at most. */
    long writeBytesMax();

    /** True if applying its write twice is the same as applying it once. */
    boolean replayable();

    /**
     * True if it reads a few keys, and if nothing is left of a run that ended with a {@link io.rutile.storage.engine.NotCachedException}:
     * then it is tried on the caller's thread first, as long as memory has what it reads.
     */
    default boolean isShort() {
        return false;
    }

    /** On a thread of {@link ReadPool}, or on the caller's if it {@linkplain #isShort is short}. */
    CommandResult<T> process(KvSnapshot snapshot);

    /**
     * The last thing that happens under its latches, whatever came of it: what it had put up for others to see meanwhile goes, and
     * those that wait for what it changed are told. Once, if it got its latches; must not throw or block.
     *
     * @param written true if what it decided has taken effect
     */
    default void settled(boolean written) {}
}
