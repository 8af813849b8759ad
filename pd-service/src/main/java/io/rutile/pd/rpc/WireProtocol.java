package io.rutile.pd.rpc;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a connection speaks, by the first bytes that came: one port serves gRPC and HTTP/1.1, as clients of PD expect. */
enum WireProtocol {
    /** The whole preface of HTTP/2 has come: gRPC. */
    HTTP_2,
    /** A request line of HTTP/1.1 begins here. */
    HTTP_1,
    /** May become one of the two. */
    UNDECIDED,
    /** Neither, whatever comes next. */
    FOREIGN;

    /** What every HTTP/2 client sends first. */
    private static final byte[] PREFACE = ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    private static final List<byte[]> METHODS = List.of(
            ascii("GET "),
            ascii("POST "),
            ascii("PUT "),
            ascii("DELETE "),
            ascii("HEAD "),
            ascii("PATCH "),
            ascii("OPTIONS "));

    /** Looks and leaves the bytes where they are. Compares 24 bytes at most. */
    static WireProtocol of(ByteBuf words) {
        int matched = commonLength(words, PREFACE);
        if (matched == PREFACE.length) {
            return HTTP_2;
        }
        boolean undecided = matched == words.readableBytes();
        for (byte[] method : METHODS) {
            int common = commonLength(words, method);
            if (common == method.length) {
                return HTTP_1;
            }
            undecided |= common == words.readableBytes();
        }
        return undecided ? UNDECIDED : FOREIGN;
    }

    private static int commonLength(ByteBuf words, byte[] expected) {
        int length = Math.min(words.readableBytes(), expected.length);
        for (int i = 0; i < length; i++) {
            if (words.getByte(words.readerIndex() + i) != expected[i]) {
                return i;
            }
        }
        return length;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
