package io.rutile.storage.mvcc;

/** A stored record that cannot be what this store wrote. Never answered as "not found": the data is there, and broken. */
public final class CorruptRecordException extends RuntimeException {

    public CorruptRecordException(String message) {
        super(message);
    }
}
