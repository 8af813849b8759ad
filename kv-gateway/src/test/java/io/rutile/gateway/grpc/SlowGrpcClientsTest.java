package io.rutile.gateway.grpc;

import static io.rutile.gateway.RunningGateway.key;
import static io.rutile.gateway.grpc.GrpcTesting.assertRefused;
import static io.rutile.gateway.grpc.GrpcTesting.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import com.google.rpc.RetryInfo;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.gateway.RunningGateway;
import io.rutile.gateway.kv.InMemoryKvOperations;
import io.rutile.gateway.v1.RawGetRequest;
import io.rutile.gateway.v1.RawGetResponse;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawPutResponse;
import io.rutile.gateway.v1.RawScanRequest;
import io.rutile.gateway.v1.ScanResponse;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that say nothing, stop in the middle or do not read: with tight limits, and others served (R10). */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SlowGrpcClientsTest {

    private static final int PAGE_BYTES = InMemoryKvOperations.PAGE_PAIRS * 10_003;

    private static RunningGateway gateway;
    private static RawKvGrpc.RawKvBlockingStub raw;
    /** To a client that lets the gateway send 64 KiB before it has to read. */
    private static ManagedChannel narrow;

    @BeforeAll
    static void start() {
        gateway = RunningGateway.start(
                "rutile.gateway.grpc.client-timeout=1s",
                "rutile.gateway.grpc.handshake-timeout=1s",
                "rutile.gateway.grpc.connections-max=50",
                "rutile.gateway.requests-max=8",
                "rutile.gateway.in-flight-bytes-max=20MB");
        raw = RawKvGrpc.newBlockingStub(gateway.channel());
        narrow = NettyChannelBuilder.forAddress("127.0.0.1", gateway.grpcPort)
                .usePlaintext()
                .flowControlWindow(64 << 10)
                .maxInboundMessageSize(32 << 20)
                .build();
    }

    @AfterAll
    static void stop() {
        narrow.shutdownNow();
        gateway.close();
    }

    @AfterEach
    void nothingIsLostOrStuck() {
        gateway.kv.open();
        await().untilAsserted(() -> {
            assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
            assertThat(gateway.gauge("kv.gateway.in.flight")).isZero();
        });
        put("alive", utf8("yes"));
        gateway.kv.reset();
    }

    @Test
    void silentConnectionsKeepNobodyOut() throws IOException {
        List<Socket> silent = new ArrayList<>();
        ManagedChannel newcomer = NettyChannelBuilder.forAddress("127.0.0.1", gateway.grpcPort)
                .usePlaintext()
                .build();
        try {
            for (int i = 0; i < 1_000; i++) {
                silent.add(gateway.open("", gateway.grpcPort));
            }

            assertThat(RawKvGrpc.newBlockingStub(newcomer)
                            .withDeadlineAfter(10, TimeUnit.SECONDS)
                            .get(RawGetRequest.getDefaultInstance())
                            .hasValue())
                    .isFalse();

            put("k", utf8("v"));
            assertThat(gateway.refused("grpc-connections")).isPositive();
            assertClosed(silent.get(0));
            assertClosed(silent.get(999));
        } finally {
            newcomer.shutdownNow();
            for (Socket socket : silent) {
                socket.close();
            }
        }
    }

    private static void assertClosed(Socket socket) {
        try {
            while (socket.getInputStream().read() >= 0) {
                // A goodbye, perhaps.
            }
        } catch (java.net.SocketTimeoutException stillOpen) {
            throw new AssertionError("nobody closed it", stillOpen);
        } catch (IOException reset) {
            // An end too.
        }
    }

    @Test
    void callsThatNeverEndAreEnded() {
        double stalledBefore = stalled();
        List<ManualCall<RawPutResponse>> endless = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            endless.add(ManualCall.start(gateway.channel(), RawKvGrpc.getPutMethod(), CallOptions.DEFAULT));
            ManualCall<RawPutResponse> half =
                    ManualCall.start(gateway.channel(), RawKvGrpc.getPutMethod(), CallOptions.DEFAULT);
            half.call.sendMessage(RawPutRequest.getDefaultInstance());
            endless.add(half);
        }
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(6));

        put("k", utf8("v"));

        assertThat(endless)
                .allSatisfy(ended -> assertThat(
                                ended.status.get(20, TimeUnit.SECONDS).getCode())
                        .isEqualTo(Code.CANCELLED));
        assertThat(stalled()).isEqualTo(stalledBefore + 6);
        assertThat(gateway.kv.pairs).containsOnlyKeys(key("k"));
    }

    @Test
    void aMessageThatStopsInTheMiddleHoldsWhatHasArrived() throws IOException {
        String begun = Http2Frames.connection()
                .call(1, "rutile.gateway.v1.RawKv/Put")
                .messageHead(1, 8_000_000, 40_000)
                .text();
        try (Socket socket = gateway.open(begun, gateway.grpcPort)) {
            await().untilAsserted(() ->
                    assertThat(gateway.gauge("kv.gateway.in.flight")).isEqualTo(40_000));

            put("k", utf8("v"));

            await().untilAsserted(() -> assertThat(gateway.gauge("kv.gateway.requests.in.flight"))
                    .as("given up after the time-out, the connection still open")
                    .isZero());
            assertThat(socket.isClosed()).isFalse();
        }
    }

    @Test
    void aDeafClientHoldsOnePageOfItsScanForAWhile() {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("%03d".formatted(i)), new byte[10_000]));
        ManualCall<ScanResponse> deaf = ManualCall.start(narrow, RawKvGrpc.getScanMethod(), CallOptions.DEFAULT);
        deaf.call.sendMessage(RawScanRequest.getDefaultInstance());
        deaf.call.halfClose();
        await().untilAsserted(() -> assertThat(gateway.kv.pagesScanned.get()).isEqualTo(1));

        assertThat(gateway.gauge("kv.gateway.in.flight")).isLessThanOrEqualTo(PAGE_BYTES);
        put("k", utf8("v"));

        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
        assertThat(gateway.kv.pagesScanned.get()).isEqualTo(1);
        deaf.call.cancel("enough", null);
    }

    @Test
    void aSlowReaderGetsEverythingPageByPage() throws Exception {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("%03d".formatted(i)), new byte[10_000]));
        ManualCall<ScanResponse> slow = ManualCall.start(narrow, RawKvGrpc.getScanMethod(), CallOptions.DEFAULT);
        slow.call.sendMessage(RawScanRequest.getDefaultInstance());
        slow.call.halfClose();

        while (!slow.status.isDone()) {
            int before = slow.messages.get();
            slow.call.request(1);
            await().pollInterval(Duration.ofMillis(5))
                    .until(() -> slow.messages.get() > before || slow.status.isDone());
            int pairsSeen = slow.pairs.get();
            // One page that is being sent, and one message under way on each side.
            assertThat(gateway.kv.pagesScanned.get())
                    .isLessThanOrEqualTo(pairsSeen / InMemoryKvOperations.PAGE_PAIRS + 2);
            assertThat(gateway.gauge("kv.gateway.in.flight")).isLessThanOrEqualTo(PAGE_BYTES);
        }

        assertThat(slow.status.get().getCode()).isEqualTo(Code.OK);
        assertThat(slow.pairs.get()).isEqualTo(1_000);
    }

    @Test
    void aDeafClientHoldsItsValueForAWhile() {
        gateway.kv.pairs.put(key("big"), new byte[8 << 20]);
        ManualCall<RawGetResponse> deaf = ManualCall.start(narrow, RawKvGrpc.getGetMethod(), CallOptions.DEFAULT);
        deaf.call.sendMessage(RawGetRequest.newBuilder().setKey(utf8("big")).build());
        deaf.call.halfClose();
        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isGreaterThanOrEqualTo(8 << 20));

        put("k", utf8("v"));

        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isZero());
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero();
        deaf.call.cancel("enough", null);
    }

    @Test
    void aCancelledScanStops() throws Exception {
        IntStream.range(0, 1_000).forEach(i -> gateway.kv.pairs.put(key("%03d".formatted(i)), new byte[10_000]));
        ManualCall<ScanResponse> scan = ManualCall.start(narrow, RawKvGrpc.getScanMethod(), CallOptions.DEFAULT);
        scan.call.sendMessage(RawScanRequest.getDefaultInstance());
        scan.call.halfClose();
        scan.call.request(1);
        await().until(() -> scan.messages.get() == 1);

        scan.call.cancel("enough", null);

        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isZero());
        assertThat(gateway.kv.pagesScanned.get()).isLessThanOrEqualTo(2);
        assertThat(gateway.grpcCalls("rutile.gateway.v1.RawKv/Scan", "CANCELLED"))
                .isPositive();
    }

    @Test
    void aCallThatIsCancelledKeepsItsPlaceUntilItsWorkIsDone() {
        gateway.kv.close();
        ManualCall<RawGetResponse> get =
                ManualCall.start(gateway.channel(), RawKvGrpc.getGetMethod(), CallOptions.DEFAULT);
        get.call.sendMessage(RawGetRequest.getDefaultInstance());
        get.call.halfClose();
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(1));

        long before = gateway.grpcCalls("rutile.gateway.v1.RawKv/Get", "CANCELLED");
        get.call.cancel("enough", null);

        await().untilAsserted(() -> assertThat(gateway.grpcCalls("rutile.gateway.v1.RawKv/Get", "CANCELLED"))
                .isEqualTo(before + 1));
        assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(1);
    }

    @Test
    void oneCallTooManyIsToldToComeBack() throws Exception {
        gateway.kv.close();
        List<ListenableFuture<RawGetResponse>> waiting = IntStream.range(0, 8)
                .mapToObj(i -> RawKvGrpc.newFutureStub(gateway.channel()).get(RawGetRequest.getDefaultInstance()))
                .toList();
        await().untilAsserted(() ->
                assertThat(gateway.gauge("kv.gateway.requests.in.flight")).isEqualTo(8));

        var status = assertRefused(() -> raw.get(RawGetRequest.getDefaultInstance()), Code.UNAVAILABLE, "BUSY");
        gateway.kv.open();

        assertThat(GrpcTesting.error(status)).isEqualTo("ServerIsBusy");
        assertThat(GrpcTesting.detail(status, RetryInfo.class)).isPresent();
        for (ListenableFuture<RawGetResponse> answer : waiting) {
            assertThat(answer.get(10, TimeUnit.SECONDS).hasValue()).isFalse();
        }
    }

    @Test
    void moreBytesThanTheGatewayMayHoldAreRefused() throws Exception {
        gateway.kv.close();
        RawPutRequest large = RawPutRequest.newBuilder()
                .setValue(ByteString.copyFrom(new byte[8 << 20]))
                .build();
        RawKvGrpc.RawKvFutureStub later = RawKvGrpc.newFutureStub(gateway.channel());
        var first = later.put(large.toBuilder().setKey(utf8("a")).build());
        var second = later.put(large.toBuilder().setKey(utf8("b")).build());
        await().untilAsserted(
                        () -> assertThat(gateway.gauge("kv.gateway.in.flight")).isGreaterThanOrEqualTo(16 << 20));

        Throwable refused =
                catchThrowable(() -> raw.put(large.toBuilder().setKey(utf8("c")).build()));
        Throwable refusedToo = catchThrowable(() -> raw.withCompression("gzip")
                .put(large.toBuilder().setKey(utf8("d")).build()));
        gateway.kv.open();

        assertThat(Status.fromThrowable(refused).getCode()).isEqualTo(Code.UNAVAILABLE);
        assertThat(Status.fromThrowable(refused).getDescription()).contains("busy");
        assertThat(Status.fromThrowable(refusedToo).getCode())
                .as("small on the wire, large in memory")
                .isEqualTo(Code.UNAVAILABLE);
        first.get(10, TimeUnit.SECONDS);
        second.get(10, TimeUnit.SECONDS);
        assertThat(gateway.kv.pairs).containsOnlyKeys(key("a"), key("b"));
    }

    @Test
    void aValueThatDoesNotFitIsNotSent() {
        gateway.kv.pairs.put(key("big"), new byte[21 << 20]);

        assertRefused(
                () -> raw.get(RawGetRequest.newBuilder().setKey(utf8("big")).build()), Code.UNAVAILABLE, "BUSY");
    }

    private static void put(String key, ByteString value) {
        raw.withDeadlineAfter(10, TimeUnit.SECONDS)
                .put(RawPutRequest.newBuilder()
                        .setKey(utf8(key))
                        .setValue(value)
                        .build());
    }

    private static double stalled() {
        return gateway.context()
                .getBean(io.micrometer.core.instrument.MeterRegistry.class)
                .get("kv.gateway.grpc.stalled")
                .counter()
                .count();
    }

    /** A call that reads only what the test asks for. */
    private static final class ManualCall<R> extends ClientCall.Listener<R> {

        final CompletableFuture<Status> status = new CompletableFuture<>();
        final AtomicInteger messages = new AtomicInteger();
        final AtomicInteger pairs = new AtomicInteger();
        final ClientCall<Object, R> call;

        private ManualCall(ClientCall<Object, R> call) {
            this.call = call;
        }

        @SuppressWarnings("unchecked")
        static <Q, R> ManualCall<R> start(ManagedChannel channel, MethodDescriptor<Q, R> method, CallOptions options) {
            ManualCall<R> started = new ManualCall<>((ClientCall<Object, R>) channel.newCall(method, options));
            started.call.start(started, new Metadata());
            return started;
        }

        @Override
        public void onMessage(R message) {
            if (message instanceof ScanResponse part) {
                pairs.addAndGet(part.getPairsCount());
            }
            messages.incrementAndGet();
        }

        @Override
        public void onClose(Status how, Metadata trailers) {
            status.complete(how);
        }
    }
}
