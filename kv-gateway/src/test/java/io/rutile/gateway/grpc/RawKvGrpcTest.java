package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static io.rutile.gateway.grpc.GrpcTesting.assertRefused;
import static io.rutile.gateway.grpc.GrpcTesting.pair;
import static io.rutile.gateway.grpc.GrpcTesting.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.rutile.client.KvClientException.Kind;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.v1.BatchGetResponse;
import io.rutile.gateway.v1.Pair;
import io.rutile.gateway.v1.Range;
import io.rutile.gateway.v1.RawBatchDeleteRequest;
import io.rutile.gateway.v1.RawBatchGetRequest;
import io.rutile.gateway.v1.RawBatchPutRequest;
import io.rutile.gateway.v1.RawCompareAndSwapRequest;
import io.rutile.gateway.v1.RawCompareAndSwapResponse;
import io.rutile.gateway.v1.RawDeleteRequest;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawGetResponse;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawScanRequest;
import io.rutile.gateway.v1.Scan;
import io.rutile.gateway.v1.ScanResponse;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RawKvGrpcTest {

    private final RunningGateway gateway = RunningGateway.shared();
    private final RawKvGrpc.RawKvBlockingStub raw = RawKvGrpc.newBlockingStub(gateway.channel());

    @AfterEach
    void nothingIsLostOrStuck() {
        gateway.kv.open();
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
    }

    @Test
    void aKeyIsWrittenReadAndDeleted() {
        assertThat(get("k")).isEqualTo(RawGetResponse.getDefaultInstance());

        raw.put(RawPutRequest.newBuilder().setKey(utf8("k")).setValue(utf8("v")).build());
        assertThat(get("k").getValue()).isEqualTo(utf8("v"));
        assertThat(gateway.kv.ttls.get(key("k"))).isEqualTo(Duration.ZERO);

        raw.delete(RawDeleteRequest.newBuilder().setKey(utf8("k")).build());
        assertThat(get("k").hasValue()).isFalse();
        raw.delete(RawDeleteRequest.newBuilder().setKey(utf8("k")).build());
    }

    @Test
    void everyByteStringIsAKeyAndAValue() {
        byte[] all = new byte[256];
        IntStream.range(0, 256).forEach(i -> all[i] = (byte) i);
        for (ByteString bytes : List.of(ByteString.EMPTY, ByteString.copyFrom(all))) {
            raw.put(RawPutRequest.newBuilder().setKey(bytes).setValue(bytes).build());

            RawGetResponse found =
                    raw.get(RawGetRequest.newBuilder().setKey(bytes).build());
            assertThat(found.hasValue()).isTrue();
            assertThat(found.getValue()).isEqualTo(bytes);
        }
    }

    @Test
    void valuesLiveAsLongAsTheyAreTold() {
        raw.put(RawPutRequest.newBuilder()
                .setKey(utf8("k"))
                .setValue(utf8("v"))
                .setTtlSeconds(60)
                .build());
        gateway.kv.pairs.put(key("for ever"), bytes("v"));

        assertThat(raw.get(RawGetRequest.newBuilder()
                                .setKey(utf8("k"))
                                .setWithTtl(true)
                                .build())
                        .getTtlSeconds())
                .isEqualTo(60);
        assertThat(get("k").hasTtlSeconds()).isFalse();
        assertThat(raw.get(RawGetRequest.newBuilder()
                                .setKey(utf8("for ever"))
                                .setWithTtl(true)
                                .build())
                        .hasTtlSeconds())
                .isFalse();
    }

    @Test
    void aSwapTellsWhatWasThere() {
        RawCompareAndSwapRequest create = RawCompareAndSwapRequest.newBuilder()
                .setKey(utf8("k"))
                .setUpdate(utf8("1"))
                .build();

        RawCompareAndSwapResponse created = raw.compareAndSwap(create);
        RawCompareAndSwapResponse refused = raw.compareAndSwap(create);
        RawCompareAndSwapResponse deleted = raw.compareAndSwap(RawCompareAndSwapRequest.newBuilder()
                .setKey(utf8("k"))
                .setExpected(utf8("1"))
                .build());

        assertThat(created.getSwapped()).isTrue();
        assertThat(created.hasPrevious()).isFalse();
        assertThat(refused.getSwapped()).isFalse();
        assertThat(refused.getPrevious()).isEqualTo(utf8("1"));
        assertThat(deleted.getSwapped()).isTrue();
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void aSwapWhoseOutcomeIsNotKnownIsNotToBeRepeated() { // P5
        RawCompareAndSwapRequest swap =
                RawCompareAndSwapRequest.newBuilder().setKey(utf8("k")).build();
        gateway.kv.failNext(Kind.UNDETERMINED);
        assertThat(GrpcTesting.error(assertRefused(() -> raw.compareAndSwap(swap), Code.UNKNOWN, "UNDETERMINED")))
                .isEqualTo("UndeterminedResult");
        gateway.kv.failNext(Kind.TIMEOUT);
        assertThat(GrpcTesting.retryable(
                        assertRefused(() -> raw.compareAndSwap(swap), Code.DEADLINE_EXCEEDED, "TIMEOUT")))
                .isFalse();
        gateway.kv.failNext(Kind.TIMEOUT);
        assertThat(GrpcTesting.retryable(assertRefused(() -> get("k"), Code.DEADLINE_EXCEEDED, "TIMEOUT")))
                .isTrue();
    }

    @Test
    void manyKeysTakeOneCall() {
        raw.batchPut(RawBatchPutRequest.newBuilder()
                .addPairs(pair("a", "1"))
                .addPairs(pair("b", "2"))
                .addPairs(pair("c", "3"))
                .setTtlSeconds(7)
                .build());
        raw.batchDelete(RawBatchDeleteRequest.newBuilder().addKeys(utf8("b")).build());

        assertThat(batchGet("c", "b", "a").stream().flatMap(part -> part.getPairsList().stream()))
                .extracting(GrpcTesting::text)
                .containsExactly("c=3", "a=1");
        assertThat(batchGet()).isEmpty();
        assertThat(gateway.kv.ttls.get(key("a"))).isEqualTo(Duration.ofSeconds(7));
    }

    @Test
    void aBatchThatIsFullNamesTheKeysItDidNotLookAt() {
        String[] keys = IntStream.range(0, 100).mapToObj("k%02d"::formatted).toArray(String[]::new);
        for (String key : keys) {
            gateway.kv.pairs.put(key(key), new byte[300_000]);
        }

        List<BatchGetResponse> parts = batchGet(keys);

        List<String> seen = new ArrayList<>();
        parts.forEach(part ->
                part.getPairsList().forEach(pair -> seen.add(pair.getKey().toStringUtf8())));
        parts.forEach(part -> part.getUnreadKeysList().forEach(key -> seen.add(key.toStringUtf8())));
        assertThat(seen).containsExactly(keys);
        assertThat(parts).allMatch(part -> part.getSerializedSize() < 512 << 10);
        assertThat(parts.get(parts.size() - 1).getUnreadKeysCount()).isPositive();
    }

    @Test
    void scansGoBothWaysInPartsAndWithinTheirBounds() {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%03d".formatted(i)), bytes("v" + i)));
        gateway.kv.pairs.put(key("l"), bytes("beyond"));
        gateway.kv.pairs.put(ByteKey.wrap(new byte[] {-1}), bytes("last"));

        assertThat(scan(Scan.newBuilder())).hasSize(1_002);
        assertThat(scan(Scan.newBuilder().setPrefix(utf8("k")))).hasSize(1_000).startsWith("k000=v0");
        assertThat(scan(Scan.newBuilder().setPrefix(ByteString.copyFrom(new byte[] {-1}))))
                .hasSize(1);
        assertThat(scan(Scan.newBuilder().setRange(range("k010", "k012")))).containsExactly("k010=v10", "k011=v11");
        assertThat(scan(Scan.newBuilder().setRange(range("k010", "k012")).setReverse(true)))
                .containsExactly("k011=v11", "k010=v10");
        assertThat(scan(Scan.newBuilder()
                        .setRange(range("k999", ""))
                        .setKeysOnly(true)
                        .setLimit(2)))
                .containsExactly("k999=", "l=");
        assertThat(scan(Scan.newBuilder().setRange(range("b", "a")))).isEmpty();
        assertThat(scan(Scan.newBuilder().setLimit(0))).isEmpty();
        assertThat(scan(Scan.newBuilder().setLimit(-1))).as("2^64-1").hasSize(1_002);
    }

    @Test
    void aScanThatFailsInTheMiddleSaysSo() {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("k%03d".formatted(i)), bytes("v")));
        gateway.kv.failScanAtPage(3);

        List<Pair> seen = new ArrayList<>();
        Iterator<ScanResponse> parts = raw.scan(RawScanRequest.getDefaultInstance());
        assertRefused(
                () -> parts.forEachRemaining(part -> seen.addAll(part.getPairsList())),
                Code.UNAVAILABLE,
                "UNAVAILABLE");

        assertThat(seen).hasSize(300);
    }

    @Test
    void whatIsNotValidIsRefusedAndWritesNothing() {
        ByteString longKey = ByteString.copyFrom(new byte[WireLimits.KEY_BYTES_MAX + 1]);
        ByteString largeValue = ByteString.copyFrom(new byte[WireLimits.ENTRY_BYTES_MAX + 1]);

        assertInvalid(() -> raw.get(RawGetRequest.newBuilder().setKey(longKey).build()));
        assertInvalid(() -> raw.put(RawPutRequest.newBuilder().setKey(longKey).build()));
        assertInvalid(() -> raw.put(RawPutRequest.newBuilder().setTtlSeconds(-1).build()));
        assertInvalid(() -> raw.put(
                RawPutRequest.newBuilder().setTtlSeconds(36_500L * 86_400 + 1).build()));
        assertInvalid(
                () -> raw.delete(RawDeleteRequest.newBuilder().setKey(longKey).build()));
        assertInvalid(() -> raw.batchPut(RawBatchPutRequest.newBuilder()
                .addPairs(pair("twice", "1"))
                .addPairs(pair("twice", "2"))
                .build()));
        assertInvalid(() -> raw.scan(RawScanRequest.newBuilder()
                        .setScan(Scan.newBuilder().setPrefix(longKey))
                        .build())
                .hasNext());
        assertThat(GrpcTesting.error(assertRefused(
                        () -> raw.put(
                                RawPutRequest.newBuilder().setValue(largeValue).build()),
                        Code.INVALID_ARGUMENT,
                        "TOO_LARGE")))
                .isEqualTo("RaftEntryTooLarge");
        assertRefused(
                () -> raw.batchDelete(RawBatchDeleteRequest.newBuilder()
                        .addAllKeys(Collections.nCopies(WireLimits.BATCH_ITEMS_MAX + 1, utf8("k")))
                        .build()),
                Code.INVALID_ARGUMENT,
                "TOO_LARGE");
        assertThat(gateway.kv.pairs).isEmpty();
    }

    @Test
    void aValueOfFullSizeGoesBothWays() {
        ByteString value = ByteString.copyFrom(new byte[WireLimits.ENTRY_BYTES_MAX]);

        raw.put(RawPutRequest.newBuilder().setKey(utf8("k")).setValue(value).build());

        assertThat(get("k").getValue()).isEqualTo(value);
    }

    @Test
    void aCallEndsByItsDeadline() {
        gateway.kv.close();

        assertThatThrownBy(
                        () -> raw.withDeadlineAfter(200, TimeUnit.MILLISECONDS).get(RawGetRequest.getDefaultInstance()))
                .satisfies(failure ->
                        assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Code.DEADLINE_EXCEEDED));

        await().untilAsserted(() -> assertThat(gateway.gauge("kv.gateway.requests.in.flight"))
                .as("the work ends by the same deadline")
                .isZero());
    }

    @Test
    void callsAreTimedByMethodAndCodeWithoutTheirKeys() {
        long before = gateway.grpcCalls("rutile.gateway.v1.RawKv/Get", "OK");

        get("secret-key");

        await().untilAsserted(() -> assertThat(gateway.grpcCalls("rutile.gateway.v1.RawKv/Get", "OK"))
                .isEqualTo(before + 1));
        assertThat(new String(
                        gateway.send(java.net.http.HttpRequest.newBuilder(java.net.URI.create(
                                        "http://127.0.0.1:" + gateway.managementPort + "/actuator/prometheus")))
                                .body(),
                        java.nio.charset.StandardCharsets.UTF_8))
                .contains(
                        "kv_gateway_grpc_seconds_count{application=\"kv-gateway\",code=\"OK\",method=\"rutile.gateway.v1.RawKv/Get\"")
                .doesNotContain("secret-key");
    }

    @Test
    void healthFollowsTheCluster() {
        // This gateway's cluster cannot be reached; ClusterRecoveryTest sees the other half.
        for (String service : List.of("", "rutile.gateway.v1.RawKv", "rutile.gateway.v1.Transactions")) {
            assertThat(HealthGrpc.newBlockingStub(gateway.channel())
                            .check(HealthCheckRequest.newBuilder()
                                    .setService(service)
                                    .build())
                            .getStatus())
                    .isEqualTo(ServingStatus.NOT_SERVING);
        }
    }

    private RawGetResponse get(String key) {
        return raw.get(RawGetRequest.newBuilder().setKey(utf8(key)).build());
    }

    private List<BatchGetResponse> batchGet(String... keys) {
        RawBatchGetRequest.Builder request = RawBatchGetRequest.newBuilder();
        for (String key : keys) {
            request.addKeys(utf8(key));
        }
        List<BatchGetResponse> parts = new ArrayList<>();
        raw.batchGet(request.build()).forEachRemaining(parts::add);
        return parts;
    }

    private List<String> scan(Scan.Builder scan) {
        List<String> pairs = new ArrayList<>();
        raw.scan(RawScanRequest.newBuilder().setScan(scan).build())
                .forEachRemaining(part -> part.getPairsList().forEach(pair -> pairs.add(GrpcTesting.text(pair))));
        return pairs;
    }

    private static Range range(String start, String end) {
        return Range.newBuilder().setStart(utf8(start)).setEnd(utf8(end)).build();
    }

    private static void assertInvalid(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertRefused(call, Code.INVALID_ARGUMENT, "INVALID_REQUEST");
    }
}
