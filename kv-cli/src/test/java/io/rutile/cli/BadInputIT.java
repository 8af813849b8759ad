package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.client.RutileClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.WireLimits;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.kvrpcpb.RawGetResponse;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.kvrpcpb.RawScanRequest;
import io.rutile.protocol.kvrpcpb.RawScanResponse;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.pdpb.AllocIDRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What nobody should send. Each ends in a typed error or a closed connection (E1), and the cluster serves on with nothing lost. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class BadInputIT {

    private static final long SEED = Long.getLong("seed", 20_260_102L);
    private static final int SILENT_CONNECTIONS = 10_000;
    private static final Duration NEWCOMER_WAIT_MAX = Duration.ofSeconds(45);
    private static final byte[] HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] EMPTY_SETTINGS = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static final String PREFIX = "bad-input/";

    /** Whichever process that is. */
    private static final String PD_LEADER = "leader of PD";

    private static TestHouse house;
    private static RutileClient client;

    @BeforeAll
    static void up(TestHouse shared) throws Exception {
        house = shared;
        client = house.client();
        client.raw()
                .put(key("kept"), bytes("from the beginning"), Duration.ZERO)
                .get(20, TimeUnit.SECONDS);
    }

    @AfterAll
    static void down() {
        if (client != null) {
            client.close();
        }
    }

    /** Every process alive, what was there still there, and a new write through both doors. */
    @AfterEach
    void nothingIsLostOrStuck() throws Exception {
        assertThat(house.cluster().running()).hasSameSizeAs(house.cluster().processes());
        assertThat(client.raw().get(key("kept")).get(10, TimeUnit.SECONDS)).hasValue(bytes("from the beginning"));
        client.raw().put(key("again"), bytes("written"), Duration.ZERO).get(10, TimeUnit.SECONDS);
        assertThat(rest("GET", "/v1/raw/" + PREFIX + "again", "").body()).isEqualTo("written");
    }

    @Test
    void garbageOnEveryPort() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        byte[] noise = new byte[64 << 10];
        random.nextBytes(noise);
        byte[] hugeFrame = {(byte) 0xff, (byte) 0xff, (byte) 0xff, 0, 0, 0, 0, 0, 1};
        byte[] tlsHello = {0x16, 3, 1, 2, 0, 1, 0, 1, (byte) 0xfc, 3, 3};
        List<byte[]> garbage = List.of(
                noise,
                tlsHello,
                bytes("GET / HTTP/1.1\r\nHost: \u0000\r\nContent-Length: -1\r\n\r\n"),
                bytes("POST /pd/api/v1/config HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"),
                concat(HTTP2_PREFACE, noise),
                concat(HTTP2_PREFACE, EMPTY_SETTINGS, hugeFrame, noise));
        for (int port : everyPort()) {
            for (byte[] bytes : garbage) {
                sendAndForget(port, bytes);
            }
        }
    }

    @Test
    void halfClosedConnections() throws Exception {
        for (int port : everyPort()) {
            for (byte[] bytes : List.of(new byte[0], HTTP2_PREFACE, concat(HTTP2_PREFACE, EMPTY_SETTINGS))) {
                try (Socket socket = connect(port)) {
                    socket.getOutputStream().write(bytes);
                    socket.shutdownOutput();
                    drain(socket);
                }
            }
        }
    }

    @Test
    void aHalfClosedBatchStreamGetsItsAnswersAndEnds() throws Exception {
        withLeader((channel, context) -> {
            CountDownLatch answered = new CountDownLatch(1);
            CountDownLatch ended = new CountDownLatch(1);
            StreamObserver<BatchCommandsRequest> requests = TikvGrpc.newStub(channel)
                    .batchCommands(new StreamObserver<>() {
                        @Override
                        public void onNext(BatchCommandsResponse response) {
                            if (response.getResponses(0)
                                    .getRawGet()
                                    .getValue()
                                    .toStringUtf8()
                                    .equals("from the beginning")) {
                                answered.countDown();
                            }
                        }

                        @Override
                        public void onError(Throwable failure) {
                            ended.countDown();
                        }

                        @Override
                        public void onCompleted() {
                            ended.countDown();
                        }
                    });
            requests.onNext(BatchCommandsRequest.newBuilder()
                    .addRequestIds(7)
                    .addRequests(BatchCommandsRequest.Request.newBuilder()
                            .setRawGet(RawGetRequest.newBuilder()
                                    .setContext(context)
                                    .setKey(utf8(PREFIX + "kept"))))
                    .build());
            requests.onCompleted();

            assertThat(answered.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        });
    }

    /** Who is served already is served on; a newcomer may have to wait until the silent ones are hung up on, but not for ever. */
    @ParameterizedTest
    @CsvSource({"node-1, grpc", "node-1, raft", PD_LEADER + ", client", PD_LEADER + ", raft", "gateway, http"})
    void tenThousandConnectionsThatSayNothing(String process, String purpose) throws Exception {
        InetSocketAddress door = new InetSocketAddress(InetAddress.getLoopbackAddress(), port(process, purpose));
        List<SocketChannel> silent = new ArrayList<>();
        try {
            for (int i = 0; i < SILENT_CONNECTIONS; i++) {
                SocketChannel channel = SocketChannel.open();
                silent.add(channel);
                channel.configureBlocking(false);
                channel.connect(door);
            }

            client.raw().put(key("beside"), bytes(process), Duration.ZERO).get(10, TimeUnit.SECONDS);
            await().atMost(NEWCOMER_WAIT_MAX).ignoreExceptions().untilAsserted(() -> {
                try (RutileClient newcomer = house.client()) {
                    assertThat(newcomer.raw().get(key("beside")).get(5, TimeUnit.SECONDS))
                            .hasValue(bytes(process));
                }
                assertThat(rest("GET", "/v1/raw/" + PREFIX + "beside", "").body())
                        .isEqualTo(process);
            });
        } finally {
            for (SocketChannel channel : silent) {
                channel.close();
            }
        }
    }

    @Test
    void aKeyThatIsTooLong() throws Exception {
        withLeader((channel, context) -> {
            RawPutResponse response = tikv(channel)
                    .rawPut(RawPutRequest.newBuilder()
                            .setContext(context)
                            .setKey(ByteString.copyFrom(new byte[WireLimits.KEY_BYTES_MAX + 1]))
                            .setValue(utf8("v"))
                            .build());

            assertThat(response.getError()).isNotEmpty();
        });
    }

    @Test
    void aValueThatIsTooLarge() throws Exception {
        withLeader((channel, context) -> {
            RawPutResponse response = tikv(channel)
                    .rawPut(RawPutRequest.newBuilder()
                            .setContext(context)
                            .setKey(utf8(PREFIX + "large"))
                            .setValue(ByteString.copyFrom(new byte[WireLimits.ENTRY_BYTES_MAX + 1]))
                            .build());

            assertThat(response.getRegionError().hasRaftEntryTooLarge())
                    .as("%s", response)
                    .isTrue();
        });
    }

    @Test
    void aMessagePastEveryLimitEndsTheCallAlone() throws Exception {
        withLeader((channel, context) -> {
            assertThatThrownBy(() -> tikv(channel)
                            .rawPut(RawPutRequest.newBuilder()
                                    .setContext(context)
                                    .setKey(utf8(PREFIX + "huge"))
                                    .setValue(ByteString.copyFrom(new byte[2 * WireLimits.MESSAGE_BYTES_MAX]))
                                    .build()))
                    .isInstanceOf(StatusRuntimeException.class);
            assertThat(get(channel, context, "kept").getValue()).isEqualTo(utf8("from the beginning"));
        });
    }

    @Test
    void theEmptyKeyIsLegal() throws Exception {
        withLeader(ByteKey.EMPTY, (channel, context) -> {
            RawPutResponse response = tikv(channel)
                    .rawPut(RawPutRequest.newBuilder()
                            .setContext(context)
                            .setKey(ByteString.EMPTY)
                            .setValue(utf8("v"))
                            .build());

            assertThat(response).isEqualTo(RawPutResponse.getDefaultInstance());
            assertThat(tikv(channel)
                            .rawGet(RawGetRequest.newBuilder()
                                    .setContext(context)
                                    .build())
                            .getValue())
                    .isEqualTo(utf8("v"));
        });
    }

    @Test
    void anUnknownColumnFamily() throws Exception {
        withLeader((channel, context) -> {
            RawGetResponse response = tikv(channel)
                    .rawGet(RawGetRequest.newBuilder()
                            .setContext(context)
                            .setKey(utf8(PREFIX + "kept"))
                            .setCf("nobody")
                            .build());

            assertThat(response.getError()).contains("cf");
        });
    }

    @Test
    void aWrongClusterId() throws Exception {
        withLeader((channel, context) -> {
            Context wrong = context.toBuilder()
                    .setClusterId(client.pd().clusterId() + 1)
                    .build();

            assertThatThrownBy(() -> get(channel, wrong, "kept"))
                    .satisfies(
                            failure -> assertThat(Status.fromThrowable(failure).getCode())
                                    .isEqualTo(Status.Code.INVALID_ARGUMENT));
        });
        ManagedChannel channel = channel(port(PD_LEADER, "client"));
        try {
            assertThatThrownBy(() -> PDGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(10, TimeUnit.SECONDS)
                            .allocID(AllocIDRequest.newBuilder()
                                    .setHeader(RequestHeader.newBuilder()
                                            .setClusterId(client.pd().clusterId() + 1))
                                    .setCount(1)
                                    .build()))
                    .hasMessageContaining("mismatch cluster id");
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void aWrongStoreAnUnknownRegionAStaleEpoch() throws Exception {
        withLeader((channel, context) -> {
            Context wrongStore = context.toBuilder()
                    .setPeer(context.getPeer().toBuilder()
                            .setStoreId(context.getPeer().getStoreId() + 1_000))
                    .build();
            Context unknownRegion = context.toBuilder()
                    .setRegionId(context.getRegionId() + 1_000_000)
                    .build();
            Context staleEpoch = context.toBuilder()
                    .setRegionEpoch(context.getRegionEpoch().toBuilder()
                            .setVersion(context.getRegionEpoch().getVersion() + 1))
                    .build();

            assertThat(get(channel, wrongStore, "kept").getRegionError().hasStoreNotMatch())
                    .isTrue();
            assertThat(get(channel, unknownRegion, "kept").getRegionError().hasRegionNotFound())
                    .isTrue();
            assertThat(get(channel, staleEpoch, "kept")
                            .getRegionError()
                            .getEpochNotMatch()
                            .getCurrentRegionsList())
                    .isNotEmpty();
        });
    }

    @Test
    void scansWithoutLimitAndWithAnAbsurdOne() throws Exception {
        withLeader((channel, context) -> {
            RawScanRequest.Builder scan =
                    RawScanRequest.newBuilder().setContext(context).setStartKey(utf8(PREFIX));

            RawScanResponse none = tikv(channel).rawScan(scan.setLimit(0).build());
            RawScanResponse all =
                    tikv(channel).rawScan(scan.setLimit(1_000_000_000).build());

            assertThat(none.getKvsCount()).isZero();
            assertThat(all.getKvsList()).anyMatch(pair -> pair.getKey().equals(utf8(PREFIX + "kept")));
        });
        assertThat(rest("GET", "/v1/raw?limit=0&prefix=" + PREFIX, "").body()).isEmpty();
        assertThat(rest("GET", "/v1/raw?limit=1000000000&prefix=" + PREFIX, "").body())
                .contains("kept");
    }

    @ParameterizedTest
    @CsvSource({
        "GET,    /v1/raw/xyz?enc=hex,          '',            400",
        "GET,    /v1/raw/k?enc=rot13,          '',            400",
        "GET,    /v1/raw?limit=many,           '',            400",
        "GET,    /v1/raw?limit=-1,             '',            400",
        "PUT,    /v1/raw/k?ttl=soon,           'v',           400",
        "POST,   /v1/raw:batchPut,             '{\"pairs\":', 400",
        "POST,   /v1/raw:batchPut,             'no JSON',     400",
        "POST,   /v1/raw:batchGet,             '{\"keys\":7}',400",
        "PATCH,  /v1/raw/k,                    'v',           405",
        "GET,    /v1/nothing,                  '',            404",
    })
    void malformedRest(String method, String path, String body, int status) throws Exception {
        HttpResponse<String> response = rest(method, path, body);

        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type").orElse("")).startsWith("application/problem+json");
    }

    private interface LeaderCall {
        void run(ManagedChannel channel, Context context) throws Exception;
    }

    private static void withLeader(LeaderCall call) throws Exception {
        withLeader(key("kept"), call);
    }

    /** Talks to the leader of a key's Region as a client would that knows it. */
    private static void withLeader(ByteKey key, LeaderCall call) throws Exception {
        RegionLocation region =
                client.pd().regionByKey(key).get(10, TimeUnit.SECONDS).orElseThrow();
        Peer leader = region.leader();
        assertThat(leader).isNotNull();
        String address =
                client.pd().store(leader.getStoreId()).get(10, TimeUnit.SECONDS).getAddress();
        Context context = Context.newBuilder()
                .setRegionId(region.region().getId())
                .setRegionEpoch(region.region().getRegionEpoch())
                .setPeer(leader)
                .build();
        ManagedChannel channel = channel(Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)));
        try {
            call.run(channel, context);
        } finally {
            channel.shutdownNow();
        }
    }

    private static RawGetResponse get(ManagedChannel channel, Context context, String key) {
        return tikv(channel)
                .rawGet(RawGetRequest.newBuilder()
                        .setContext(context)
                        .setKey(utf8(PREFIX + key))
                        .build());
    }

    private static TikvGrpc.TikvBlockingStub tikv(ManagedChannel channel) {
        return TikvGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    private static ManagedChannel channel(int port) {
        return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    }

    private static List<Integer> everyPort() {
        return house.cluster().layout().services().stream()
                .flatMap(service -> service.ports().values().stream())
                .toList();
    }

    private static int port(String process, String purpose) {
        return house.cluster()
                .process(process.equals(PD_LEADER) ? house.pdLeader() : process)
                .spec()
                .port(purpose);
    }

    /** A peer may answer or hang up, but not hang: the read below would time out. */
    private static void sendAndForget(int port, byte[] bytes) throws IOException {
        try (Socket socket = connect(port)) {
            try {
                socket.getOutputStream().write(bytes);
                socket.shutdownOutput();
            } catch (IOException e) {
                return; // closed while we were still talking: a fair answer
            }
            drain(socket);
        }
    }

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(15_000);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
        return socket;
    }

    /** Reads until the peer closes. @throws java.net.SocketTimeoutException if it never does */
    private static void drain(Socket socket) throws IOException {
        try {
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[4096];
            while (in.read(buffer) >= 0) {
                // whatever it says
            }
        } catch (java.net.SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            // a reset is an end too
        }
    }

    private static HttpResponse<String> rest(String method, String path, String body)
            throws IOException, InterruptedException {
        Map<String, String> types = Map.of("POST", "application/json");
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(house.gatewayUrl() + path))
                .timeout(Duration.ofSeconds(20))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (types.containsKey(method)) {
            request.header("Content-Type", types.get(method));
        }
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    private static byte[] concat(byte[]... parts) {
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(bytes(PREFIX + text));
    }

    private static ByteString utf8(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
