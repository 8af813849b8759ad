package io.rutile.storage.raw;

import org.jspecify.annotations.Nullable;

/**
 * What a compare-and-swap found.
 *
 * @param succeeded true if the value was as expected, and is now the new one
 * @param previous the value found, or null if the key was absent or expired
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
public record RawCasResult(boolean succeeded, byte @Nullable [] previous) {}
