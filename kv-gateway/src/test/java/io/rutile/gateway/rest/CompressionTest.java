package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException.Kind;
import io.rutile.gateway.RunningGateway;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompressionTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @AfterEach
    void nothingIsHeld() {
        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isZero());
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
    }

    @Test
    void aScanIsCompressedForWhoeverTakesIt() throws IOException {
        fill(5_000);

        HttpResponse<byte[]> packed = gateway.get("/v1/raw", "Accept-Encoding", "br, gzip;q=0.5");
        HttpResponse<byte[]> plain = gateway.get("/v1/raw");

        assertThat(packed.headers().firstValue("Content-Encoding")).hasValue("gzip");
        assertThat(packed.headers().firstValue("Content-Type")).hasValue("application/x-ndjson");
        assertThat(packed.headers().firstValue("Vary")).hasValue("Accept-Encoding");
        assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(plain.headers().firstValue("Vary")).hasValue("Accept-Encoding");
        assertThat(packed.body().length).isLessThan(plain.body().length / 4);
        assertThat(unpacked(packed.body())).isEqualTo(plain.body());
    }

    @Test
    void aBatchOfPairsIsCompressedAndASmallOneIsNot() throws IOException {
        fill(100);
        String keys = String.join(
                ",", IntStream.range(0, 100).mapToObj("\"k%04d\""::formatted).toList());

        HttpResponse<byte[]> packed = gateway.send(gateway.request("/v1/raw:batchGet")
                .header("Content-Type", "application/json")
                .header("Accept-Encoding", "gzip")
                .POST(HttpRequest.BodyPublishers.ofString("{\"keys\":[" + keys + "]}")));
        HttpResponse<byte[]> small = gateway.get("/v1/raw?limit=2", "Accept-Encoding", "gzip");

        assertThat(packed.headers().firstValue("Content-Encoding")).hasValue("gzip");
        assertThat(new String(unpacked(packed.body()), StandardCharsets.UTF_8))
                .startsWith("{\"pairs\":[")
                .contains("k0099");
        assertThat(small.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(new String(small.body(), StandardCharsets.UTF_8).lines()).hasSize(2);
    }

    /** Values are any bytes, often compressed already, and have a tag. */
    @Test
    void aValueGoesAsItIs() {
        gateway.kv.pairs.put(key("k"), new byte[100_000]);

        HttpResponse<byte[]> answer = gateway.get("/v1/raw/k", "Accept-Encoding", "gzip");

        assertThat(answer.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(answer.body()).hasSize(100_000);
    }

    @Test
    void aCompressedScanThatBreaksOffIsCut() throws IOException {
        fill(1_000);
        gateway.kv.failScanAtPage(3);

        String answer = gateway.raw("GET /v1/raw HTTP/1.1\r\nHost: gateway\r\nAccept-Encoding: gzip\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 200").contains("Content-Encoding: gzip");
        assertThat(answer).as("the last chunk would say that it is whole").doesNotEndWith("0\r\n\r\n");
    }

    @Test
    void aFailureIsAnOrdinaryAnswer() {
        gateway.kv.failNext(Kind.UNAVAILABLE);

        HttpResponse<byte[]> answer = gateway.get("/v1/raw", "Accept-Encoding", "gzip");

        RawKvRestTest.assertProblem(answer, 503, "unavailable");
        assertThat(answer.headers().firstValue("Content-Encoding")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gzip                 | true
            GZIP                 | true
            x-gzip               | true
            br, gzip             | true
            *                    | true
            gzip;q=0.001         | true
            gzip; q=1            | true
            gzip;q=0             | false
            gzip;q=0.000, *      | false
            *;q=0                | false
            br                   | false
            gzipped              | false
            ''                   | false
                                 | false
            """)
    void acceptEncodingIsRead(@Nullable String acceptEncoding, boolean taken) {
        assertThat(GzipAnswer.isTaken(acceptEncoding)).isEqualTo(taken);
    }

    @Test
    void aBodyMayComeAsGzip() throws IOException {
        byte[] value = bytes("apple ".repeat(1_000));

        assertThat(gateway.put("/v1/raw/k", packed(value), "Content-Encoding", "gzip")
                        .statusCode())
                .isEqualTo(204);
        assertThat(gateway.put("/v1/raw/plain", value, "Content-Encoding", "identity")
                        .statusCode())
                .isEqualTo(204);

        assertThat(gateway.kv.pairs.get(key("k"))).isEqualTo(value);
        assertThat(gateway.kv.pairs.get(key("plain"))).isEqualTo(value);
        assertThat(gateway.put("/v1/raw/full", packed(new byte[8 << 20]), "Content-Encoding", "gzip")
                        .statusCode())
                .isEqualTo(204);
        assertThat(gateway.kv.pairs.get(key("full"))).hasSize(8 << 20);
    }

    /** A quarter of a gigabyte in a quarter of a megabyte. */
    @Test
    void aBombIsRefusedAtTheBound() throws IOException {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bomb)) {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 256; i++) {
                gzip.write(zeros);
            }
        }

        RawKvRestTest.assertProblem(
                gateway.put("/v1/raw/k", bomb.toByteArray(), "Content-Encoding", "gzip"), 413, "too-large");

        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void oneByteTooManyIsTooMany() throws IOException {
        RawKvRestTest.assertProblem(
                gateway.put("/v1/raw/k", packed(new byte[(8 << 20) + 1]), "Content-Encoding", "gzip"),
                413,
                "too-large");
    }

    @Test
    void whatIsNoGzipIsRefused() throws IOException {
        byte[] half = packed(bytes("apple"));

        RawKvRestTest.assertProblem(
                gateway.put("/v1/raw/k", bytes("apple"), "Content-Encoding", "gzip"), 400, "invalid-request");
        RawKvRestTest.assertProblem(
                gateway.put("/v1/raw/k", Arrays.copyOf(half, half.length - 9), "Content-Encoding", "gzip"),
                400,
                "invalid-request");

        assertThat(gateway.kv.pairs).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "zstd", "deflate", "gzip, gzip", "gzip, br", "x"})
    void anyOtherCodingIsRefused(String coding) {
        HttpResponse<byte[]> answer = gateway.put("/v1/raw/k", bytes("apple"), "Content-Encoding", coding);

        RawKvRestTest.assertProblem(answer, 415, "unsupported-media-type");
        assertThat(answer.headers().firstValue("Accept-Encoding")).hasValue("gzip");
        assertThat(gateway.kv.pairs).isEmpty();
    }

    private void fill(int count) {
        IntStream.range(0, count).forEach(i -> gateway.kv.pairs.put(key("k%04d".formatted(i)), bytes("value " + i)));
    }

    private static byte[] packed(byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(content);
        }
        return out.toByteArray();
    }

    private static byte[] unpacked(byte[] content) throws IOException {
        return new GZIPInputStream(new ByteArrayInputStream(content)).readAllBytes();
    }
}
