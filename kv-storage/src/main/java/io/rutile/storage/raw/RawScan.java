package io.rutile.storage.raw;

import io.rutile.protocol.ByteKey;

/**
 * A walk over raw pairs in one direction.
 *
 * <p>Forward: from {@code start} (inclusive) up to {@code end} (exclusive); an empty end is the Region's. Reverse: from below
 * {@code start} (exclusive) down to {@code end} (inclusive); an empty start is not infinity, nothing is below it.
 *
 * @param start where the walk begins
 * @param end where it ends
 * @param limit pairs at most; 0 answers nothing
 * @param reverse downwards
 * @param keyOnly answer empty values
 */
public record RawScan(ByteKey start, ByteKey end, long limit, boolean reverse, boolean keyOnly) {}
