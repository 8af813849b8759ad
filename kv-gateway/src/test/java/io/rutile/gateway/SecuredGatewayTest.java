package io.rutile.gateway;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.json;
import static io.rutile.gateway.RunningGateway.key;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.access.Issuer;
import io.rutile.gateway.v1.BeginRequest;
import io.rutile.gateway.v1.CommitRequest;
import io.rutile.gateway.v1.Pair;
import io.rutile.gateway.v1.RawDeleteRequest;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawScanRequest;
import io.rutile.gateway.v1.Scan;
import io.rutile.gateway.v1.TransactionsGrpc;
import io.rutile.gateway.v1.TxnPutRequest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;

/** A gateway that asks who calls, at each of its ports (E2). */
class SecuredGatewayTest {

    private static final String READER = "reader0123456789reader0123456789";
    private static final String WRITER = "writer0123456789writer0123456789";
    private static final String BOTH = "both000123456789both000123456789";
    private static final String MODEST = "modest0123456789modest0123456789";
    private static final String ADMIN = "admin00123456789admin00123456789";

    private static final Issuer ISSUER = new Issuer();

    @TempDir
    private static Path directory;

    private static @Nullable RunningGateway started;

    private final RunningGateway gateway = gateway();
    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);

    @BeforeAll
    static void start() throws Exception {
        Path file = Files.writeString(directory.resolve("access.json"), """
                {"roles": [{"name": "fruit-reader", "grants": [{"permission": "read", "prefix": "fruit/"}]},
                           {"name": "fruit-writer", "grants": [{"permission": "write", "prefix": "fruit/"}]},
                           {"name": "two-at-a-time", "grants": [], "limits": {"requests": 2, "transactions": 1}}],
                 "tokens": [{"name": "reader", "sha256": "%s", "roles": ["fruit-reader"]},
                            {"name": "writer", "sha256": "%s", "roles": ["fruit-writer"]},
                            {"name": "both", "sha256": "%s", "roles": ["fruit-reader", "fruit-writer"]},
                            {"name": "modest", "sha256": "%s", "roles": ["fruit-reader", "two-at-a-time"]},
                            {"name": "admin", "sha256": "%s", "roles": ["admin"]}]}
                """.formatted(
                        sha256(READER), sha256(WRITER), sha256(BOTH), sha256(MODEST), sha256(ADMIN)));
        started = RunningGateway.start(
                "rutile.gateway.security.access-file=" + file,
                "rutile.gateway.security.jwt.issuer=" + ISSUER.url(),
                "rutile.gateway.security.jwt.public-key=" + ISSUER.publicKey(directory),
                "rutile.gateway.security.jwt.audience=" + Issuer.AUDIENCE,
                "management.endpoints.web.exposure.include=*",
                // There Spring believes proxies by itself.
                "spring.main.cloud-platform=kubernetes");
    }

    @AfterAll
    static void stop() {
        gateway().close();
        ISSUER.close();
    }

    private static RunningGateway gateway() {
        assertThat(started).isNotNull();
        return started;
    }

    @BeforeEach
    void fill() {
        gateway.kv.reset();
        gateway.txn.reset();
        gateway.kv.pairs.put(key("fruit/1"), bytes("apple"));
        gateway.kv.pairs.put(key("secret/1"), bytes("hidden"));
        logged.start();
        root.addAppender(logged);
    }

    @AfterEach
    void nothingIsLostOrSaid() {
        root.detachAppender(logged);
        assertThat(logged.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .allSatisfy(line ->
                        assertThat(line).doesNotContain("fruit/", "secret", READER, WRITER, BOTH, MODEST, ADMIN));
        await().pollDelay(Duration.ZERO)
                .untilAsserted(() -> assertThat(gateway.gauge("kv.gateway.requests.in.flight"))
                        .isZero());
    }

    // ---- REST

    @ParameterizedTest(name = "{0} {1} {2}")
    @CsvSource(textBlock = """
            # who, method, path, status
            -,      GET,    /,                                401
            -,      GET,    /v3/api-docs,                     401
            -,      GET,    /no/such/path,                    401
            -,      GET,    /v1/raw/fruit/1,                  401
            -,      PUT,    /v1/raw/fruit/1,                  401
            -,      POST,   /v1/txn,                          401
            -,      POST,   /v1/txn/execute,                  401
            -,      GET,    /v1/raw,                          401
            nobody, GET,    /v1/raw/fruit/1,                  401
            reader, GET,    /,                                200
            reader, GET,    /v3/api-docs,                     200
            reader, GET,    /v1/raw/fruit/1,                  200
            reader, HEAD,   /v1/raw/fruit/1,                  200
            reader, GET,    /v1/raw/fruit/1?withTtl=true,     200
            reader, GET,    /v1/raw/fruit/2,                  404
            reader, GET,    /v1/raw/secret/1,                 403
            reader, GET,    /v1/raw/fruit%2F1,                200
            reader, GET,    /v1/raw/fruit/../secret/1,        404
            reader, GET,    /v1/raw/7365637265742f31?enc=hex, 403
            reader, GET,    /v1/raw/,                         403
            reader, GET,    /v1/raw,                          403
            reader, GET,    /v1/raw?limit=1,                  403
            reader, GET,    /v1/raw?reverse=true&limit=1,     403
            reader, GET,    /v1/raw?prefix=frui,              403
            reader, GET,    /v1/raw?start=fruit/,             403
            reader, GET,    /v1/raw?end=fruit0,               403
            reader, GET,    /v1/raw?start=fruit/&end=fruit00, 403
            reader, GET,    /v1/raw?prefix=fruit/,            200
            reader, GET,    /v1/raw?prefix=fruit/&reverse=true, 200
            reader, GET,    /v1/raw?start=fruit/1&end=fruit/9, 200
            reader, GET,    /v1/raw?start=fruit/&end=fruit0,  200
            reader, PUT,    /v1/raw/fruit/1,                  403
            reader, PUT,    /v1/raw/fruit/1?ttl=9,            403
            reader, DELETE, /v1/raw/fruit/1,                  403
            writer, GET,    /v1/raw/fruit/1,                  403
            writer, PUT,    /v1/raw/fruit/1,                  204
            writer, PUT,    /v1/raw/secret/1,                 403
            writer, DELETE, /v1/raw/fruit/1,                  204
            writer, DELETE, /v1/raw/secret/1,                 403
            -,      GET,    /v1/txn/watch?prefix=fruit/,      401
            nobody, GET,    /v1/txn/watch?prefix=fruit/,      401
            reader, GET,    /v1/txn/watch,                    403
            reader, GET,    /v1/txn/watch?prefix=secret/,     403
            reader, GET,    /v1/txn/watch?start=fruit/,       403
            writer, GET,    /v1/txn/watch?prefix=fruit/,      403
            both,   GET,    /v1/txn/keys/fruit/1,             404
            both,   GET,    /v1/txn/keys/secret/1,            403
            writer, GET,    /v1/txn/keys/fruit/1,             403
            admin,  GET,    /v1/raw/fruit/1,                  403
            admin,  POST,   /v1/txn,                          403
            -,      GET,    /console/,                        200
            -,      GET,    /console/app.js,                  200
            -,      POST,   /console/,                        405
            -,      GET,    /console/no-such.js,              401
            -,      GET,    /console/..;/v1/raw/fruit/1,      401
            -,      GET,    /console/%2e%2e/v1/raw/fruit/1,   401
            -,      GET,    /console/app.js/../../v1/raw/fruit/1, 401
            -,      GET,    /v1/caller,                       401
            -,      GET,    /v1/cluster,                      401
            -,      GET,    /v1/cluster/regions,              401
            reader, GET,    /v1/caller,                       200
            reader, GET,    /v1/cluster,                      403
            both,   GET,    /v1/cluster/stores,               403
            both,   GET,    /v1/cluster/regions,              403
            both,   GET,    /v1/cluster/regions/1,            403
            both,   GET,    /v1/cluster/operators,            403
            both,   GET,    /v1/cluster/scheduling,           403
            both,   GET,    /v1/cluster/heat,                 403
            admin,  GET,    /v1/cluster,                      503
            """)
    void keysAreForWhomTheyAreGranted(String who, String method, String path, int status) {
        HttpResponse<byte[]> answer = send(who, method, path, method.equals("PUT") ? "v" : "");

        assertThat(answer.statusCode()).as(new String(answer.body(), UTF_8)).isEqualTo(status);
        if (status == 401 || status == 403) {
            assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
            assertThat(answer.headers().firstValue("WWW-Authenticate").isPresent())
                    .isEqualTo(status == 401);
        }
        if (status == 401 && !method.equals("HEAD")) {
            assertThat(json(answer).get("type").asString()).isEqualTo("urn:rutile:problem:unauthenticated");
        }
        if (status != 204) {
            assertThat(gateway.kv.pairs.get(key("fruit/1"))).isEqualTo(bytes("apple"));
        }
        assertThat(gateway.kv.pairs.get(key("secret/1"))).isEqualTo(bytes("hidden"));
    }

    @Test
    void aRefusedScanSaysWhatIsAllowed() {
        assertThat(json(send("reader", "GET", "/v1/raw", "")).get("detail").asString())
                .isEqualTo("the caller may read, of the raw API, keys that begin with 'fruit/'");
        assertThat(new String(send("reader", "GET", "/v1/raw?prefix=fruit/", "").body(), UTF_8))
                .contains("apple")
                .doesNotContain("hidden");
    }

    @Test
    void aConditionalWriteReads() {
        HttpRequest.Builder request =
                as("writer", "/v1/raw/fruit/1").header("If-Match", "*").PUT(HttpRequest.BodyPublishers.ofString("x"));
        assertThat(gateway.send(request).statusCode()).isEqualTo(403);

        request = as("both", "/v1/raw/fruit/1").header("If-Match", "*").PUT(HttpRequest.BodyPublishers.ofString("x"));
        assertThat(gateway.send(request).statusCode()).isEqualTo(204);
        request = as("reader", "/v1/raw/fruit/1").header("If-Match", "*").PUT(HttpRequest.BodyPublishers.ofString("y"));
        assertThat(gateway.send(request).statusCode()).isEqualTo(403);
        assertThat(gateway.kv.pairs.get(key("fruit/1"))).isEqualTo(bytes("x"));
    }

    @ParameterizedTest(name = "{0} {1} {2}")
    @CsvSource(delimiter = '|', textBlock = """
            reader | /v1/raw:batchGet    | {"keys": ["fruit/1"]}                                       | 200
            reader | /v1/raw:batchGet    | {"keys": ["fruit/1", "secret/1"]}                           | 403
            writer | /v1/raw:batchPut    | {"pairs": [{"key": "fruit/2", "value": "b"}]}               | 204
            writer | /v1/raw:batchPut    | {"pairs": [{"key": "fruit/2", "value": "b"}, {"key": "secret/1", "value": "b"}]} | 403
            writer | /v1/raw:batchDelete | {"keys": ["fruit/1", "secret/1"]}                           | 403
            both   | /v1/txn/execute     | {"then": [{"put": {"key": "fruit/2", "value": "b"}}]}       | 200
            both   | /v1/txn/execute     | {"then": [{"put": {"key": "secret/1", "value": "b"}}]}      | 403
            both   | /v1/txn/execute     | {"else": [{"delete": "secret/1"}]}                          | 403
            both   | /v1/txn/execute     | {"then": [{"scan": {"prefix": "", "limit": 1}}]}            | 403
            both   | /v1/txn/execute     | {"compare": [{"key": "secret/1", "exists": true}]}          | 403
            reader | /v1/txn/execute     | {"compare": [{"key": "fruit/1", "exists": true}], "then": [{"get": "fruit/1"}]}  | 200
            reader | /v1/txn/execute     | {"compare": [{"key": "fruit/1", "exists": true}], "then": [{"delete": "fruit/1"}]} | 403
            """)
    void batchesAndAtomicCallsAreAllowedAsAWholeOrNot(String who, String path, String body, int status) {
        HttpRequest.Builder request = as(who, path).header("Content-Type", "application/json");

        assertThat(gateway.send(request.POST(HttpRequest.BodyPublishers.ofString(body)))
                        .statusCode())
                .isEqualTo(status);

        assertThat(gateway.kv.pairs.get(key("fruit/1"))).isEqualTo(bytes("apple"));
        assertThat(gateway.kv.pairs.get(key("secret/1"))).isEqualTo(bytes("hidden"));
        assertThat(gateway.kv.pairs.containsKey(key("fruit/2"))).isEqualTo(status == 204);
        assertThat(gateway.txn.newest().containsKey(key("secret/1"))).isFalse();
    }

    @Test
    void anOpenTransactionIsItsOwnersAtEveryStep() {
        String id = json(send("both", "POST", "/v1/txn", "")).get("id").asString();
        String keys = "/v1/txn/" + id + "/keys";

        assertThat(send("both", "PUT", keys + "/fruit/1", "v").statusCode()).isEqualTo(204);
        assertThat(send("both", "PUT", keys + "/secret/1", "v").statusCode()).isEqualTo(403);
        assertThat(send("both", "DELETE", keys + "/secret/1", "").statusCode()).isEqualTo(403);
        assertThat(send("both", "GET", keys + "/secret/1", "").statusCode()).isEqualTo(403);
        assertThat(send("both", "GET", keys, "").statusCode()).isEqualTo(403);
        assertThat(send("both", "GET", keys + "?prefix=fruit/", "").statusCode())
                .isEqualTo(200);
        for (String other : new String[] {"reader", "writer", "admin"}) {
            assertThat(send(other, "GET", keys + "/fruit/1", "").statusCode())
                    .as(other)
                    .isEqualTo(404);
            assertThat(send(other, "POST", "/v1/txn/" + id + "/commit", "").statusCode())
                    .as(other)
                    .isEqualTo(404);
            assertThat(send(other, "DELETE", "/v1/txn/" + id, "").statusCode())
                    .as(other)
                    .isEqualTo(404);
        }
        assertThat(send("-", "POST", "/v1/txn/" + id + "/commit", "").statusCode())
                .isEqualTo(401);

        assertThat(send("both", "POST", "/v1/txn/" + id + "/commit", "").statusCode())
                .isEqualTo(200);
        assertThat(gateway.txn.newest()).containsOnlyKeys(key("fruit/1"));
    }

    @Test
    void aCallerHasNoMoreThanOneMay() { // R10
        gateway.kv.close();
        List<CompletableFuture<HttpResponse<byte[]>>> underWay = Stream.generate(() ->
                        gateway.http().sendAsync(as("modest", "/v1/raw/fruit/1").build(), BodyHandlers.ofByteArray()))
                .limit(2)
                .toList();
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(2));

        HttpResponse<byte[]> third = send("modest", "GET", "/v1/raw/fruit/1", "");
        assertThat(third.statusCode()).isEqualTo(429);
        assertThat(third.headers().firstValue("Retry-After")).hasValue("1");
        assertThat(json(third).get("type").asString()).isEqualTo("urn:rutile:problem:too-many-requests");
        assertThat(json(third).get("retryable").asBoolean()).isTrue();
        assertThat(send("modest", "PUT", "/v1/raw/fruit/1", "v").statusCode())
                .as("with a body")
                .isEqualTo(429);
        Throwable overGrpc = catchThrowable(() -> getOverGrpc(MODEST));
        assertThat(Status.fromThrowable(overGrpc).getCode()).isEqualTo(Code.RESOURCE_EXHAUSTED);
        HttpResponse<byte[]> others =
                gateway.send(as("reader", "/v1/raw/fruit/1").header("Rutile-Timeout", "50ms"));
        assertThat(others.statusCode()).as("somebody else is let in, and waits").isEqualTo(504);

        gateway.kv.open();
        assertThat(underWay)
                .allSatisfy(call -> assertThat(call.join().statusCode()).isEqualTo(200));
        assertThat(send("modest", "GET", "/v1/raw/fruit/1", "").statusCode()).isEqualTo(200);
        assertThat(getOverGrpc(MODEST)).isEqualTo("apple");
        assertThat(send("modest", "POST", "/v1/txn", "").statusCode()).isEqualTo(201);
        assertThat(send("modest", "POST", "/v1/txn", "").statusCode()).isEqualTo(429);
        assertThat(send("both", "POST", "/v1/txn", "").statusCode()).isEqualTo(201);
        assertThat(refused("too-many-requests")).isEqualTo(3);
    }

    private String getOverGrpc(String token) {
        return raw(token)
                .get(RawGetRequest.newBuilder()
                        .setKey(ByteString.copyFromUtf8("fruit/1"))
                        .build())
                .getValue()
                .toStringUtf8();
    }

    @Test
    void aChallengeSaysWhatIsWrongWithTheToken() {
        String expired = ISSUER.sign(ISSUER.claims(Instant.now(), "alice", "fruit-reader")
                .expirationTime(Date.from(Instant.now().minusSeconds(3_600))));

        assertThat(challenge(null)).isEqualTo("Bearer realm=\"rutile\"");
        assertThat(challenge(expired)).contains("error=\"invalid_token\"", "the token has expired");
        assertThat(challenge(ISSUER.sign(ISSUER.claims(Instant.now(), "alice").audience("another"))))
                .contains("another audience");
        assertThat(refused("expired")).isEqualTo(1);
        assertThat(refused("wrong-audience")).isEqualTo(1);
        assertThat(refused("no-credentials")).isPositive();
    }

    @Test
    void aSignedTokenHasTheRolesOfItsClaim() {
        String token = ISSUER.sign(ISSUER.claims(Instant.now(), "alice", "fruit-reader", "somebody-elses"));
        HttpResponse<byte[]> found = gateway.get("/v1/raw/fruit/1", "Authorization", "Bearer " + token);

        assertThat(found.statusCode()).isEqualTo(200);
        // Of so many refusals a second, those of other tests, not all are written.
        await().untilAsserted(() -> {
            assertThat(gateway.delete("/v1/raw/fruit/1", "Authorization", "Bearer " + token)
                            .statusCode())
                    .isEqualTo(403);
            assertThat(logged.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .anySatisfy(line -> assertThat(line)
                            .contains("\"caller\":\"jwt:alice\"", "\"reason\":\"not-allowed\"", "write raw"));
        });
    }

    @Test
    void noHeaderSaysWhoConnected() {
        await().untilAsserted(() -> {
            assertThat(gateway.get(
                                    "/v1/raw/fruit/2",
                                    "X-Forwarded-For",
                                    "198.51.100.7",
                                    "Forwarded",
                                    "for=198.51.100.7")
                            .statusCode())
                    .isEqualTo(401);
            assertThat(logged.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .anySatisfy(line -> assertThat(line).contains("\"door\":\"rest\"", "no-credentials"));
        });
        assertThat(logged.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .filteredOn(line -> line.contains("\"peer\""))
                .allSatisfy(line -> assertThat(line).contains("\"peer\":\"127.0.0.1\""));
    }

    @Test
    void theBodyOfAStrangerIsNotRead() throws IOException {
        String answer =
                gateway.raw("PUT /v1/raw/fruit/1 HTTP/1.1\r\nHost: gateway\r\nContent-Length: 8000000\r\n\r\nabc");

        assertThat(answer)
                .startsWith("HTTP/1.1 401 ")
                .contains("Connection: close", "urn:rutile:problem:unauthenticated");
    }

    @Test
    void twoCredentialsAreNone() throws IOException {
        String answer = gateway.raw(
                "GET /v1/raw/fruit/1 HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: Bearer " + READER
                        + "\r\nAuthorization: Bearer " + READER + "\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 401 ");
    }

    @Test
    void theDescriptionSaysThatATokenIsNeeded() {
        var document = json(send("reader", "GET", "/v3/api-docs", ""));

        assertThat(document.at("/components/securitySchemes/bearer/scheme").asString())
                .isEqualTo("bearer");
        assertThat(document.at("/security/0/bearer").isArray()).isTrue();
        assertThat(json(RunningGateway.shared().get("/v3/api-docs"))
                        .at("/security/0")
                        .isMissingNode())
                .isTrue();
    }

    // ---- gRPC

    @Test
    void grpcAsksTheSame() {
        RawGetRequest fruit = RawGetRequest.newBuilder().setKey(utf8("fruit/1")).build();
        RawGetRequest secret =
                RawGetRequest.newBuilder().setKey(utf8("secret/1")).build();

        assertCode(Code.UNAUTHENTICATED, "UNAUTHENTICATED", () -> raw(null).get(fruit));
        assertCode(
                Code.UNAUTHENTICATED,
                "UNAUTHENTICATED",
                () -> raw("x".repeat(40)).get(fruit));
        assertThat(raw(READER).get(fruit).getValue()).isEqualTo(utf8("apple"));
        assertCode(
                Code.PERMISSION_DENIED, "PERMISSION_DENIED", () -> raw(READER).get(secret));
        assertCode(
                Code.PERMISSION_DENIED, "PERMISSION_DENIED", () -> raw(WRITER).get(fruit));
        assertCode(
                Code.PERMISSION_DENIED,
                "PERMISSION_DENIED",
                () -> raw(READER)
                        .put(RawPutRequest.newBuilder().setKey(utf8("fruit/1")).build()));
        assertCode(
                Code.PERMISSION_DENIED,
                "PERMISSION_DENIED",
                () -> raw(WRITER)
                        .delete(RawDeleteRequest.newBuilder()
                                .setKey(utf8("secret/1"))
                                .build()));
        assertCode(
                Code.PERMISSION_DENIED,
                "PERMISSION_DENIED",
                () -> raw(READER).scan(RawScanRequest.getDefaultInstance()).hasNext());
        assertThat(raw(READER)
                        .scan(RawScanRequest.newBuilder()
                                .setScan(Scan.newBuilder().setPrefix(utf8("fruit/")))
                                .build())
                        .next()
                        .getPairsCount())
                .isEqualTo(1);
        assertThat(gateway.kv.pairs).hasSize(2);
    }

    @Test
    void anOpenTransactionOfGrpcIsItsOwners() {
        String id = txn(BOTH).begin(BeginRequest.getDefaultInstance()).getTransactionId();
        TxnPutRequest.Builder put = TxnPutRequest.newBuilder().setTransactionId(id);

        assertCode(
                Code.PERMISSION_DENIED,
                "PERMISSION_DENIED",
                () -> txn(BOTH).put(put.clone().addPairs(pair("secret/1")).build()));
        assertCode(
                Code.NOT_FOUND,
                "TRANSACTION_NOT_FOUND",
                () -> txn(WRITER).put(put.clone().addPairs(pair("fruit/1")).build()));
        txn(BOTH).put(put.clone().addPairs(pair("fruit/1")).build());
        CommitRequest commit = CommitRequest.newBuilder().setTransactionId(id).build();
        assertCode(Code.NOT_FOUND, "TRANSACTION_NOT_FOUND", () -> txn(WRITER).commit(commit));
        txn(BOTH).commit(commit);

        assertThat(gateway.txn.newest()).containsOnlyKeys(key("fruit/1"));
        // The other door knows the same owner.
        assertThat(send("writer", "POST", "/v1/txn/" + id + "/commit", "").statusCode())
                .isEqualTo(404);
        assertThat(send("both", "POST", "/v1/txn/" + id + "/commit", "").statusCode())
                .isEqualTo(200);
    }

    @Test
    void everyMethodOfGrpcAsks() {
        for (ServiceDescriptor service :
                List.of(RawKvGrpc.getServiceDescriptor(), TransactionsGrpc.getServiceDescriptor())) {
            assertThat(service.getMethods()).hasSizeGreaterThan(7).allSatisfy(this::assertAsks);
        }
    }

    private <Q, A> void assertAsks(MethodDescriptor<Q, A> method) {
        MethodDescriptor<Q, A> unary =
                method.toBuilder().setType(MethodDescriptor.MethodType.UNARY).build();
        @SuppressWarnings("unchecked")
        Q empty = ((MethodDescriptor.PrototypeMarshaller<Q>) method.getRequestMarshaller()).getMessagePrototype();
        Throwable refused = catchThrowable(
                () -> ClientCalls.blockingUnaryCall(gateway.channel(), unary, CallOptions.DEFAULT, empty));

        assertThat(Status.fromThrowable(refused).getCode()).isEqualTo(Code.UNAUTHENTICATED);
    }

    @Test
    void healthIsForEverybody() {
        assertThat(HealthGrpc.newBlockingStub(gateway.channel())
                        .check(HealthCheckRequest.getDefaultInstance())
                        .getStatusValue())
                .isPositive();
    }

    // ---- the management port

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(textBlock = """
            -,      /actuator/health/liveness,       200
            -,      /actuator/health/readiness,      503
            -,      /actuator/prometheus,            200
            -,      /actuator,                       401
            -,      /actuator/info,                  401
            -,      /actuator/env,                   401
            -,      /actuator/heapdump,              401
            -,      /actuator/nothing,               401
            -,      /,                               401
            -,      /v1/raw/fruit/1,                 401
            -,      /actuator/health/..%2Fenv,       400
            -,      /actuator/health/%2e%2e/env,     401
            -,      /actuator/health;a/liveness,     401
            -,      /actuator/healthy,               401
            reader, /actuator/env,                   403
            reader, /actuator/info,                  403
            -,      /actuator/rutile,                401
            -,      /actuator/rutile/drain/4,        401
            reader, /actuator/rutile/stores,         403
            admin,  /actuator/rutile/stores,         503
            admin,  /actuator/info,                  200
            admin,  /actuator/loggers,               200
            admin,  /actuator/nothing,               404
            """)
    void theManagementPortIsForAdminsButForWhatIsOpen(String who, String path, int status) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.managementPort + path));
        if (token(who) != null) {
            request.header("Authorization", "Bearer " + token(who));
        }

        HttpResponse<byte[]> answer = gateway.http().send(request.build(), HttpResponse.BodyHandlers.ofByteArray());

        assertThat(answer.statusCode()).isEqualTo(status);
        if (status == 401 || status == 403) {
            assertThat(json(answer).get("status").asInt()).isEqualTo(status);
        }
        if (who.equals("admin")) {
            assertThat(logged.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .anySatisfy(line -> assertThat(line)
                            .contains("\"event\":\"admin\"", "\"caller\":\"token:admin\"", "GET " + path));
        }
    }

    // ---- what does not start

    @ParameterizedTest
    @CsvSource({
        "server.address",
        "rutile.gateway.grpc.address",
        "management.server.address",
    })
    void withoutCredentialsOnlyThisMachineIsServed(String property) {
        assertThatThrownBy(() -> new SpringApplication(GatewayApplication.class)
                        .run(
                                "--server.port=0",
                                "--management.server.port=0",
                                "--rutile.gateway.grpc.port=0",
                                "--rutile.gateway.pd-endpoints=127.0.0.1:1",
                                "--" + property + "=0.0.0.0"))
                .hasRootCauseInstanceOf(OpenToStrangersException.class)
                .hasStackTraceContaining(property + " is 0.0.0.0");
        OpenToStrangersException open = new OpenToStrangersException(property, null);
        assertThat(new OpenToStrangersAnalyzer().analyze(open, open).getAction())
                .contains("rutile.gateway.security.insecure=true", "access-file");
    }

    @Test
    void whoSaysInsecureGetsIt() {
        // Bound to loopback all the same: tests open no port to others.
        try (RunningGateway open = RunningGateway.start("rutile.gateway.security.insecure=true")) {
            assertThat(open.get("/").statusCode()).isEqualTo(200);
        }
    }

    // ---- what tests of this class share

    private HttpResponse<byte[]> send(String who, String method, String path, String body) {
        return gateway.send(as(who, path).method(method, HttpRequest.BodyPublishers.ofString(body)));
    }

    private HttpRequest.Builder as(String who, String path) {
        HttpRequest.Builder request = gateway.request(path);
        String token = token(who);
        return token == null ? request : request.header("Authorization", "Bearer " + token);
    }

    private static @Nullable String token(String who) {
        return switch (who) {
            case "-" -> null;
            case "reader" -> READER;
            case "writer" -> WRITER;
            case "both" -> BOTH;
            case "modest" -> MODEST;
            case "admin" -> ADMIN;
            default -> "nobody0123456789nobody0123456789";
        };
    }

    private String challenge(@Nullable String token) {
        HttpResponse<byte[]> answer = token == null
                ? gateway.get("/v1/raw/fruit/1")
                : gateway.get("/v1/raw/fruit/1", "Authorization", "Bearer " + token);
        return answer.headers().firstValue("WWW-Authenticate").orElse("");
    }

    private double refused(String reason) {
        return gateway.context()
                .getBean(MeterRegistry.class)
                .get("kv.gateway.auth.refused")
                .tag("reason", reason)
                .counter()
                .count();
    }

    private RawKvGrpc.RawKvBlockingStub raw(@Nullable String token) {
        return RawKvGrpc.newBlockingStub(gateway.channel())
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(token)));
    }

    private TransactionsGrpc.TransactionsBlockingStub txn(String token) {
        return TransactionsGrpc.newBlockingStub(gateway.channel())
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers(token)));
    }

    private static Metadata headers(@Nullable String token) {
        Metadata headers = new Metadata();
        if (token != null) {
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
        }
        return headers;
    }

    private static void assertCode(Code code, String reason, ThrowingCallable call) {
        Throwable failure = catchThrowable(call);
        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(code);
        com.google.rpc.Status status = StatusProto.fromThrowable(failure);
        assertThat(status).isNotNull();
        assertThat(status.getDetailsList())
                .anySatisfy(detail ->
                        assertThat(detail.unpack(ErrorInfo.class).getReason()).isEqualTo(reason));
    }

    private static ByteString utf8(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static Pair pair(String key) {
        return Pair.newBuilder().setKey(utf8(key)).setValue(utf8("v")).build();
    }

    private static String sha256(String token) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes(token)));
    }
}
