package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.grpc.Http2Frames;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP/2 in plaintext: what it is like when all is well, and what those cost who mean harm (E1, R10). Over TLS: TlsListenersTest of kv-cli. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2Test {

    private static final int CONNECTIONS_MAX = 6;
    private static final int THREADS_MAX = 16;
    private static final int WINDOW = 65_535;

    private static RunningGateway gateway;

    @BeforeAll
    static void start() {
        gateway = RunningGateway.start(
                "server.tomcat.connection-timeout=1s",
                "server.tomcat.threads.max=" + THREADS_MAX,
                "rutile.gateway.http2.connections-max=" + CONNECTIONS_MAX);
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @AfterEach
    void nothingIsLostOrStuck() {
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
        assertThat(gateway.put("/v1/raw/alive", bytes("yes")).statusCode()).isEqualTo(204);
        gateway.kv.reset();
        gateway.txn.reset();
        gateway.changes.reset();
    }

    @Test
    void manyRequestsShareAConnection() throws IOException {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%04d".formatted(i)), bytes("value " + i)));
        try (Http2Client client = new Http2Client(gateway, WINDOW)) {
            int scan = client.send("GET", "/v1/raw?prefix=k", new byte[0]);
            int put = client.send("PUT", "/v1/raw/big", new byte[30_000]);
            int packed = client.send("GET", "/v1/raw?prefix=k", new byte[0], "accept-encoding", "gzip");

            assertThat(client.answer(put).status()).isEqualTo(204);
            assertThat(client.get("/v1/raw/%2e%2e%2F//x").status()).isEqualTo(404);
            assertThat(client.answer(scan).text().lines()).hasSize(1_000);
            Http2Client.Answer small = client.answer(packed);
            assertThat(small.headers)
                    .containsEntry("content-encoding", "gzip")
                    .containsEntry("vary", "Accept-Encoding");
            assertThat(new String(new GZIPInputStream(new ByteArrayInputStream(small.body.toByteArray()))
                                    .readAllBytes())
                            .lines())
                    .hasSize(1_000);
        }
        assertThat(gateway.kv.pairs.get(key("big"))).hasSize(30_000);
    }

    /** Taken, the container would first wait for the body, and refuse one of more than 4 KiB. */
    @Test
    void anUpgradeIsNotTaken() throws IOException, InterruptedException {
        HttpResponse<Void> answer = HttpClient.newHttpClient()
                .send(
                        gateway.request("/v1/raw/big")
                                .PUT(HttpRequest.BodyPublishers.ofByteArray(new byte[100_000]))
                                .build(),
                        HttpResponse.BodyHandlers.discarding());

        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
        assertThat(answer.statusCode()).isEqualTo(204);
    }

    @Test
    void aScanThatBreaksOffIsReset() throws IOException {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%04d".formatted(i)), bytes("v")));
        gateway.kv.failScanAtPage(3);
        try (Http2Client client = new Http2Client(gateway, WINDOW)) {
            Http2Client.Answer answer = client.get("/v1/raw");

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.text()).contains("urn:rutile:problem:unavailable");
            assertThat(answer.ended).as("taken for the whole").isFalse();
            assertThat(answer.reset).isTrue();
            assertThat(client.get("/v1/raw/k0001").status())
                    .as("the connection goes on")
                    .isEqualTo(200);
        }
    }

    @Test
    void whoDoesNotReadIsGivenUp() throws IOException {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%04d".formatted(i)), new byte[10_000]));
        try (Http2Client deaf = new Http2Client(gateway, 1_000)) {
            int scan = deaf.send("GET", "/v1/raw", new byte[0]);
            int small = deaf.send("GET", "/v1/raw/k0001", new byte[0]);
            await().untilAsserted(() ->
                    assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isPositive());

            assertThat(gateway.get("/v1/raw/nothing").statusCode()).isEqualTo(404);
            await().untilAsserted(() ->
                    assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
            for (int stream : List.of(scan, small)) {
                assertThat(deaf.answer(stream).ended).isFalse();
                assertThat(deaf.answer(stream).reset).isTrue();
            }
        }
    }

    /** Small answers hold a thread while their clients let nothing through: of a stream, or of a connection that a large one has filled. */
    @ParameterizedTest
    @ValueSource(ints = {0, 100_000})
    void whoLetsNothingThroughKeepsNobodyOut(int window) throws IOException {
        gateway.kv.pairs.put(key("large"), new byte[WINDOW + 1]);
        List<Http2Client> deaf = new ArrayList<>();
        try {
            for (int i = 0; i < CONNECTIONS_MAX; i++) {
                Http2Client client = new Http2Client(gateway, window);
                client.turnDeaf();
                deaf.add(client);
                client.send("GET", "/v1/raw/large", new byte[0]);
                client.ping();
                for (int j = 1; j < BoundedHttp2.STREAMS_MAX; j++) {
                    client.send("GET", "/v1/raw/nothing", new byte[0]);
                }
            }
            for (Http2Client client : deaf) {
                client.ping();
            }

            HttpRequest.Builder others =
                    gateway.request("/v1/raw/nothing").timeout(Duration.ofMillis(Http2Client.PING_MS_MAX));
            assertThat(gateway.send(others).statusCode()).isEqualTo(404);
        } finally {
            for (Http2Client client : deaf) {
                client.close();
            }
        }
    }

    @Test
    void oneConnectionTooManyIsClosedAndItsPlaceComesBack() throws IOException {
        List<Http2Client> clients = new ArrayList<>();
        double before = gateway.refused("http2-connections");
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            Http2Client client = new Http2Client(gateway, WINDOW);
            clients.add(client);
            assertThat(client.get("/v1/raw/k").status()).isEqualTo(404);
        }
        try (Http2Client tooMany = new Http2Client(gateway, WINDOW)) {
            assertThat(tooMany.get("/v1/raw/k").status()).isZero();
        }
        assertThat(gateway.refused("http2-connections")).isGreaterThan(before);
        assertThat(gateway.get("/v1/raw/k").statusCode()).as("HTTP/1.1 goes on").isEqualTo(404);

        for (Http2Client client : clients) {
            client.close();
        }
        await().ignoreExceptions().untilAsserted(() -> {
            try (Http2Client client = new Http2Client(gateway, WINDOW)) {
                assertThat(client.get("/v1/raw/k").status()).isEqualTo(404);
            }
        });
    }

    @Test
    void headersWithoutEndAndStreamsThatAreTakenBackEndTheConnection() throws IOException {
        String[] heads = new String[400];
        for (int i = 0; i < heads.length; i += 2) {
            heads[i] = "x-" + i;
            heads[i + 1] = "v".repeat(50);
        }
        try (Http2Client client = new Http2Client(gateway, WINDOW)) {
            assertThat(client.get("/v1/raw/k", heads).status()).isNotEqualTo(404);
        }
        try (Http2Client client = new Http2Client(gateway, WINDOW)) {
            Http2Frames frames = new Http2Frames();
            for (int i = 1; i < 4_000; i += 2) {
                frames.headers(
                        i,
                        Http2Frames.END_STREAM,
                        ":method",
                        "GET",
                        ":scheme",
                        "http",
                        ":path",
                        "/v1/raw",
                        ":authority",
                        "g");
                frames.frame(3, 0, i, new byte[4]);
            }
            try {
                client.write(frames);
                client.readToTheEnd();
            } catch (IOException cut) {
                assertThat(cut).isNotNull();
            }
        }
    }
}
