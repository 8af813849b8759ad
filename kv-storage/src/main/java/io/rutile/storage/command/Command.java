package io.rutile.storage.command;

import io.rutile.storage.engine.KvSnapshot;

/**
 * A change that is decided on what is there: which keys nobody else may change meanwhile, and what follows from what a snapshot
 * shows. Decides; writes nothing itself.
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

    /** On a thread of {@link ReadPool}. */
    CommandResult<T> process(KvSnapshot snapshot);
}
