package io.rutile.storage.mvcc;

/**
 * A lock that a command takes away: whoever waits for the key may go on once that has taken effect.
 *
 * @param startTs of the transaction that held it
 * @param commitTs what it committed at, 0 if it didn't
 */
public record ReleasedLock(MvccKey key, long startTs, long commitTs) {}
