package io.rutile.client.feed;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import org.jspecify.annotations.Nullable;

/**
 * A version of a key that was committed.
 *
 * @param value null if the key was deleted; shared, not to be changed
 * @param commitTs when it was committed
 * @param position right behind it
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
public record Change(ByteKey key, byte @Nullable [] value, TimeStamp commitTs, FeedPosition position) {

    public boolean isDelete() {
        return value == null;
    }

    /** Bytes of key and value. */
    public long sizeBytes() {
        return key.bytes().length + (value == null ? 0L : value.length);
    }
}
