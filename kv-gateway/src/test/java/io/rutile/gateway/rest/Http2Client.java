package io.rutile.gateway.rest;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.grpc.Http2Frames;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A client that begins with HTTP/2, in plaintext (RFC 9113, section 3.3), and reads only when the test does. */
final class Http2Client implements AutoCloseable {

    private static final int DATA = 0;
    private static final int HEADERS = 1;
    private static final int RESET = 3;
    private static final int SETTINGS = 4;
    private static final int PING = 6;
    private static final int GOAWAY = 7;
    private static final int WINDOW_UPDATE = 8;
    private static final int ACK = 1;
    /** A thread of the gateway waits longer than that for a client, if it has the time. */
    static final int PING_MS_MAX = 1_800;

    private final Socket socket;
    private final DataInputStream in;
    private final DefaultHttp2HeadersDecoder heads = new DefaultHttp2HeadersDecoder();
    private final Map<Integer, Answer> answers = new HashMap<>();
    private int nextStream = 1;
    private boolean isClosed;
    private boolean isDeaf;
    private boolean isPinged;

    /** What has come on a stream. */
    static final class Answer {
        final Map<String, String> headers = new HashMap<>();
        final ByteArrayOutputStream body = new ByteArrayOutputStream();
        boolean ended;
        boolean reset;

        int status() {
            return Integer.parseInt(headers.getOrDefault(":status", "0"));
        }

        String text() {
            return body.toString(StandardCharsets.UTF_8);
        }
    }

    /** @param windowBytes what the gateway may send on a stream before it is read */
    Http2Client(RunningGateway gateway, int windowBytes) throws IOException {
        socket = gateway.open(Http2Frames.connection()
                .frame(
                        SETTINGS,
                        0,
                        0,
                        ByteBuffer.allocate(6)
                                .putShort((short) 4)
                                .putInt(windowBytes)
                                .array())
                .text());
        in = new DataInputStream(socket.getInputStream());
    }

    /** @return the stream; to be asked for by {@link #answer} */
    int send(String method, String path, byte[] body, String... headers) throws IOException {
        int stream = nextStream;
        nextStream += 2;
        String[] fields = new String[8 + headers.length];
        System.arraycopy(
                new String[] {":method", method, ":scheme", "http", ":path", path, ":authority", "gateway"},
                0,
                fields,
                0,
                8);
        System.arraycopy(headers, 0, fields, 8, headers.length);
        Http2Frames frames = new Http2Frames().headers(stream, body.length == 0 ? Http2Frames.END_STREAM : 0, fields);
        if (body.length > 0) {
            frames.data(stream, Http2Frames.END_STREAM, body);
        }
        write(frames);
        return stream;
    }

    void write(Http2Frames frames) throws IOException {
        socket.getOutputStream().write(frames.text().getBytes(StandardCharsets.ISO_8859_1));
    }

    /** From now on nothing that comes makes room for more. */
    void turnDeaf() {
        isDeaf = true;
    }

    /** Returns once the gateway has taken note of all that was sent before. Throws if that takes longer than {@link #PING_MS_MAX}. */
    void ping() throws IOException {
        isPinged = false;
        socket.setSoTimeout(PING_MS_MAX);
        write(new Http2Frames().frame(PING, 0, 0, new byte[8]));
        while (!isPinged && !isClosed) {
            readFrame();
        }
        socket.setSoTimeout(0);
    }

    /** Reads until this stream, or the connection, has ended. */
    Answer answer(int stream) throws IOException {
        Answer answer = answers.computeIfAbsent(stream, id -> new Answer());
        while (!answer.ended && !answer.reset && !isClosed) {
            readFrame();
        }
        return answer;
    }

    Answer get(String path, String... headers) throws IOException {
        return answer(send("GET", path, new byte[0], headers));
    }

    /** Reads until the gateway has closed the connection. */
    void readToTheEnd() throws IOException {
        while (!isClosed) {
            readFrame();
        }
    }

    private void readFrame() throws IOException {
        byte[] payload;
        int type;
        int flags;
        int stream;
        try {
            int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
            type = in.readUnsignedByte();
            flags = in.readUnsignedByte();
            stream = in.readInt();
            payload = in.readNBytes(length);
        } catch (EOFException | SocketException e) {
            isClosed = true;
            return;
        }
        Answer answer = answers.computeIfAbsent(stream, id -> new Answer());
        switch (type) {
            case DATA -> {
                answer.body.writeBytes(payload);
                if (payload.length > 0 && !isDeaf) {
                    byte[] more = ByteBuffer.allocate(4).putInt(payload.length).array();
                    write(new Http2Frames().frame(WINDOW_UPDATE, 0, 0, more).frame(WINDOW_UPDATE, 0, stream, more));
                }
            }
            case HEADERS -> read(payload, stream, answer.headers);
            case RESET -> answer.reset = true;
            case PING -> isPinged = (flags & ACK) != 0;
            case GOAWAY -> isClosed = true;
            case SETTINGS -> {
                if ((flags & ACK) == 0) {
                    write(new Http2Frames().frame(SETTINGS, ACK, 0, new byte[0]));
                }
            }
            default -> {
                // Nothing that matters here.
            }
        }
        answer.ended |= (type == DATA || type == HEADERS) && (flags & Http2Frames.END_STREAM) != 0;
    }

    private void read(byte[] block, int stream, Map<String, String> into) throws IOException {
        try {
            Http2Headers read = heads.decodeHeaders(stream, Unpooled.wrappedBuffer(block));
            read.forEach(field ->
                    into.put(field.getKey().toString(), field.getValue().toString()));
        } catch (Http2Exception e) {
            throw new IOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
