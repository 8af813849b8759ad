package io.rutile.storage.engine;

import io.rutile.protocol.ByteKey;

/**
 * A table file of an image of a key range: what must arrive unharmed at the other end.
 *
 * @param cf the column family that its keys belong to
 * @param name file name, without a directory
 * @param sizeBytes length of the file
 * @param crc32c CRC-32C of the file's bytes
 * @param firstKey smallest key in it
 * @param lastKey greatest key in it
 */
public record SstFile(Cf cf, String name, long sizeBytes, int crc32c, ByteKey firstKey, ByteKey lastKey) {}
