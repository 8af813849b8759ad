package io.rutile.node.raftstore;

import io.rutile.storage.engine.Cf;
import org.jspecify.annotations.Nullable;

/**
 * One put or delete of a transactional record, as it was applied.
 *
 * @param index of the entry that it is a part of
 * @param cf LOCK, WRITE or DEFAULT
 * @param key as it is stored
 * @param value null for a delete
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
public record AppliedChange(long index, Cf cf, byte[] key, byte @Nullable [] value) {

    /** In memory, about. */
    public long sizeBytes() {
        return 64L + key.length + (value == null ? 0 : value.length);
    }
}
