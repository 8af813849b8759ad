package io.rutile.storage.mvcc;

import io.rutile.protocol.ByteKey;
import org.jspecify.annotations.Nullable;

/**
 * What one bounded garbage collection pass did.
 *
 * @param removedVersions write records removed
 * @param next where the next pass goes on, in the encoded key space; null once the Region's end is reached
 */
public record GcProgress(long removedVersions, @Nullable ByteKey next) {}
