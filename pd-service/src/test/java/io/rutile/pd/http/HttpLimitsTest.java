package io.rutile.pd.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.rpc.LocalPd;
import io.rutile.protocol.pdpb.AllocIDRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** E1: whatever an HTTP client sends, or does not send, others are served. */
class HttpLimitsTest {

    private static final String PING = "GET /pd/api/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n";

    @TempDir
    Path directory;

    @SuppressWarnings("NullAway.Init") // Each test starts it with bounds of its own.
    private HttpPd http;

    private final List<Socket> sockets = new ArrayList<>();

    @AfterEach
    void stop() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        http.close();
    }

    @Test
    void onePortSpeaksGrpcAndHttp() throws IOException {
        http = new HttpPd(directory).cluster();

        assertThat(http.get("/ping").status()).isEqualTo(200);
        assertServing("gRPC beside HTTP");
        assertThat(http.get("/stores").json().get("count").asInt()).isEqualTo(4);
        assertThat(http.pd.metrics.counter("kv.pd.rpc.connections.foreign").count())
                .isZero();
    }

    @Test
    void requestMayComeByteByByte() throws IOException {
        http = new HttpPd(directory);
        Socket socket = connect();
        for (byte one : PING.getBytes(StandardCharsets.US_ASCII)) {
            socket.getOutputStream().write(one);
            socket.getOutputStream().flush();
        }

        assertThat(status(socket)).isEqualTo(200);
    }

    @Test
    void pipelinedRequestsAreAnsweredInTheirOrder() throws IOException {
        http = new HttpPd(directory).cluster();
        Socket socket = connect();
        send(
                socket,
                "GET /pd/api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n" + PING
                        + "GET /pd/api/v1/regions/count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        String all = rest(socket);

        assertThat(all.indexOf("404")).isLessThan(all.indexOf("200 OK"));
        assertThat(all).endsWith("{\"count\":3}");
    }

    @Test
    void floodOfPipelinedRequestsEndsTheConnection() throws IOException {
        http = new HttpPd(directory);
        Socket socket = connect();
        send(socket, PING.repeat(500));

        String all = rest(socket);

        assertThat(all.split("HTTP/1.1 200", -1).length - 1)
                .as("answered before it ended")
                .isBetween(1, 1 + HttpOptions.DEFAULTS.pipelinedMax());
        assertServing("after a flood");
    }

    @Test
    void whatIsTooLongIsSaidSo() throws IOException {
        http = new HttpPd(directory);
        String longLine = "GET /pd/api/v1/" + "x".repeat(40_000) + " HTTP/1.1\r\n\r\n";
        String longHeader = "GET /pd/api/v1/ping HTTP/1.1\r\nX: " + "x".repeat(20_000) + "\r\n\r\n";
        String longBody = "POST /pd/api/v1/config HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
        String growingBody = "POST /pd/api/v1/config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + ("1000\r\n" + "y".repeat(4_096) + "\r\n").repeat(70);

        assertThat(statusOf(longLine)).isEqualTo(414);
        assertThat(statusOf(longHeader)).isEqualTo(431);
        assertThat(statusOf(longBody)).isEqualTo(413);
        assertThat(statusOf(growingBody)).isEqualTo(413);
        assertThat(statusOf("GET /x SPDY/9\r\n\r\n")).isEqualTo(400);
        assertServing("after requests that are too long");
    }

    @Test
    void slowRequestIsGivenUp() throws IOException {
        http = new HttpPd(directory, HttpOptions.DEFAULTS.withTimeouts(Duration.ofMillis(200), Duration.ofMinutes(1)));
        Socket never = connect();
        send(never, "GET /pd/api/v1/ping HTTP/1.1\r\nX-");
        Socket body = connect();
        send(body, "POST /pd/api/v1/config HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");

        assertThat(rest(never)).isEmpty();
        assertThat(rest(body)).isEmpty();
        assertThat(http.pd.metrics.counter("kv.pd.http.connections.timed.out").count())
                .isEqualTo(2);
        assertServing("after slow requests");
    }

    @Test
    void silenceBetweenRequestsIsAllowedForAWhile() throws IOException {
        http = new HttpPd(directory, HttpOptions.DEFAULTS.withTimeouts(Duration.ofSeconds(10), Duration.ofMillis(200)));
        Socket socket = connect();
        send(socket, PING);

        String all = rest(socket);

        assertThat(all).startsWith("HTTP/1.1 200").contains("content-length: 0");
        assertThat(http.pd.metrics.counter("kv.pd.http.connections.timed.out").count())
                .isZero();
    }

    @Test
    void connectionBeyondTheLimitIsToldSo() throws IOException {
        http = new HttpPd(directory, HttpOptions.DEFAULTS.withConnectionsMax(2));
        for (int i = 0; i < 2; i++) {
            Socket socket = connect();
            send(socket, PING);
            assertThat(status(socket)).isEqualTo(200);
        }
        Socket third = connect();
        send(third, PING);

        assertThat(rest(third)).startsWith("HTTP/1.1 503").endsWith("\"too many HTTP connections; try it later\"");
        sockets.get(0).close();
        Awaitility.await().atMost(LocalPd.PATIENCE).until(() -> statusOf(PING) == 200);
        assertServing("while HTTP is full");
    }

    private int statusOf(String request) throws IOException {
        Socket socket = connect();
        send(socket, request);
        int status = status(socket);
        socket.close();
        return status;
    }

    private static void send(Socket socket, String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().flush();
        } catch (IOException e) {
            // Closed already: what it said before can still be read, or not.
            assertThat(e).isNotNull();
        }
    }

    /** The status of the next answer; 0 if the connection ends without one. */
    private static int status(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            line.append((char) c);
        }
        return line.isEmpty() ? 0 : Integer.parseInt(line.substring(9, 12));
    }

    /** Everything until the server closes; a reset closes as well. */
    private static String rest(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(all);
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the server did not close", e);
        } catch (IOException e) {
            assertThat(e).as("a reset closes as well").isNotNull();
        }
        return all.toString(StandardCharsets.US_ASCII);
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), http.pd.port());
        socket.setSoTimeout((int) LocalPd.PATIENCE.toMillis());
        sockets.add(socket);
        return socket;
    }

    private void assertServing(String when) {
        assertThat(http.pd
                        .stub()
                        .allocID(AllocIDRequest.newBuilder()
                                .setHeader(http.pd.header())
                                .build())
                        .getId())
                .as(when)
                .isPositive();
    }
}
