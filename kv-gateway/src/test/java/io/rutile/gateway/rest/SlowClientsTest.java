package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.gateway.RunningGateway;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that say nothing, stop in the middle or want too much: with tight limits, two worker threads, and others served (R10). */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SlowClientsTest {

    private static RunningGateway gateway;

    @BeforeAll
    static void start() {
        gateway = RunningGateway.start(
                "server.tomcat.connection-timeout=1s",
                "server.tomcat.threads.max=2",
                "server.tomcat.threads.min-spare=2",
                "rutile.gateway.body-timeout=2s",
                "rutile.gateway.requests-max=8",
                "rutile.gateway.busy-connections-max=50",
                "rutile.gateway.in-flight-bytes-max=20MB");
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @AfterEach
    void nothingIsLostOrStuck() {
        gateway.kv.open();
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
        assertThat(gateway.put("/v1/raw/alive", bytes("yes")).statusCode()).isEqualTo(204);
        gateway.kv.reset();
    }

    @Test
    void aThousandSilentConnectionsKeepNobodyOut() throws IOException {
        List<Socket> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 1_000; i++) {
                silent.add(gateway.open(""));
            }

            assertThat(gateway.put("/v1/raw/k", bytes("v")).statusCode()).isEqualTo(204);

            assertThat(silent.get(0).getInputStream().read())
                    .as("closed after the time-out")
                    .isNegative();
        } finally {
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    @Test
    void moreBusyConnectionsThanThereIsRoomForAreClosed() throws IOException {
        List<Socket> busy = new ArrayList<>();
        try {
            for (int i = 0; i < 200; i++) {
                busy.add(gateway.open("G"));
            }
            await().untilAsserted(
                            () -> assertThat(gateway.refused("connections")).isPositive());
        } finally {
            for (Socket socket : busy) {
                socket.close();
            }
        }

        // Those that came first are closed as well, by the time-out or by us: then there is room again.
        await().ignoreExceptions()
                .untilAsserted(
                        () -> assertThat(gateway.get("/v1/raw/k").statusCode()).isEqualTo(404));
    }

    @Test
    void headsAndBodiesThatStopHoldNoThread() throws IOException {
        List<Socket> stopped = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            stopped.add(gateway.open("PUT /v1/raw/k HTTP/1.1\r\nHost: gate"));
            stopped.add(gateway.open("PUT /v1/raw/k HTTP/1.1\r\nHost: gateway\r\nContent-Length: 8000000\r\n\r\nabc"));
        }
        // Refused before the body is there, which nobody may wait for either.
        stopped.add(gateway.open("PUT /nowhere HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n"));
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(5));

        assertThat(gateway.get("/v1/raw/k").statusCode()).isEqualTo(404);
        assertThat(gateway.gauge("kv.gateway.in.flight"))
                .as("only what has arrived is held")
                .isLessThan(100_000);

        for (Socket socket : stopped) {
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 408") || answer.startsWith("HTTP/1.1 400"))
                    .as(answer)
                    .isTrue();
            socket.close();
        }
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void aBodyThatTricklesIsCutOff() throws Exception {
        try (Socket socket = gateway.open("PUT /v1/raw/k HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\n\r\n")) {
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> {
                try {
                    return new String(socket.getInputStream().readNBytes(12), StandardCharsets.ISO_8859_1);
                } catch (IOException e) {
                    return "cut";
                }
            });
            while (!answer.isDone()) {
                try {
                    socket.getOutputStream().write('x');
                    answer.get(100, TimeUnit.MILLISECONDS);
                } catch (TimeoutException e) {
                    // The next byte comes well within the connection's time-out, the body as a whole does not.
                } catch (IOException e) {
                    break;
                }
            }

            assertThat(answer.get()).isIn("HTTP/1.1 408", "cut");
        }
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void anAnswerThatNobodyReadsIsGivenUp() throws IOException {
        IntStream.range(0, 100).forEach(i -> gateway.kv.pairs.put(key("k%02d".formatted(i)), new byte[100_000]));
        gateway.kv.pairs.put(key("big"), new byte[8 << 20]);

        List<Socket> deaf = new ArrayList<>();
        for (String path : List.of("/v1/raw", "/v1/raw/big", "/v1/raw?keysOnly=false")) {
            deaf.add(gateway.open("GET " + path + " HTTP/1.1\r\nHost: gateway\r\n\r\n"));
        }
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isPositive());

        assertThat(gateway.get("/v1/raw/nothing").statusCode()).isEqualTo(404);
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
        for (Socket socket : deaf) {
            socket.close();
        }
    }

    @Test
    void oneRequestTooManyIsToldToComeBack() {
        gateway.kv.close();
        List<CompletableFuture<HttpResponse<byte[]>>> waiting = IntStream.range(0, 8)
                .mapToObj(i -> gateway.http()
                        .sendAsync(gateway.request("/v1/raw/k").build(), HttpResponse.BodyHandlers.ofByteArray()))
                .toList();
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(8));

        HttpResponse<byte[]> tooMany = gateway.get("/v1/raw/k");
        gateway.kv.open();

        RawKvRestTest.assertProblem(tooMany, 503, "busy");
        assertThat(RunningGateway.json(tooMany).get("error").asString()).isEqualTo("ServerIsBusy");
        assertThat(tooMany.headers().firstValue("Retry-After")).hasValue("1");
        assertThat(waiting)
                .allSatisfy(answer -> assertThat(answer.join().statusCode()).isEqualTo(404));
    }

    @Test
    void moreBytesThanTheGatewayMayHoldAreRefused() {
        gateway.kv.close();
        byte[] value = new byte[8 << 20];
        var first = gateway.http()
                .sendAsync(
                        gateway.request("/v1/raw/a")
                                .PUT(HttpRequest.BodyPublishers.ofByteArray(value))
                                .build(),
                        HttpResponse.BodyHandlers.ofByteArray());
        var second = gateway.http()
                .sendAsync(
                        gateway.request("/v1/raw/b")
                                .PUT(HttpRequest.BodyPublishers.ofByteArray(value))
                                .build(),
                        HttpResponse.BodyHandlers.ofByteArray());
        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isGreaterThanOrEqualTo(16 << 20));

        HttpResponse<byte[]> third = gateway.put("/v1/raw/c", value);
        gateway.kv.open();

        RawKvRestTest.assertProblem(third, 503, "busy");
        assertThat(first.join().statusCode()).isEqualTo(204);
        assertThat(second.join().statusCode()).isEqualTo(204);
        assertThat(gateway.kv.pairs).containsOnlyKeys(key("a"), key("b"));
    }

    @Test
    void aValueThatDoesNotFitIsNotSent() {
        gateway.kv.pairs.put(key("big"), new byte[21 << 20]);

        RawKvRestTest.assertProblem(gateway.get("/v1/raw/big"), 503, "busy");
    }
}
