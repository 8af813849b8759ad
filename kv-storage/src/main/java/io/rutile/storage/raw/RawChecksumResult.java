package io.rutile.storage.raw;

/**
 * A digest of the pairs in some ranges, the same whatever order they are read in.
 *
 * @param checksum CRC-64/XZ of key and value of each pair, xor-ed together
 * @param totalKvs pairs
 * @param totalBytes bytes of their keys and values
 */
public record RawChecksumResult(long checksum, long totalKvs, long totalBytes) {}
