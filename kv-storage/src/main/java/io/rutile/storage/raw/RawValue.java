package io.rutile.storage.raw;

import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.EngineException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A raw value as it lies in the engine (docs/formats/raw-value.md).
 *
 * <pre>
 * stored on V1    := value
 * stored on V1TTL := value expiry
 * expiry          := 8 bytes, big endian, unsigned: the second since 1970 at which the pair is gone; 0 for never
 * </pre>
 *
 * @param value what the client gave; shared, not copied
 * @param expiresAtSeconds unsigned; 0 for never
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as a record
record RawValue(byte[] value, long expiresAtSeconds) {

    static final long NEVER = 0;

    private static final int EXPIRY_BYTES = Long.BYTES;

    /** @param ttlSeconds unsigned; 0 for never. A time to live past the end of time never ends. */
    static RawValue expiringAfter(byte[] value, long ttlSeconds, long nowSeconds) {
        if (ttlSeconds == 0) {
            return new RawValue(value, NEVER);
        }
        long expiresAt = nowSeconds + ttlSeconds;
        return new RawValue(value, Long.compareUnsigned(expiresAt, ttlSeconds) < 0 ? -1L : expiresAt);
    }

    /** @throws EngineException {@code CORRUPTION} if the bytes are no value of this API version */
    static RawValue decode(byte[] stored, ApiVersion apiVersion) {
        if (!apiVersion.hasTtl()) {
            return new RawValue(stored, NEVER);
        }
        int valueBytes = valueBytes(stored.length, apiVersion);
        return new RawValue(Arrays.copyOf(stored, valueBytes), expiry(stored, valueBytes));
    }

    /**
     * How many of the stored bytes are the value, which is in front.
     *
     * @throws EngineException {@code CORRUPTION} if the bytes are no value of this API version
     */
    static int valueBytes(int storedBytes, ApiVersion apiVersion) {
        if (!apiVersion.hasTtl()) {
            return storedBytes;
        }
        if (storedBytes < EXPIRY_BYTES) {
            throw new EngineException(
                    EngineException.Kind.CORRUPTION,
                    "a stored raw value of " + storedBytes + " bytes has no expiry: was it written as API V1?",
                    null);
        }
        return storedBytes - EXPIRY_BYTES;
    }

    /** What {@link #expiresAtSeconds} is of stored bytes whose value ends there. */
    static long expiry(byte[] stored, int valueBytes) {
        return ByteBuffer.wrap(stored).getLong(valueBytes);
    }

    byte[] encode(ApiVersion apiVersion) {
        if (!apiVersion.hasTtl()) {
            assert expiresAtSeconds == NEVER;
            return value;
        }
        return ByteBuffer.allocate(value.length + EXPIRY_BYTES)
                .put(value)
                .putLong(expiresAtSeconds)
                .array();
    }

    boolean isExpired(long nowSeconds) {
        return isExpired(expiresAtSeconds, nowSeconds);
    }

    static boolean isExpired(long expiresAtSeconds, long nowSeconds) {
        return expiresAtSeconds != NEVER && Long.compareUnsigned(expiresAtSeconds, nowSeconds) <= 0;
    }

    /** Seconds left, at least 1; 0 if it never expires. Only for a value that is not expired. */
    long ttlSeconds(long nowSeconds) {
        return expiresAtSeconds == NEVER ? 0 : expiresAtSeconds - nowSeconds;
    }
}
