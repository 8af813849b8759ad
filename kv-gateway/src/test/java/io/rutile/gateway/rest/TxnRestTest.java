package io.rutile.gateway.rest;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.json;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.client.KvClientException;
import io.rutile.client.KvClientException.Kind;
import io.rutile.client.txn.TxnFailures;
import io.rutile.client.txn.TxnOptions;
import io.rutile.gateway.RunningGateway;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class TxnRestTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @AfterEach
    void nothingIsLostOrStuck() {
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
        assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
    }

    // ---- names

    private HttpResponse<byte[]> named(String path, @Nullable String body, String... names) {
        HttpRequest.Builder request = post(path, body);
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        for (String name : names) {
            request.header("Idempotency-Key", name);
        }
        return gateway.send(request);
    }

    @Test
    void aNamedCallIsAnsweredAsBeforeAndItsNameIsItsOwn() {
        String body =
                "{\"compare\":[{\"key\":\"a\",\"exists\":false}],\"then\":[{\"put\":{\"key\":\"a\",\"value\":\"1\"}},{\"get\":\"a\"}]}";
        HttpResponse<byte[]> first = named("/v1/txn/execute", body, "\"8e03978e-40d5\"");
        assertThat(first.statusCode()).isEqualTo(200);
        assertThat(json(first).get("succeeded").asBoolean()).isTrue();

        assertThat(named("/v1/txn/execute", body, "8e03978e-40d5").body()).isEqualTo(first.body());
        assertProblem(
                named("/v1/txn/execute", body.replace("\"1\"", "\"2\""), "8e03978e-40d5"),
                422,
                "idempotency-key-reused");
        assertProblem(named("/v1/txn/execute?enc=hex", "{}", "8e03978e-40d5"), 422, "idempotency-key-reused");
        assertThat(gateway.txn.commits()).isEqualTo(1);
        assertThat(text(gateway.get("/v1/txn/keys/a"))).isEqualTo("1");
    }

    @Test
    void aNamedCommitIsKeptThough() {
        String path =
                "/v1/txn/" + json(gateway.send(post("/v1/txn", null))).get("id").asString();
        gateway.put(path + "/keys/a", bytes("1"));

        HttpResponse<byte[]> committed = named(path + "/commit", null, "commit-1");

        assertThat(committed.statusCode()).isEqualTo(200);
        assertThat(named(path + "/commit", null, "commit-1").body()).isEqualTo(committed.body());
        assertProblem(named("/v1/txn/execute", "{}", "commit-1"), 422, "idempotency-key-reused");
    }

    @Test
    void aNameThatCannotBeKeptIsRefused() {
        assertProblem(named("/v1/txn/execute", "{}", "a", "b"), 400, "invalid-request");
        assertProblem(named("/v1/txn/execute", "{}", ""), 400, "invalid-request");
        assertProblem(named("/v1/txn", null, "a"), 400, "invalid-request");
        assertProblem(named("/v1/raw:batchPut", "{}", "a"), 400, "invalid-request");
        assertProblem(gateway.put("/v1/raw/k", bytes("v"), "Idempotency-Key", "a"), 400, "invalid-request");
        assertThat(gateway.txn.commits()).isZero();
    }

    /** Where outcomes are written down. */
    @Test
    void keysOfTheGatewayAreNobodys() {
        assertProblem(gateway.get("/v1/txn/keys/ffffffff6964656d?enc=hex"), 400, "invalid-request");
        assertProblem(
                gateway.postJson(
                        "/v1/txn/execute?enc=hex", "{\"then\":[{\"put\":{\"key\":\"ffffffff\",\"value\":\"00\"}}]}"),
                400,
                "invalid-request");
    }

    // ---- sessions

    @Test
    void aTransactionIsBegunUsedAndCommitted() {
        gateway.txn.write(key("account/a"), bytes("10"));
        HttpResponse<byte[]> begun = gateway.send(post("/v1/txn", null));
        assertThat(begun.statusCode()).isEqualTo(201);
        JsonNode transaction = json(begun);
        String path = "/v1/txn/" + transaction.get("id").asString();
        assertThat(begun.headers().firstValue("Location")).hasValue(path);
        assertThat(transaction.get("idleTimeoutMs").asLong()).isEqualTo(30_000);
        assertThat(transaction.get("lifetimeMs").asLong()).isEqualTo(300_000);

        assertThat(gateway.get(path + "/keys/account/a").body()).isEqualTo(bytes("10"));
        assertThat(gateway.get(path + "/keys/account/b").statusCode()).isEqualTo(404);
        assertThat(gateway.put(path + "/keys/account/a", bytes("7")).statusCode())
                .isEqualTo(204);
        assertThat(gateway.put(path + "/keys/account/b", bytes("3")).statusCode())
                .isEqualTo(204);
        assertThat(gateway.get(path + "/keys/account/b").body()).isEqualTo(bytes("3"));
        assertThat(text(gateway.get(path + "/keys?prefix=account/")))
                .isEqualTo("{\"key\":\"account/a\",\"value\":\"7\"}\n{\"key\":\"account/b\",\"value\":\"3\"}\n");
        assertThat(gateway.delete(path + "/keys/account/a").statusCode()).isEqualTo(204);
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("account/a"));

        HttpResponse<byte[]> committed = gateway.send(post(path + "/commit", null));

        assertThat(committed.statusCode()).isEqualTo(200);
        long commitTs = Long.parseLong(json(committed).get("commitTs").asString());
        assertThat(commitTs)
                .isGreaterThan(Long.parseLong(transaction.get("startTs").asString()));
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("account/b"));
        assertThat(gateway.send(post(path + "/commit", null)).body()).isEqualTo(committed.body());
        assertProblem(gateway.get(path + "/keys/account/b"), 404, "transaction-not-found");
        assertProblem(gateway.delete(path), 409, "transaction-committing");
    }

    @Test
    void manyKeysTakeOneRequest() {
        gateway.txn.write(key("c"), bytes("3"));
        String path = begin("{}");

        assertThat(gateway.postJson(
                                path + "/batchPut",
                                "{\"pairs\": [{\"key\": \"a\", \"value\": \"1\"}, {\"key\": \"b\", \"value\": \"2\"}]}")
                        .statusCode())
                .isEqualTo(204);
        assertThat(gateway.postJson(path + "/batchDelete", "{\"keys\": [\"b\"]}")
                        .statusCode())
                .isEqualTo(204);
        assertThat(text(gateway.postJson(path + "/batchGet", "{\"keys\": [\"c\", \"b\", \"a\"]}")))
                .isEqualTo("{\"pairs\":[{\"key\":\"c\",\"value\":\"3\"},{\"key\":\"a\",\"value\":\"1\"}]}\n");
        commit(path);

        assertThat(gateway.txn.newest()).containsOnlyKeys(key("a"), key("c"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "a//b", "a;b", "a%2Fb", "%20", "keys/keys", "execute", "ä"})
    void everyKeyCanBeSpelledInAPath(String spelled) throws IOException {
        String path = begin("{}");
        String escaped = spelled.replace("ä", "%C3%A4");

        assertThat(gateway.raw("PUT " + path + "/keys/" + escaped
                        + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nContent-Length: 1\r\n\r\nv"))
                .startsWith("HTTP/1.1 204");
        commit(path);

        ByteKey key = key(spelled.replace("%2F", "/").replace("%20", " "));
        assertThat(gateway.txn.newest()).containsOnlyKeys(key);
        assertThat(gateway.raw(
                        "GET /v1/txn/keys/" + escaped + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200")
                .endsWith("v");
    }

    @Test
    void binaryKeysAreSpelledInTheEncoding() {
        String path = begin("{}");

        gateway.put(path + "/keys/00ff?enc=hex", bytes("v"));
        assertThat(gateway.get(path + "/keys/AP8?enc=base64url").body()).isEqualTo(bytes("v"));
        commit(path);

        assertThat(gateway.txn.newest()).containsOnlyKeys(ByteKey.wrap(new byte[] {0, -1}));
    }

    @Test
    void aWriteConflictIsToldWithItsKeyAndNeverRepeated() { // P5
        String path = begin("{}");
        gateway.put(path + "/keys/k", bytes("mine"));
        gateway.txn.write(key("k"), bytes("theirs"));

        for (int i = 0; i < 2; i++) {
            JsonNode problem = assertProblem(gateway.send(post(path + "/commit", null)), 409, "conflict");
            assertThat(problem.get("error").asString()).isEqualTo("WriteConflict");
            assertThat(problem.get("key").asString()).isEqualTo("k");
            assertThat(problem.get("retryable").asBoolean()).isFalse();
        }
        assertThat(gateway.txn.commits()).isEqualTo(1);
        assertThat(gateway.txn.newest().get(key("k"))).isEqualTo(bytes("theirs"));
    }

    @Test
    void anUndeterminedCommitHasAProblemOfItsOwn() {
        String path = begin("{}");
        gateway.txn.failNext(TxnFailures.undetermined(new TimeStamp(7)));

        JsonNode problem = assertProblem(gateway.send(post(path + "/commit", null)), 500, "undetermined");

        assertThat(problem.get("retryable").asBoolean()).isFalse();
    }

    @Test
    void optimisticLocksGuardAgainstWriteSkew() {
        String path = begin("{}");
        assertThat(gateway.postJson(path + "/lock", "{\"keys\": [\"on-call\"]}").statusCode())
                .isEqualTo(204);
        gateway.put(path + "/keys/other", bytes("v"));
        gateway.txn.write(key("on-call"), bytes("nobody"));

        assertProblem(gateway.send(post(path + "/commit", null)), 409, "conflict");
    }

    @Test
    void pessimisticLocksAreHeldWhenTheyAreAnswered() {
        gateway.txn.write(key("k"), bytes("old"));
        String path = begin("{\"pessimistic\": true, \"lockWait\": \"0\"}");
        String other = begin("{\"lockWait\": \"250ms\", \"pessimistic\": true}");
        TxnOptions options = gateway.txn.begun().get(1);
        assertThat(options.pessimisticLocks()).isTrue();
        assertThat(options.lockWait()).isEqualTo(Duration.ofMillis(250));
        gateway.txn.write(key("k"), bytes("new"));

        assertThat(gateway.get(path + "/keys/k").body()).isEqualTo(bytes("old"));
        assertThat(gateway.get(path + "/keys/k?forUpdate=true").body()).isEqualTo(bytes("new"));
        assertThat(text(gateway.postJson(path + "/batchGet?forUpdate=true", "{\"keys\": [\"k\"]}")))
                .isEqualTo("{\"pairs\":[{\"key\":\"k\",\"value\":\"new\"}]}\n");
        JsonNode problem = assertProblem(gateway.postJson(other + "/lock", "{\"keys\": [\"k\"]}"), 503, "busy");
        assertThat(problem.get("error").asString()).isEqualTo("KeyIsLocked");
        assertThat(problem.get("key").asString()).isEqualTo("k");
        gateway.delete(path);
        assertThat(gateway.postJson(other + "/lock", "{\"keys\": [\"k\"]}").statusCode())
                .isEqualTo(204);
        gateway.delete(other);
    }

    @Test
    void theDeadlineOfTheBeginIsThatOfTheTransaction() {
        gateway.send(post("/v1/txn", null).header("Rutile-Timeout", "1500ms"));

        assertThat(gateway.txn.begun().get(0).callTimeout()).isEqualTo(Duration.ofMillis(1500));
        assertThat(gateway.txn.begun().get(0).commitTimeout()).isEqualTo(Duration.ofMillis(1500));
    }

    @Test
    void requestsOfATransactionComeOneAtATime() {
        String path = begin("{}");
        gateway.txn.close();
        CompletableFuture<HttpResponse<byte[]>> first = gateway.http()
                .sendAsync(gateway.request(path + "/keys/k").GET().build(), HttpResponse.BodyHandlers.ofByteArray());
        await().untilAsserted(() -> {
            JsonNode problem = assertProblem(gateway.put(path + "/keys/k", bytes("v")), 409, "transaction-in-use");
            assertThat(problem.get("retryable").asBoolean()).isTrue();
        });

        gateway.txn.open();

        assertThat(first.join().statusCode()).isEqualTo(404);
        assertThat(gateway.put(path + "/keys/k", bytes("v")).statusCode()).isEqualTo(204);
        gateway.delete(path);
    }

    @Test
    void aRollbackWritesNothingAndIsHarmlessWhenRepeated() {
        String path = begin("{}");
        gateway.put(path + "/keys/k", bytes("v"));

        assertThat(gateway.delete(path).statusCode()).isEqualTo(204);
        assertThat(gateway.delete(path).statusCode()).isEqualTo(204);

        assertThat(gateway.txn.newest()).isEmpty();
        assertProblem(gateway.send(post(path + "/commit", null)), 404, "transaction-not-found");
    }

    @Test
    void transactionsAreBoundedAndExpire() { // R10
        try (RunningGateway small =
                RunningGateway.start("rutile.gateway.txn.open-max=1", "rutile.gateway.txn.idle-timeout=1s")) {
            HttpResponse<byte[]> first = small.postJson("/v1/txn", "{}");
            assertThat(first.statusCode()).isEqualTo(201);

            HttpResponse<byte[]> refused = small.postJson("/v1/txn", "{}");

            assertProblem(refused, 503, "busy");
            assertThat(refused.headers().firstValue("Retry-After")).hasValue("1");
            assertThat(small.refused("transactions")).isEqualTo(1);
            await().untilAsserted(
                            () -> assertThat(small.gauge("kv.gateway.txn.open")).isZero());
            assertProblem(
                    small.get("/v1/txn/" + json(first).get("id").asString() + "/keys/k"), 404, "transaction-not-found");
            assertThat(small.txn.openCount()).isZero();
        }
    }

    @Test
    void aScanThatFailsInTheMiddleSaysSo() {
        for (int i = 0; i < 10; i++) {
            gateway.txn.write(key("k" + i), bytes("v"));
        }
        String path = begin("{}");
        gateway.txn.failNext(new KvClientException(Kind.UNAVAILABLE, "words", null, null));

        assertProblem(gateway.get(path + "/keys"), 503, "unavailable");
        assertThat(text(gateway.get(path + "/keys?keysOnly=true&reverse=true&limit=1")))
                .isEqualTo("{\"key\":\"k9\"}\n");
        assertThat(gateway.get(path + "/keys?limit=0").body()).isEmpty();
        gateway.delete(path);
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            POST   | /v1/txn              | []                               | 400 | invalid-request
            POST   | /v1/txn              | {"pessimistic": "yes"}           | 400 | invalid-request
            POST   | /v1/txn              | {"pessimistic": true} x          | 400 | invalid-request
            POST   | /v1/txn              | {"lockWait": 5}                  | 400 | invalid-request
            POST   | /v1/txn              | {"lockWait": "-1s"}              | 400 | invalid-request
            POST   | /v1/txn              | {"lockWait": "61s"}              | 400 | invalid-request
            POST   | /v1/txn              | {"lockWait": "soon"}             | 400 | invalid-request
            POST   | /v1/txn              | {"optimistic": true}             | 400 | invalid-request
            POST   | /v1/txn?enc=hex      | {}                               | 400 | invalid-request
            GET    | /v1/txn              | -                                | 405 | method-not-allowed
            GET    | /v1/txn/ID           | -                                | 405 | method-not-allowed
            GET    | /v1/txn/ID/keys/k    | -                                | 404 | transaction-not-found
            PUT    | /v1/txn/ID/keys/k    | v                                | 404 | transaction-not-found
            DELETE | /v1/txn/ID/keys/k    | -                                | 404 | transaction-not-found
            GET    | /v1/txn/ID/keys      | -                                | 404 | transaction-not-found
            GET    | /v1/txn/ID/keys?limit=0 | -                             | 404 | transaction-not-found
            GET    | /v1/txn/ID/keys?limit=x | -                             | 400 | invalid-request
            GET    | /v1/txn/ID/keys/k?forUpdate=1 | -                       | 400 | invalid-request
            GET    | /v1/txn/ID/keys/k?enc=rot13   | -                       | 400 | invalid-request
            GET    | /v1/txn/ID/keys/xyz?enc=hex   | -                       | 400 | invalid-request
            PUT    | /v1/txn/ID/keys      | v                                | 400 | invalid-request
            POST   | /v1/txn/ID/batchGet  | {"keys": ["a"]}                  | 404 | transaction-not-found
            POST   | /v1/txn/ID/batchGet  | {"keys": [1]}                    | 400 | invalid-request
            POST   | /v1/txn/ID/batchPut  | {"pairs": [{"key": "a", "value": "1"}]} | 404 | transaction-not-found
            POST   | /v1/txn/ID/batchPut  | {"pairs": [{"key": "a"}]}        | 400 | invalid-request
            POST   | /v1/txn/ID/batchDelete | {"keys": ["a"]}                | 404 | transaction-not-found
            POST   | /v1/txn/ID/batchDelete | {"pairs": []}                  | 400 | invalid-request
            POST   | /v1/txn/ID/lock      | {"keys": ["a"]}                  | 404 | transaction-not-found
            POST   | /v1/txn/ID/lock      | {"keys": "a"}                    | 400 | invalid-request
            POST   | /v1/txn/ID/commit    | -                                | 404 | transaction-not-found
            POST   | /v1/txn/ID/commit?force=true | -                        | 400 | invalid-request
            DELETE | /v1/txn/ID           | -                                | 404 | transaction-not-found
            DELETE | /v1/txn/not-an-id    | -                                | 404 | transaction-not-found
            POST   | /v1/txn/ID/abort     | {}                               | 404 | no-such-resource
            POST   | /v1/txn/execute      | {"if": []}                       | 400 | invalid-request
            POST   | /v1/txn/execute?ts=1 | {}                               | 400 | invalid-request
            POST   | /v1/txn/execute?enc=x| {}                               | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=0  | -                                | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=+1 | -                                | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=-1 | -                                | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=x  | -                                | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=   | -                                | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=18446744073709551616 | -              | 400 | invalid-request
            GET    | /v1/txn/keys/k?ts=18446744073709551615 | -              | 400 | invalid-request
            GET    | /v1/txn/keys/k       | -                                | 404 | key-not-found
            """)
    void anythingElseIsAProblem(String method, String path, @Nullable String body, int status, String type) {
        HttpRequest.Builder request = gateway.request(path.replace("ID", "0".repeat(32)))
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (body != null) {
            request.header("Content-Type", "application/json");
        }

        assertProblem(gateway.send(request), status, type);
        assertThat(gateway.txn.newest()).isEmpty();
    }

    @Test
    void optionsAreJson() {
        assertProblem(
                gateway.send(post("/v1/txn", "{}").header("Content-Type", "text/plain")),
                415,
                "unsupported-media-type");
        assertProblem(gateway.send(post("/v1/txn", "{}").header("Content-Type", "/")), 415, "unsupported-media-type");
        assertProblem(gateway.send(post("/v1/txn", "{}")), 415, "unsupported-media-type");
        assertProblem(gateway.send(post("/v1/txn", null).header("Rutile-Timeout", "61s")), 400, "invalid-request");
    }

    @Test
    void valuesAreBounded() {
        String path = begin("{}");

        assertProblem(gateway.put(path + "/keys/k", new byte[(8 << 20) + 1]), 413, "too-large");
        assertThat(gateway.put(path + "/keys/", bytes("v")).statusCode()).isEqualTo(400);
        gateway.delete(path);
    }

    // ---- without a session

    @Test
    void anAtomicCallReadsChecksAndWrites() {
        gateway.txn.write(key("stock/apple"), bytes("3"));
        String sale = TxnApi.CALL_EXAMPLE;

        JsonNode sold = json(gateway.postJson("/v1/txn/execute", sale));
        JsonNode not = json(gateway.postJson("/v1/txn/execute", sale));

        assertThat(sold.get("succeeded").asBoolean()).isTrue();
        assertThat(Long.parseLong(sold.get("commitTs").asString()))
                .isGreaterThan(Long.parseLong(sold.get("startTs").asString()));
        assertThat(sold.get("results").toString()).isEqualTo("[{},{}]");
        assertThat(not.get("succeeded").asBoolean()).isFalse();
        assertThat(not.has("commitTs")).isFalse();
        assertThat(not.get("results").toString())
                .isEqualTo("[{\"pairs\":[{\"key\":\"stock/apple\",\"value\":\"2\"}]},"
                        + "{\"pairs\":[{\"key\":\"order/7\",\"value\":\"apple\"}]}]");
        assertThat(gateway.txn.newest().get(key("stock/apple"))).isEqualTo(bytes("2"));
    }

    @Test
    void aConflictOfAnAtomicCallMayBeTriedAgain() { // P5
        gateway.txn.beforeNextCommit(() -> gateway.txn.write(key("a"), bytes("theirs")));

        JsonNode problem = assertProblem(
                gateway.postJson(
                        "/v1/txn/execute",
                        "{\"compare\": [{\"key\": \"a\", \"exists\": false}],"
                                + " \"then\": [{\"put\": {\"key\": \"b\", \"value\": \"1\"}}]}"),
                409,
                "conflict");

        assertThat(problem.get("retryable").asBoolean()).isTrue();
        assertThat(problem.get("key").asString()).isEqualTo("a");
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("a"));
        assertThat(gateway.txn.openCount()).isZero();
    }

    @Test
    void aSnapshotShowsWhatWasCommittedThen() {
        TimeStamp first = gateway.txn.write(key("k"), bytes("1"));
        gateway.txn.write(key("k"), bytes("2"));

        assertThat(gateway.get("/v1/txn/keys/k").body()).isEqualTo(bytes("2"));
        assertThat(gateway.get("/v1/txn/keys/k?ts=" + first).body()).isEqualTo(bytes("1"));
        assertThat(gateway.get("/v1/txn/keys/6b?enc=hex&ts=" + first).body()).isEqualTo(bytes("1"));
    }

    private String begin(String options) {
        return "/v1/txn/" + json(gateway.postJson("/v1/txn", options)).get("id").asString();
    }

    private void commit(String path) {
        assertThat(gateway.send(post(path + "/commit", null)).statusCode()).isEqualTo(200);
    }

    private HttpRequest.Builder post(String path, @Nullable String body) {
        return gateway.request(path)
                .POST(body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
    }

    private static String text(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).isEqualTo(200);
        return new String(answer.body(), StandardCharsets.UTF_8);
    }

    private static JsonNode assertProblem(HttpResponse<byte[]> answer, int status, String type) {
        String body = new String(answer.body(), StandardCharsets.UTF_8);
        assertThat(answer.statusCode()).as(body).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = json(answer);
        assertThat(problem.get("type").asString()).isEqualTo("urn:rutile:problem:" + type);
        return problem;
    }
}
