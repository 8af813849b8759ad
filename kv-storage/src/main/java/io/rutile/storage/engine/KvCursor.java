package io.rutile.storage.engine;

/** Walks over a snapshot's keys in both directions. Not positioned at first. Not thread-safe; must be closed. */
public interface KvCursor extends AutoCloseable {

    /** To the first key that is at least this one. */
    void seek(byte[] key);

    /** To the last key that is at most this one. */
    void seekForPrev(byte[] key);

    void seekToFirst();

    void seekToLast();

    void next();

    void prev();

    /** False past either end. @throws EngineException if the disk failed on the way */
    boolean isValid();

    /** Not to be changed; the same array until the cursor moves. */
    byte[] key();

    byte[] value();

    /** The same without an array of its own: for walks that pass on what they find. */
    default void key(ReadBuffer into) {
        into.set(key());
    }

    default void value(ReadBuffer into) {
        into.set(value());
    }

    @Override
    void close();
}
