package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.json;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.client.KvClientException.Kind;
import io.rutile.gateway.RunningGateway;
import io.rutile.protocol.ByteKey;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The raw API through a real connection, over a front door in memory. */
class RawKvRestTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @Test
    void whatIsPutIsThereUntilItIsDeleted() {
        HttpResponse<byte[]> put = gateway.put("/v1/raw/fruit/1", bytes("apple"));
        HttpResponse<byte[]> got = gateway.get("/v1/raw/fruit/1");
        HttpResponse<byte[]> deleted = gateway.delete("/v1/raw/fruit/1");

        assertThat(put.statusCode()).isEqualTo(204);
        assertThat(got.statusCode()).isEqualTo(200);
        assertThat(got.body()).isEqualTo(bytes("apple"));
        assertThat(got.headers().firstValue("Content-Type")).hasValue("application/octet-stream");
        assertThat(got.headers().firstValue("Cache-Control")).hasValue("no-cache");
        assertThat(got.headers().firstValue("ETag"))
                .isEqualTo(put.headers().firstValue("ETag"))
                .hasValueSatisfying(tag -> assertThat(tag).matches("\"[0-9a-f]{32}\""));
        assertThat(deleted.statusCode()).isEqualTo(204);
        assertThat(gateway.get("/v1/raw/fruit/1").statusCode()).isEqualTo(404);
        assertThat(gateway.delete("/v1/raw/fruit/1").statusCode()).isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/raw/",
                "/v1/raw/?enc=hex",
                "/v1/raw/a%2Fb",
                "/v1/raw/a/b",
                "/v1/raw//a//",
                "/v1/raw/a;b=c",
                "/v1/raw/%25",
                "/v1/raw/..%2f..%2f..%2f..",
                "/v1/raw/%2e%2e",
                "/v1/raw/a/../b",
                "/v1/raw/a%5Cb",
                "/v1/raw/%3F%23",
                "/v1/raw/%C3%A9",
                "/v1/raw/+%20",
                "/v1/raw/00ff?enc=hex",
                "/v1/raw/_-8?enc=base64url",
                "/v1/raw/key",
                "/v1/raw/%F0%9F%8D%8E"
            })
    void everyKeyCanBeSpelledInAPath(String path) throws Exception {
        // As bytes on the wire: a client library would tidy some of these paths up.
        String put = gateway.raw(
                "PUT " + path + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc");
        String got = gateway.raw("GET " + path + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");

        String enc = path.contains("enc=hex") ? "hex" : path.contains("enc=base64url") ? "base64url" : "utf8";
        ByteKey key = RequestKeys.inPath(path.replaceFirst("\\?enc=.*", ""), KeyEncoding.of(enc));
        assertThat(put).startsWith("HTTP/1.1 204");
        assertThat(got).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nabc");
        assertThat(gateway.kv.pairs).containsOnlyKeys(key);
    }

    @Test
    void theEmptyKeyAndTheEmptyValueAreLegal() {
        assertThat(gateway.put("/v1/raw/", new byte[0]).statusCode()).isEqualTo(204);

        assertThat(gateway.kv.pairs).containsOnlyKeys(ByteKey.EMPTY);
        assertThat(gateway.get("/v1/raw/").body()).isEmpty();
        assertThat(gateway.get("/v1/raw/").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 32 << 10, (32 << 10) + 1, 1 << 20, (8 << 20) - 1, 8 << 20})
    void valuesOfEverySizeComeBackByteForByte(int size) {
        byte[] value = new byte[size];
        new Random(size).nextBytes(value);

        assertThat(gateway.put("/v1/raw/big", value).statusCode()).isEqualTo(204);
        HttpResponse<byte[]> got = gateway.get("/v1/raw/big");

        assertThat(got.body()).isEqualTo(value);
        assertThat(got.headers().firstValueAsLong("Content-Length")).hasValue(size);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aValueOverEightMebibytesIsRefusedAndNothingIsWritten(boolean announced) {
        byte[] value = new byte[(8 << 20) + 1];
        HttpRequest.BodyPublisher body = announced
                ? HttpRequest.BodyPublishers.ofByteArray(value)
                : HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(value));

        HttpResponse<byte[]> put = gateway.send(gateway.request("/v1/raw/big").PUT(body));

        assertProblem(put, 413, "too-large");
        assertThat(json(put).get("error").asString()).isEqualTo("RaftEntryTooLarge");
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void aChunkedBodyIsABodyToo() {
        HttpResponse<byte[]> put = gateway.send(gateway.request("/v1/raw/k")
                .PUT(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(new byte[100_000]))));

        assertThat(put.statusCode()).isEqualTo(204);
        assertThat(gateway.kv.pairs.get(key("k"))).hasSize(100_000);
    }

    @Test
    void aFormIsBytesLikeAnyOther() {
        HttpResponse<byte[]> put =
                gateway.put("/v1/raw/k", bytes("a=b&c=d"), "Content-Type", "application/x-www-form-urlencoded");

        assertThat(put.statusCode()).isEqualTo(204);
        assertThat(gateway.kv.pairs.get(key("k"))).isEqualTo(bytes("a=b&c=d"));
    }

    @Test
    void headDescribesTheValueWithoutIt() {
        byte[] value = new byte[100_000];
        gateway.put("/v1/raw/k", value);

        HttpResponse<byte[]> head =
                gateway.send(gateway.request("/v1/raw/k").method("HEAD", HttpRequest.BodyPublishers.noBody()));

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(100_000);
        assertThat(head.headers().firstValue("ETag"))
                .hasValue(EntityTag.of(value).quoted());
        assertThat(head.body()).isEmpty();
    }

    @Test
    void aValueThatTheClientHasIsNotSentAgain() {
        gateway.put("/v1/raw/k", bytes("v"));
        String tag = EntityTag.of(bytes("v")).quoted();

        HttpResponse<byte[]> same = gateway.get("/v1/raw/k", "If-None-Match", "\"other\", W/" + tag);
        HttpResponse<byte[]> other = gateway.get("/v1/raw/k", "If-None-Match", "\"other\"");

        assertThat(same.statusCode()).isEqualTo(304);
        assertThat(same.headers().firstValue("ETag")).hasValue(tag);
        assertThat(same.body()).isEmpty();
        assertThat(other.statusCode()).isEqualTo(200);
    }

    @Test
    void tagsMakeCompareAndSwap() {
        HttpResponse<byte[]> created = gateway.put("/v1/raw/k", bytes("1"), "If-None-Match", "*");
        HttpResponse<byte[]> again = gateway.put("/v1/raw/k", bytes("2"), "If-None-Match", "*");
        String tag = created.headers().firstValue("ETag").orElseThrow();
        HttpResponse<byte[]> swapped = gateway.put("/v1/raw/k", bytes("3"), "If-Match", tag);
        HttpResponse<byte[]> stale = gateway.put("/v1/raw/k", bytes("4"), "If-Match", tag);
        HttpResponse<byte[]> staleDelete = gateway.delete("/v1/raw/k", "If-Match", tag);

        assertThat(created.statusCode()).isEqualTo(201);
        assertProblem(again, 412, "precondition-failed");
        assertThat(swapped.statusCode()).isEqualTo(204);
        assertProblem(stale, 412, "precondition-failed");
        assertProblem(staleDelete, 412, "precondition-failed");
        assertThat(gateway.kv.pairs.get(key("k"))).isEqualTo(bytes("3"));
        assertThat(gateway.delete(
                                "/v1/raw/k",
                                "If-Match",
                                EntityTag.of(bytes("3")).quoted())
                        .statusCode())
                .isEqualTo(204);
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void countersIncrementedByTagLoseNothing() {
        gateway.put("/v1/raw/counter", bytes("0"));
        int clients = 8;
        int increments = 10;
        AtomicInteger lost = new AtomicInteger();

        CompletableFuture.allOf(IntStream.range(0, clients)
                        .mapToObj(client -> CompletableFuture.runAsync(
                                () -> {
                                    for (int done = 0; done < increments; ) {
                                        HttpResponse<byte[]> got = gateway.get("/v1/raw/counter");
                                        int value = Integer.parseInt(new String(got.body(), StandardCharsets.UTF_8));
                                        HttpResponse<byte[]> put = gateway.put(
                                                "/v1/raw/counter",
                                                bytes(String.valueOf(value + 1)),
                                                "If-Match",
                                                got.headers().firstValue("ETag").orElseThrow());
                                        if (put.statusCode() == 204) {
                                            done++;
                                        } else if (put.statusCode() == 412) {
                                            lost.incrementAndGet();
                                        } else {
                                            throw new AssertionError("status " + put.statusCode());
                                        }
                                    }
                                },
                                command -> new Thread(command).start()))
                        .toArray(CompletableFuture[]::new))
                .join();

        assertThat(gateway.kv.pairs.get(key("counter"))).isEqualTo(bytes(String.valueOf(clients * increments)));
        assertThat(lost.get()).as("no race was seen: the test shows nothing").isPositive();
    }

    @Test
    void timeToLiveIsHandedDown() {
        gateway.put("/v1/raw/k?ttl=1h", bytes("v"));
        gateway.put("/v1/raw/l", bytes("v"), "If-None-Match", "*");
        gateway.postJson("/v1/raw:batchPut?ttl=30", "{\"pairs\": [{\"key\": \"m\", \"value\": \"v\"}]}");

        assertThat(gateway.kv.ttls)
                .containsEntry(key("k"), Duration.ofHours(1))
                .containsEntry(key("l"), Duration.ZERO)
                .containsEntry(key("m"), Duration.ofSeconds(30));
    }

    @Test
    void whatIsLeftOfALifeIsToldWhenAskedFor() {
        gateway.put("/v1/raw/k?ttl=1h", bytes("v"));
        gateway.put("/v1/raw/l", bytes("v"));

        assertThat(gateway.get("/v1/raw/k?withTtl=true").headers().firstValue("Rutile-Ttl"))
                .hasValue("3600");
        assertThat(gateway.get("/v1/raw/k").headers().firstValue("Rutile-Ttl")).isEmpty();
        assertThat(gateway.get("/v1/raw/l?withTtl=true").headers().firstValue("Rutile-Ttl"))
                .isEmpty();
        assertThat(gateway.get("/v1/raw/nothing?withTtl=true").statusCode()).isEqualTo(404);
    }

    @Test
    void aCallIsAnsweredAtItsDeadline() {
        gateway.kv.close();

        HttpResponse<byte[]> get = gateway.get("/v1/raw/k", "Rutile-Timeout", "50ms");
        HttpResponse<byte[]> put = gateway.put("/v1/raw/k", bytes("v"), "Rutile-Timeout", "50ms");
        HttpResponse<byte[]> swap =
                gateway.put("/v1/raw/k", bytes("v"), "Rutile-Timeout", "50ms", "If-None-Match", "*");

        assertProblem(get, 504, "timeout");
        assertProblem(gateway.get("/v1/raw/k", "X-Request-Timeout", "50ms"), 504, "timeout");
        assertProblem(gateway.get("/v1/raw/k", "X-Request-Timeout", "soon", "Rutile-Timeout", "50ms"), 504, "timeout");
        assertThat(json(put).get("retryable").asBoolean()).isTrue();
        assertThat(json(put).get("detail").asString()).contains("may or may not have taken effect");
        assertThat(json(swap).get("retryable").asBoolean()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "UNAVAILABLE, 503, unavailable",
        "BUSY, 503, busy",
        "DISK_FULL, 507, disk-full",
        "UNDETERMINED, 500, undetermined",
        "INVALID, 400, invalid-request",
        "TOO_LARGE, 413, too-large",
        "SERVER, 502, server",
    })
    void failuresOfTheClusterAreProblems(Kind kind, int status, String type) {
        gateway.kv.failNext(kind);

        HttpResponse<byte[]> put = gateway.put("/v1/raw/k", bytes("v"));

        assertProblem(put, status, type);
        assertThat(put.headers().firstValue("Retry-After").isPresent()).isEqualTo(status == 503);
    }

    @Test
    void bugsTellTheClientNothing() {
        gateway.kv.failNext(new IllegalStateException("secret"));

        HttpResponse<byte[]> get = gateway.get("/v1/raw/k");

        assertProblem(get, 500, "internal");
        assertThat(new String(get.body(), StandardCharsets.UTF_8)).doesNotContain("secret");
    }

    @Test
    void batchesAreWrittenReadAndDeleted() {
        HttpResponse<byte[]> put = gateway.postJson(
                "/v1/raw:batchPut",
                "{\"pairs\": [{\"key\": \"a\", \"value\": \"1\"}, {\"keyBase64url\": \"_w\", \"valueBase64url\": \"AAE\"}]}");
        HttpResponse<byte[]> got =
                gateway.postJson("/v1/raw:batchGet", "{\"keys\": [{\"keyBase64url\": \"_w\"}, \"nothing\", \"a\"]}");
        HttpResponse<byte[]> inHex = gateway.postJson("/v1/raw:batchGet?enc=hex", "{\"keys\": [\"61\", \"ff\"]}");
        HttpResponse<byte[]> deleted = gateway.postJson("/v1/raw:batchDelete", "{\"keys\": [\"a\", \"nothing\"]}");

        assertThat(put.statusCode()).isEqualTo(204);
        assertThat(json(got))
                .isEqualTo(
                        RunningGateway.JSON.readTree(
                                "{\"pairs\": [{\"keyBase64url\": \"_w\", \"valueBase64url\": \"AAE\"}, {\"key\": \"a\", \"value\": \"1\"}]}"));
        assertThat(json(inHex))
                .isEqualTo(RunningGateway.JSON.readTree(
                        "{\"pairs\": [{\"key\": \"61\", \"value\": \"31\"}, {\"key\": \"ff\", \"value\": \"0001\"}]}"));
        assertThat(deleted.statusCode()).isEqualTo(204);
        assertThat(gateway.kv.pairs)
                .containsOnlyKeys(ByteKey.wrap(HexFormat.of().parseHex("ff")));
    }

    @Test
    void anAnswerThatWouldBeTooLargeNamesWhatIsLeft() {
        IntStream.range(0, 20).forEach(i -> gateway.kv.pairs.put(key("k" + (i + 10)), new byte[1 << 20]));
        // The first calls ask for few keys; these are so many that they are not all among them.
        String keys = IntStream.range(0, 100)
                .mapToObj(i -> "\"" + (i < 60 ? "none" + i : "k" + (i % 20 + 10)) + "\"")
                .collect(Collectors.joining(","));

        JsonNode answer = json(gateway.postJson("/v1/raw:batchGet", "{\"keys\": [" + keys + "]}"));

        assertThat(answer.get("pairs").size() + answer.get("unread").size()).isEqualTo(40);
        assertThat(answer.get("pairs").size()).isBetween(16, 17);
        assertThat(answer.get("unread").get(0).get("key").asString()).startsWith("k");
    }

    @Test
    void aBatchOfSixteenMebibytesIsLegalAndOneByteMoreIsNot() {
        String head = "{\"pairs\": [{\"key\": \"a\", \"value\": \"" + "x".repeat(8 << 20)
                + "\"}, {\"key\": \"b\", \"value\": \"";
        String tail = "\"}]}";
        String fill = "y".repeat((16 << 20) - head.length() - tail.length());

        assertThat(gateway.postJson("/v1/raw:batchPut", head + fill + tail).statusCode())
                .isEqualTo(204);
        assertProblem(gateway.postJson("/v1/raw:batchPut", head + fill + "y" + tail), 413, "too-large");
    }

    @Test
    void theRootTellsWhereToGo() {
        HttpResponse<byte[]> root = gateway.get("/");

        assertThat(root.statusCode()).isEqualTo(200);
        assertThat(json(root).get("links").get("openapi").asString()).isEqualTo("/v3/api-docs");
    }

    static void assertProblem(HttpResponse<byte[]> response, int status, String type) {
        assertThat(response.statusCode())
                .as(() -> new String(response.body(), StandardCharsets.UTF_8))
                .isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = json(response);
        assertThat(problem.get("status").asInt()).isEqualTo(status);
        assertThat(problem.get("type").asString()).isEqualTo("urn:rutile:problem:" + type);
        assertThat(problem.get("title").asString()).isNotBlank();
        assertThat(problem.get("detail").asString()).isNotBlank();
        assertThat(problem.has("retryable")).isTrue();
    }
}
