package io.rutile.storage.engine;

/** A cursor over a range that can hold no key. */
final class EmptyCursor implements KvCursor {

    @Override
    public void seek(byte[] key) {}

    @Override
    public void seekForPrev(byte[] key) {}

    @Override
    public void seekToFirst() {}

    @Override
    public void seekToLast() {}

    @Override
    public void next() {
        throw pastEnd();
    }

    @Override
    public void prev() {
        throw pastEnd();
    }

    @Override
    public boolean isValid() {
        return false;
    }

    @Override
    public byte[] key() {
        throw pastEnd();
    }

    @Override
    public byte[] value() {
        throw pastEnd();
    }

    @Override
    public void close() {}

    private static IllegalStateException pastEnd() {
        return new IllegalStateException("the cursor is past an end");
    }
}
