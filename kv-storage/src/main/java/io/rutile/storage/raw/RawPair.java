package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;

/**
 * A key and the value that a client gave it.
 *
 * @param key the key
 * @param value shared, not copied; empty where only keys were asked for
 */
@SuppressWarnings("ArrayRecordComponent") // values are opaque and never compared as records
public record RawPair(ByteKey key, byte[] value) {}
