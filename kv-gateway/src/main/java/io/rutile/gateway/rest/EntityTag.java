package io.rutile.gateway.rest;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * The ETag of a value: the first 128 bits of its SHA-256, in hex and in quotes. A strong one: the same tag means the same bytes,
 * whoever wrote them and when.
 *
 * @param quoted as it stands in a header
 */
record EntityTag(String quoted) {

    private static final int TAG_BYTES = 16;

    static EntityTag of(byte[] value) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(value);
            return new EntityTag("\"" + HexFormat.of().formatHex(Arrays.copyOf(digest, TAG_BYTES)) + "\"");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return quoted;
    }
}
