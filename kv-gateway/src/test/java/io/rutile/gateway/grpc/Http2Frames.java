package io.rutile.gateway.grpc;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Frames of HTTP/2 (RFC 9113), written by hand: what no client library would send. */
public final class Http2Frames {

    public static final int END_STREAM = 1;
    private static final int END_HEADERS = 4;

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int SETTINGS = 4;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** The client's preface and empty settings. */
    public static Http2Frames connection() {
        Http2Frames frames = new Http2Frames();
        frames.bytes.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        return frames.frame(SETTINGS, 0, 0, new byte[0]);
    }

    /** The beginning of a call. */
    Http2Frames call(int stream, String method) {
        return headers(
                stream,
                0,
                ":method",
                "POST",
                ":scheme",
                "http",
                ":path",
                "/" + method,
                ":authority",
                "gateway",
                "te",
                "trailers",
                "content-type",
                "application/grpc");
    }

    /** Literal fields that nobody indexes, in plain text (RFC 7541, 6.2.2). */
    public Http2Frames headers(int stream, int flags, String... fields) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (int i = 0; i < fields.length; i += 2) {
            block.write(0);
            text(block, fields[i]);
            text(block, fields[i + 1]);
        }
        return frame(HEADERS, flags | END_HEADERS, stream, block.toByteArray());
    }

    private static void text(ByteArrayOutputStream block, String text) {
        byte[] octets = text.getBytes(StandardCharsets.ISO_8859_1);
        if (octets.length > 126) {
            throw new IllegalArgumentException("longer than tests need: " + octets.length);
        }
        block.write(octets.length);
        block.writeBytes(octets);
    }

    /** The first bytes of a message of gRPC that says it is so long. */
    Http2Frames messageHead(int stream, int messageBytes, int sentBytes) {
        ByteBuffer data = ByteBuffer.allocate(5 + sentBytes);
        data.put((byte) 0).putInt(messageBytes);
        return data(stream, 0, data.array());
    }

    public Http2Frames data(int stream, int flags, byte[] content) {
        int from = 0;
        do {
            int count = Math.min(16 << 10, content.length - from);
            byte[] part = new byte[count];
            System.arraycopy(content, from, part, 0, count);
            from += count;
            frame(DATA, from == content.length ? flags : 0, stream, part);
        } while (from < content.length);
        return this;
    }

    public Http2Frames frame(int type, int flags, int stream, byte[] payload) {
        bytes.write(payload.length >>> 16);
        bytes.write(payload.length >>> 8);
        bytes.write(payload.length);
        bytes.write(type);
        bytes.write(flags);
        bytes.writeBytes(ByteBuffer.allocate(4).putInt(stream).array());
        bytes.writeBytes(payload);
        return this;
    }

    /** One character a byte. */
    public String text() {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }
}
