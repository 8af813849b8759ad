package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException.Kind;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.kv.InMemoryKvOperations;
import io.rutile.protocol.ByteKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class ScanTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @ParameterizedTest(name = "{0}")
    @CsvSource(textBlock = """
            '',                              a aa b c
            ?start=aa,                       aa b c
            ?end=b,                          a aa
            ?start=aa&end=c,                 aa b
            ?start=aa&end=c&reverse=true,    b aa
            ?reverse=true&limit=2,           c b
            ?prefix=a,                       a aa
            ?prefix=a&reverse=true,          aa a
            ?limit=0,                        ''
            ?limit=1,                        a
            ?limit=1000000000,               a aa b c
            ?limit=9223372036854775807,      a aa b c
            ?start=c&end=a,                  ''
            ?start=b&end=b,                  ''
            ?start=62&enc=hex,               62 63
            """)
    void answersARange(String query, String keys) {
        List.of("a", "aa", "b", "c").forEach(key -> gateway.kv.pairs.put(key(key), bytes("v-" + key)));

        HttpResponse<byte[]> answer = gateway.get("/v1/raw" + query);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/x-ndjson");
        assertThat(String.join(
                        " ",
                        lines(answer).stream()
                                .map(line -> line.get("key").asString())
                                .toList()))
                .isEqualTo(keys);
        assertThat(lines(answer)).allMatch(line -> line.has("value"));
    }

    @Test
    void keysAloneComeWithoutValues() {
        gateway.kv.pairs.put(key("a"), bytes("v"));

        assertThat(new String(gateway.get("/v1/raw?keysOnly=true").body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"key\":\"a\"}\n");
    }

    @Test
    void bytesThatAreNoTextAreMarked() {
        gateway.kv.pairs.put(ByteKey.wrap(new byte[] {-1}), new byte[] {0});
        gateway.kv.pairs.put(key("é"), bytes("line\n\"quoted\""));

        assertThat(new String(gateway.get("/v1/raw").body(), StandardCharsets.UTF_8))
                .isEqualTo("""
                {"key":"é","value":"line\\n\\"quoted\\""}
                {"keyBase64url":"_w","valueBase64url":"AA"}
                """);
        assertThat(new String(gateway.get("/v1/raw?enc=base64url").body(), StandardCharsets.UTF_8))
                .isEqualTo("""
                {"key":"w6k","value":"bGluZQoicXVvdGVkIg"}
                {"key":"_w","value":"AA"}
                """);
    }

    @Test
    void aLongScanComesWholeAndInOrder() {
        int count = 20_000;
        IntStream.range(0, count).forEach(i -> gateway.kv.pairs.put(key("k%06d".formatted(i)), bytes("v" + i)));

        List<JsonNode> lines = lines(gateway.get("/v1/raw"));

        assertThat(lines).hasSize(count);
        assertThat(IntStream.range(0, count))
                .allMatch(i -> lines.get(i).get("key").asString().equals("k%06d".formatted(i))
                        && lines.get(i).get("value").asString().equals("v" + i));
    }

    @Test
    void aFailureBeforeTheFirstPairIsAnOrdinaryAnswer() {
        gateway.kv.failNext(Kind.UNAVAILABLE);

        RawKvRestTest.assertProblem(gateway.get("/v1/raw"), 503, "unavailable");
    }

    @Test
    void aFailureInTheMiddleIsTheLastLineAndTheConnectionIsCut() throws IOException {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%03d".formatted(i)), bytes("v")));
        gateway.kv.failScanAtPage(3);

        String answer = gateway.raw("GET /v1/raw HTTP/1.1\r\nHost: gateway\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 200").contains("Transfer-Encoding: chunked");
        assertThat(answer).as("the last chunk would say that it is whole").doesNotEndWith("0\r\n\r\n");
        List<String> lines = answer.lines().filter(line -> line.startsWith("{")).toList();
        assertThat(lines.size()).isEqualTo(3 * InMemoryKvOperations.PAGE_PAIRS + 1);
        JsonNode problem =
                RunningGateway.JSON.readTree(lines.get(lines.size() - 1)).get("problem");
        assertThat(problem.get("type").asString()).isEqualTo("urn:rutile:problem:unavailable");
        assertThat(problem.get("status").asInt()).isEqualTo(503);
        assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(() -> gateway.get("/v1/raw"));
    }

    @Test
    void aSlowClientHoldsOnePageAndNoThread() throws IOException {
        int count = 20_000;
        IntStream.range(0, count).forEach(i -> gateway.kv.pairs.put(key("k%06d".formatted(i)), new byte[2_000]));

        try (Socket socket = gateway.open("GET /v1/raw HTTP/1.0\r\nHost: gateway\r\n\r\n")) {
            await().untilAsserted(() -> assertThat(gateway.kv.pagesScanned).hasPositiveValue());
            // Sockets' buffers take some megabytes; then nothing moves until the client reads.
            await().during(Duration.ofMillis(300)).untilAsserted(() -> {
                int before = gateway.kv.pagesScanned.get();
                assertThat(before).isLessThan(count / InMemoryKvOperations.PAGE_PAIRS);
            });
            assertThat(gateway.gauge("kv.gateway.in.flight")).isBetween(1.0, 2_010.0 * InMemoryKvOperations.PAGE_PAIRS);
            assertThat(gateway.get("/v1/raw/k000000").statusCode()).isEqualTo(200);

            // HTTP/1.0: the body is not in chunks.
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            long lines = all.substring(all.indexOf("\r\n\r\n") + 4).lines().count();

            assertThat(lines).isEqualTo(count);
        }
        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isZero());
    }

    @Test
    void aClientThatGoesAwayEndsItsScan() throws IOException {
        IntStream.range(0, 20_000).forEach(i -> gateway.kv.pairs.put(key("k%06d".formatted(i)), new byte[2_000]));

        try (Socket socket = gateway.open("GET /v1/raw HTTP/1.1\r\nHost: gateway\r\n\r\n")) {
            assertThat(socket.getInputStream().read()).isEqualTo('H');
        }

        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
        assertThat(gateway.kv.pagesScanned.get()).isLessThan(20_000 / InMemoryKvOperations.PAGE_PAIRS);
    }

    private static List<JsonNode> lines(HttpResponse<byte[]> answer) {
        return new String(answer.body(), StandardCharsets.UTF_8)
                .lines()
                .map(RunningGateway.JSON::readTree)
                .toList();
    }
}
