package io.rutile.gateway.rest;

import io.rutile.client.KvClientException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request that came as gzip: what it holds is bounded like any other body, and room is reserved before it is made. A few
 * kilobytes that would become gigabytes end at the bound (E1, R10).
 */
final class GzipBody {

    private static final int CHUNK_BYTES = 16 << 10;

    private GzipBody() {}

    /**
     * Whether a body is gzip.
     *
     * @param contentEncoding as it came; null if it didn't
     * @throws ProblemException if it is anything else than gzip or as it is
     */
    static boolean isGzip(@Nullable String contentEncoding) {
        String coding = contentEncoding == null ? "" : contentEncoding.trim().toLowerCase(Locale.ROOT);
        return switch (coding) {
            case "", "identity" -> false;
            case "gzip", "x-gzip" -> true;
            default ->
                throw ProblemType.UNSUPPORTED_MEDIA_TYPE.because(
                        "a body comes as it is, or with Content-Encoding: gzip");
        };
    }

    /**
     * What the body holds.
     *
     * @throws ProblemException if it is no gzip, or holds more than {@code bytesMax}
     * @throws KvClientException {@code BUSY} if there is no room for it
     */
    static byte[] inflate(byte[] body, int bytesMax, Permit permit) {
        byte[] buffer = new byte[0];
        int size = 0;
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(body), 4 << 10)) {
            while (true) {
                if (size == buffer.length) {
                    // One byte more than may be there shows that it is too much.
                    int capacity = (int) Math.min(bytesMax + 1L, Math.max(CHUNK_BYTES, 2L * size));
                    permit.reserve(capacity - buffer.length);
                    buffer = Arrays.copyOf(buffer, capacity);
                }
                int count = in.read(buffer, size, buffer.length - size);
                if (count < 0) {
                    return Arrays.copyOf(buffer, size);
                }
                size += count;
                if (size > bytesMax) {
                    throw BodyReader.tooLarge(bytesMax);
                }
            }
        } catch (IOException e) {
            throw ProblemType.INVALID_REQUEST.because("the body is not the gzip that Content-Encoding says it is");
        }
    }
}
