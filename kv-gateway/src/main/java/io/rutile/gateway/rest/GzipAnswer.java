package io.rutile.gateway.rest;

import io.rutile.gateway.kv.FailureException;
import io.rutile.gateway.kv.GatewayLimits.Permit;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/**
 * An answer of JSON as gzip, for callers who take it (RFC 9110, section 12.5.3): made a chunk at a time, each of which the client can
 * read as soon as it has arrived, so that a scan stays a stream. What compressing takes is counted for the request; where there is no
 * room for it, the answer goes as it is.
 *
 * <p>Used by one thread at a time.
 */
final class GzipAnswer implements AutoCloseable {

    /** Below this, an answer fits into one packet either way. */
    static final int ANSWER_BYTES_MIN = 1 << 10;

    /** What zlib takes for a stream: window, hash chains and pending bytes. */
    private static final int STATE_BYTES = 272 << 10;

    private final ByteArrayOutputStream made = new ByteArrayOutputStream();
    private final GZIPOutputStream gzip;

    private GzipAnswer() {
        try {
            gzip = new GZIPOutputStream(made, 4 << 10, true) {
                {
                    def.setLevel(Deflater.BEST_SPEED);
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Decides how an answer goes that could be compressed, and says so in its head.
     *
     * @param bytes about how many it has, at least
     * @return null if it goes as it is
     */
    static @Nullable GzipAnswer of(
            HttpServletRequest request, HttpServletResponse response, Permit permit, long bytes) {
        response.addHeader(HttpHeaders.VARY, HttpHeaders.ACCEPT_ENCODING);
        if (bytes < ANSWER_BYTES_MIN || !isTaken(request.getHeader(HttpHeaders.ACCEPT_ENCODING))) {
            return null;
        }
        try {
            permit.reserve(STATE_BYTES);
        } catch (FailureException full) {
            return null;
        }
        response.setHeader(HttpHeaders.CONTENT_ENCODING, "gzip");
        return new GzipAnswer();
    }

    /** Whether the caller takes gzip. @param acceptEncoding as it came; null if it didn't */
    static boolean isTaken(@Nullable String acceptEncoding) {
        boolean any = false;
        for (String element : acceptEncoding == null ? new String[0] : acceptEncoding.split(",", -1)) {
            String[] parts = element.split(";", 2);
            String coding = parts[0].trim();
            boolean taken = parts.length == 1 || !parts[1].replace(" ", "").matches("(?i)q=0(\\.0{0,3})?");
            if (coding.equalsIgnoreCase("gzip") || coding.equalsIgnoreCase("x-gzip")) {
                return taken;
            }
            any |= coding.equals("*") && taken;
        }
        return any;
    }

    /** The chunks, compressed as they are asked for. */
    Iterator<byte[]> compressed(Iterator<byte[]> chunks) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return chunks.hasNext();
            }

            @Override
            public byte[] next() {
                byte[] chunk = chunks.next();
                try {
                    gzip.write(chunk);
                    gzip.flush();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return take();
            }
        };
    }

    /** The chunks, compressed, and the end of the stream. */
    Iterator<byte[]> lastCompressed(Iterator<byte[]> chunks) {
        Iterator<byte[]> before = compressed(chunks);
        return new Iterator<>() {
            private boolean ended;

            @Override
            public boolean hasNext() {
                return !ended;
            }

            @Override
            public byte[] next() {
                if (before.hasNext()) {
                    return before.next();
                }
                if (ended) {
                    throw new NoSuchElementException();
                }
                ended = true;
                close();
                return take();
            }
        };
    }

    private byte[] take() {
        byte[] bytes = made.toByteArray();
        made.reset();
        return bytes;
    }

    /** Gives zlib's memory back, whether or not the answer is whole. Harmless when called again. */
    @Override
    public void close() {
        try {
            gzip.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
