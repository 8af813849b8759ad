package io.rutile.gateway.kv;

import io.rutile.protocol.ByteKey;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The name that a caller has given to a write, so that it takes effect once however often it is sent. Another caller's key of the same name
 * is another key.
 *
 * @param record where the outcome is written down: neither the name nor the caller can be read from it
 * @param fingerprint what distinguishes this request from others, 32 bytes
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by matches alone.
public record IdempotencyKey(ByteKey record, byte[] fingerprint) {

    /** Longest name, in characters. */
    public static final int LENGTH_MAX = 255;

    /** {@code record := ff ff ff ff "idem" sha256(caller, name)}: 40 bytes. */
    static final ByteKey PREFIX =
            ByteKey.wrap(concat(ReservedKeys.FIRST.bytes(), "idem".getBytes(StandardCharsets.US_ASCII)));

    /**
     * A key of this name.
     *
     * @param caller who calls, as the log names them
     * @param name 1 to {@link #LENGTH_MAX} printable characters of ASCII
     * @param request everything that the outcome depends on
     * @return null if that is no name
     */
    public static @Nullable IdempotencyKey of(String caller, String name, byte[]... request) {
        boolean printable = name.chars().allMatch(c -> c > ' ' && c < 0x7f);
        if (name.isEmpty() || name.length() > LENGTH_MAX || !printable) {
            return null;
        }
        byte[] id = sha256(caller.getBytes(StandardCharsets.UTF_8), name.getBytes(StandardCharsets.US_ASCII));
        return new IdempotencyKey(ByteKey.wrap(concat(PREFIX.bytes(), id)), sha256(request));
    }

    boolean matches(byte[] other) {
        return Arrays.equals(fingerprint, other);
    }

    /** Each part with its length, so that no two sequences of parts look alike. */
    private static byte[] sha256(byte[]... parts) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        for (byte[] part : parts) {
            digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, part.length));
            digest.update(part);
        }
        return digest.digest();
    }

    private static byte[] concat(byte[] first, byte[] second) {
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        both.writeBytes(first);
        both.writeBytes(second);
        return both.toByteArray();
    }
}
