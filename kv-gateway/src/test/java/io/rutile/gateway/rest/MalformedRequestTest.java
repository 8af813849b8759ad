package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.gateway.RunningGateway;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a stranger sends ends in a typed error or a closed connection, and the next request is served (E1). */
class MalformedRequestTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @AfterEach
    void nothingIsLostOrStuck() {
        assertThat(gateway.put("/v1/raw/alive", bytes("yes")).statusCode()).isEqualTo(204);
        assertThat(gateway.get("/v1/raw/alive").body()).isEqualTo(bytes("yes"));
        Awaitility.await()
                .untilAsserted(() -> assertThat(gateway.gauge("kv.gateway.requests.in.flight"))
                        .isZero());
        assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(textBlock = """
            # method, path, status, type, words of the detail
            GET,    /v1/raw?limit=-1,                400, invalid-request,    limit is a number
            GET,    /v1/raw?limit=x,                 400, invalid-request,    limit is a number
            GET,    /v1/raw?limit=,                  400, invalid-request,    limit is a number
            GET,    /v1/raw?limit=1.5,               400, invalid-request,    limit is a number
            GET,    /v1/raw?limit=99999999999999999999, 400, invalid-request, limit is a number
            GET,    /v1/raw?limit=1&limit=2,         400, invalid-request,    given twice
            GET,    /v1/raw?limt=1,                  400, invalid-request,    unknown query parameter
            GET,    /v1/raw?reverse=yes,             400, invalid-request,    reverse is true or false
            GET,    /v1/raw?keysOnly=,               400, invalid-request,    keysOnly is true or false
            GET,    /v1/raw?enc=base64,              400, invalid-request,    enc is one of
            GET,    /v1/raw?start=0&enc=hex,         400, invalid-request,    start is not valid hex
            GET,    /v1/raw?end=%3D&enc=base64url,   400, invalid-request,    end is not valid base64url
            GET,    /v1/raw?start=%FF,               400, invalid-request,    not well-formed
            GET,    /v1/raw?start=%zz,               400, invalid-request,    not well-formed
            GET,    /v1/raw?prefix=a&start=a,        400, invalid-request,    prefix stands alone
            GET,    /v1/raw/k?enc=rot13,             400, invalid-request,    enc is one of
            GET,    /v1/raw/xyz?enc=hex,             400, invalid-request,    not valid hex
            GET,    /v1/raw/%00,                     400, invalid-request,    not well-formed HTTP
            GET,    /v1/raw/%FF,                     400, invalid-request,    .
            GET,    /v1/raw/%,                       400, invalid-request,    .
            GET,    /v1/raw/a b,                     400, invalid-request,    .
            GET,    /v1/raw/é,                       400, invalid-request,    .
            GET,    /v1/raw/a?b?c=d,                 400, invalid-request,    unknown query parameter
            PUT,    /v1/raw/k?ttl=-1,                400, invalid-request,    ttl is
            PUT,    /v1/raw/k?ttl=soon,              400, invalid-request,    ttl is
            PUT,    /v1/raw,                         400, invalid-request,    the path has no key
            DELETE, /v1/raw,                         400, invalid-request,    the path has no key
            DELETE, /v1/raw?start=a&end=b,           400, invalid-request,    unknown query parameter
            POST,   /v1/raw/k,                       405, method-not-allowed, POST
            PATCH,  /v1/raw/k,                       405, method-not-allowed, PATCH
            BREW,   /v1/raw/k,                       405, method-not-allowed, BREW
            TRACE,  /v1/raw/k,                       405, method-not-allowed, TRACE
            GET,    /v1/raw:batchPut,                405, method-not-allowed, GET
            PUT,    /,                               405, method-not-allowed, PUT
            GET,    /v1,                             404, no-such-resource,   .
            GET,    /v2/raw/k,                       404, no-such-resource,   .
            GET,    //v1/raw/k,                      404, no-such-resource,   .
            GET,    /v1/r%61w/k,                     404, no-such-resource,   .
            GET,    /error,                          404, no-such-resource,   .
            GET,    /actuator/health,                404, no-such-resource,   .
            GET,    /../../etc/passwd,               400, invalid-request,    .
            PUT,    /..%2f..%2f,                     404, no-such-resource,   .
            POST,   /v1/raw:batchPut,                415, unsupported-media-type, .
            """)
    void isAnsweredWithAProblem(String method, String path, int status, String type, String words) throws IOException {
        String answer = gateway.raw(method + " " + path + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
                + "Content-Length: 3\r\n\r\nabc");

        assertProblem(answer, status, type, words);
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            Rutile-Timeout: never                                  | 400 | invalid-request
            Rutile-Timeout: 61s                                    | 400 | invalid-request
            X-Request-Timeout: 61s                                 | 400 | invalid-request
            If-None-Match: abc                                     | 400 | invalid-request
            Accept: text/html                                      | 406 | not-acceptable
            Content-Length: -1                                     | 400 | invalid-request
            Content-Length: 99999999999999999999                   | 400 | invalid-request
            Transfer-Encoding: secret                              | 400 | invalid-request
            No colon                                               | 200 | -
            : no name                                              | 200 | -
            """)
    void headersAreCheckedToo(String header, int status, String type) throws IOException {
        gateway.kv.pairs.put(RunningGateway.key("k"), bytes("v"));

        String answer =
                gateway.raw("GET /v1/raw/k HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n" + header + "\r\n\r\n");

        if (status == 200) {
            // The container drops a line that is no header, before anybody here sees it.
            assertThat(answer).startsWith("HTTP/1.1 ").doesNotStartWith("HTTP/1.1 5");
        } else {
            assertProblem(answer, status, type, ".");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            ''                            | 400
            [                             | 400
            {"pairs": [}                  | 400
            {"pairs": [{"key": "a"}]}     | 400
            {"keys": ["a"]}               | 400
            """)
    void aBatchThatIsNoneWritesNothing(String body, int status) {
        RawKvRestTest.assertProblem(gateway.postJson("/v1/raw:batchPut", body), status, "invalid-request");

        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void aBatchOfAnotherMediaTypeIsRefused() {
        RawKvRestTest.assertProblem(
                gateway.send(gateway.request("/v1/raw:batchPut")
                        .header("Content-Type", "application/xml")
                        .POST(HttpRequest.BodyPublishers.ofString("<pairs/>"))),
                415,
                "unsupported-media-type");
    }

    @Test
    void aHeadOverItsLimitIsRefused() throws IOException {
        String answer =
                gateway.raw("GET /v1/raw/k HTTP/1.1\r\nHost: gateway\r\nX-Large: " + "x".repeat(100_000) + "\r\n\r\n");

        assertProblem(answer, 400, "invalid-request", ".");
    }

    @Test
    void aThousandHeadersAreRefused() throws IOException {
        String answer = gateway.raw(
                "GET /v1/raw/k HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n" + "X: y\r\n".repeat(1_000) + "\r\n");

        assertThat(answer).startsWith("HTTP/1.1 4").contains("urn:rutile:problem:");
    }

    /** Announced or not: what is refused is read on for a while, so that clients see the answer, and then cut off. */
    @ParameterizedTest
    @ValueSource(strings = {"Content-Length: 1073741824", "Transfer-Encoding: chunked"})
    void aGibibyteIsCutOffLongBeforeItsEnd(String length) throws IOException {
        boolean isChunked = length.startsWith("Transfer");
        byte[] mebibyte = new byte[1 << 20];
        long sent = 0;
        try (Socket socket = gateway.open("PUT /v1/raw/k HTTP/1.1\r\nHost: gateway\r\n" + length + "\r\n\r\n")) {
            OutputStream out = socket.getOutputStream();
            while (sent < 1 << 30) {
                out.write(bytes(isChunked ? "100000\r\n" : ""));
                out.write(mebibyte);
                out.write(bytes(isChunked ? "\r\n" : ""));
                sent += mebibyte.length;
                assertThat(gateway.gauge("kv.gateway.in.flight")).isLessThanOrEqualTo(17 << 20);
            }
        } catch (IOException cut) {
            assertThat(sent).isPositive();
        }

        assertThat(sent).isLessThan(256 << 20);
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            /v1/raw:batchPut  | {"pairs":        | [
            /v1/raw:batchGet  | {"keys":         | [{"key":
            /v1/txn           | {"pessimistic":  | {"a":
            /v1/txn/execute   | {"then":         | [{"put":
            """)
    void jsonAHundredThousandLevelsDeepIsRefused(String path, String before, String level) {
        RawKvRestTest.assertProblem(gateway.postJson(path, before + level.repeat(100_000)), 400, "invalid-request");
    }

    @Test
    void aKeyOfFullSizeFitsIntoAPath() {
        String hex = "ab".repeat(8 << 10);

        assertThat(gateway.put("/v1/raw/" + hex + "?enc=hex", bytes("v")).statusCode())
                .isEqualTo(204);
        RawKvRestTest.assertProblem(gateway.put("/v1/raw/" + hex + "ab?enc=hex", bytes("v")), 400, "invalid-request");
    }

    @Test
    void noiseIsNoRequest() throws IOException {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            byte[] noise = new byte[1 + random.nextInt(2_000)];
            random.nextBytes(noise);

            String answer = gateway.raw(new String(noise, StandardCharsets.ISO_8859_1) + "\r\n\r\n");

            assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 400"))
                    .as("seed %d answer %s", seed, answer)
                    .isTrue();
        }
    }

    @Test
    void aTlsHelloIsNoRequest() throws IOException {
        assertThat(gateway.raw("\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n"))
                .satisfiesAnyOf(
                        answer -> assertThat(answer).isEmpty(),
                        answer -> assertThat(answer).startsWith("HTTP/1.1 400"));
    }

    private static void assertProblem(String answer, int status, String type, String words) {
        assertThat(answer).startsWith("HTTP/1.1 " + status);
        assertThat(answer).contains("Content-Type: application/problem+json");
        assertThat(answer).contains("\"type\":\"urn:rutile:problem:" + type + "\"");
        assertThat(answer).contains(words);
    }
}
