package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;
import org.jspecify.annotations.Nullable;

/**
 * "If the key's value is this, make it that."
 *
 * @param key the key
 * @param previous the value that must be there, or null: the key must be absent. An empty value is not absence.
 * @param value the new value, or null: delete the key
 * @param ttlSeconds unsigned seconds until the new value expires; 0 for never
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
public record RawCasRequest(ByteKey key, byte @Nullable [] previous, byte @Nullable [] value, long ttlSeconds) {}
