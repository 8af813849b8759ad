package io.rutile.cli.trace;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.rutile.cli.trace.Collector.Received;
import io.rutile.gateway.GatewayApplication;
import io.rutile.gateway.grpc.GrpcServer;
import io.rutile.gateway.kv.ClusterConnection;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.node.KvNode;
import io.rutile.node.KvNodeApplication;
import io.rutile.pd.PdApplication;
import io.rutile.pd.PdServer;
import io.rutile.protocol.kvrpcpb.RawGetRequest;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.tikvpb.BatchCommandsRequest;
import io.rutile.protocol.tikvpb.BatchCommandsRequest.Request;
import io.rutile.protocol.tikvpb.BatchCommandsResponse;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** The three services as their processes are, in this JVM, and a collector that they export to: what one request of a caller looks like there. */
class TracesTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String SECRET = "whose-secret-key";
    private static final AtomicLong IDS = new AtomicLong(1);

    @TempDir
    static Path directory;

    private static final Deque<ConfigurableApplicationContext> open = new ArrayDeque<>();
    private static final Collector collector = new Collector();
    private static final HttpClient http = HttpClient.newHttpClient();
    private static KvNode node;
    private static int restPort;
    private static int grpcPort;

    /** A trace that a caller has begun. */
    private record Caller(String traceId, String spanId) {

        static Caller next() {
            long id = IDS.getAndIncrement();
            HexFormat hex = HexFormat.of();
            return new Caller("00000000000000ab" + hex.toHexDigits(id), hex.toHexDigits(id));
        }

        String traceparent(boolean sampled) {
            return "00-" + traceId + '-' + spanId + (sampled ? "-01" : "-00");
        }

        Metadata headers() {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), traceparent(true));
            return headers;
        }
    }

    @BeforeAll
    static void start() throws IOException {
        int raftPort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            raftPort = socket.getLocalPort();
        }
        PdServer pd = start(
                        PdApplication.class,
                        "rutile.pd.name=pd-1",
                        "rutile.pd.data-dir=" + directory.resolve("pd"),
                        "rutile.pd.client-address=127.0.0.1:0",
                        "rutile.pd.raft-address=127.0.0.1:" + raftPort,
                        "rutile.pd.initial-cluster=pd-1=127.0.0.1:" + raftPort)
                .getBean(PdServer.class);
        await().atMost(PATIENCE).until(pd::isReady);
        String pdEndpoint = "127.0.0.1:" + pd.clientAddress().getPort();
        node = start(
                        KvNodeApplication.class,
                        "rutile.node.data-dir=" + directory.resolve("node"),
                        "rutile.node.address=127.0.0.1:0",
                        "rutile.node.raft-address=127.0.0.1:0",
                        "rutile.node.pd-endpoints=" + pdEndpoint,
                        "rutile.node.cache-size=32MB",
                        "rutile.node.region-heartbeat-interval=300ms")
                .getBean(KvNode.class);
        ConfigurableApplicationContext gateway = start(
                GatewayApplication.class,
                "rutile.gateway.pd-endpoints=" + pdEndpoint,
                "rutile.gateway.grpc.port=0",
                "management.server.port=0");
        restPort = gateway.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        grpcPort = gateway.getBean(GrpcServer.class).address().getPort();
        await().atMost(PATIENCE).until(gateway.getBean(ClusterConnection.class)::isConnected);
        await().atMost(PATIENCE).until(() -> node.leaderCount() == 1);
    }

    private static ConfigurableApplicationContext start(Class<?> service, String... properties) {
        URL code = service.getProtectionDomain().getCodeSource().getLocation();
        String settings =
                code.getPath().endsWith(".jar") ? "jar:" + code + "!/application.yml" : code + "application.yml";
        Stream<String> common = Stream.of(
                "spring.config.location=" + settings,
                "server.port=0",
                "management.opentelemetry.tracing.export.otlp.endpoint=" + collector.endpoint(),
                "management.tracing.sampling.probability=0");
        ConfigurableApplicationContext started = new SpringApplication(service)
                .run(Stream.concat(common, Stream.of(properties))
                        .map(property -> "--" + property)
                        .toArray(String[]::new));
        open.push(started);
        return started;
    }

    @AfterAll
    static void stop() {
        while (!open.isEmpty()) {
            open.pop().close();
        }
        collector.close();
    }

    private static int rest(String method, String path, String body, String traceparent) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + restPort + path))
                .header("traceparent", traceparent)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .timeout(PATIENCE)
                .build();
        return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    private static void flush() {
        open.forEach(
                service -> service.getBean(SdkTracerProvider.class).forceFlush().join(10, TimeUnit.SECONDS));
    }

    private static List<Received> spansOf(Caller caller) {
        flush();
        return collector.received().stream()
                .filter(span -> span.traceId().equals(caller.traceId()))
                .toList();
    }

    private static Received only(List<Received> spans, String service, String name) {
        assertThat(spans)
                .filteredOn(
                        span -> span.service().equals(service) && span.name().equals(name))
                .as("%s of %s among %s", name, service, spans)
                .hasSize(1);
        return spans.stream()
                .filter(span -> span.service().equals(service) && span.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aRestRequestIsOneTraceFromTheGatewayToTheApply() throws Exception {
        Caller caller = Caller.next();

        assertThat(rest("PUT", "/v1/raw/" + SECRET, "value", caller.traceparent(true)))
                .isEqualTo(204);

        await().atMost(PATIENCE)
                .until(() ->
                        spansOf(caller).stream().anyMatch(span -> span.name().startsWith("PUT")));
        List<Received> spans = spansOf(caller);
        Received request = only(spans, "kv-gateway", "PUT /v1/raw/{*key}");
        Received call = only(spans, "kv-gateway", "RawPut");
        Received rpc = only(spans, "rutile-kv-node", "RawPut");
        assertThat(request.parentId()).isEqualTo(caller.spanId());
        assertThat(call.parentId()).isEqualTo(request.id());
        assertThat(rpc.parentId()).isEqualTo(call.id());
        assertThat(only(spans, "rutile-kv-node", "commit").parentId()).isEqualTo(rpc.id());
        assertThat(only(spans, "rutile-kv-node", "apply").parentId()).isEqualTo(rpc.id());
        assertThat(rpc.attribute("rutile.region")).isPresent();
        assertThat(request.attribute("http.response.status_code")).contains("204");
        assertThat(collector.received().toString()
                        + spans.stream().map(span -> span.span().toString()).toList())
                .doesNotContain(SECRET);
    }

    @Test
    void anAtomicCallIsOneTraceThroughAllItsSteps() throws Exception {
        Caller caller = Caller.next();
        String body = "{\"compare\":[{\"key\":\"" + SECRET + "\",\"exists\":false}]," + "\"then\":[{\"put\":{\"key\":\""
                + SECRET + "\",\"value\":\"v\"}}]}";

        assertThat(rest("POST", "/v1/txn/execute", body, caller.traceparent(true)))
                .isEqualTo(200);

        List<Received> spans = spansOf(caller);
        assertThat(spans).extracting(Received::name).contains("Timestamp", "KvPrewrite", "KvBatchGet");
        assertThat(spans)
                .filteredOn(span ->
                        span.service().equals("rutile-kv-node") && span.name().equals("KvPrewrite"))
                .isNotEmpty();
    }

    @Test
    void pdGoesOnWithATraceToo() {
        Caller caller = Caller.next();
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", pdPort())
                .usePlaintext()
                .build();
        try {
            var pd = PDGrpc.newBlockingStub(
                    ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(caller.headers())));
            pd.getMembers(GetMembersRequest.getDefaultInstance());
        } finally {
            channel.shutdownNow();
        }

        assertThat(only(spansOf(caller), "pd", "pdpb.PD/GetMembers").parentId()).isEqualTo(caller.spanId());
    }

    private static int pdPort() {
        return open.peekLast().getBean(PdServer.class).clientAddress().getPort();
    }

    @Test
    void aGrpcCallIsOneTraceToo() {
        Caller caller = Caller.next();
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", grpcPort)
                .usePlaintext()
                .build();
        try {
            RawKvGrpc.newBlockingStub(ClientInterceptors.intercept(
                            channel, MetadataUtils.newAttachHeadersInterceptor(caller.headers())))
                    .put(RawPutRequest.newBuilder()
                            .setKey(ByteString.copyFromUtf8(SECRET))
                            .setValue(ByteString.copyFromUtf8("v"))
                            .build());
        } finally {
            channel.shutdownNow();
        }

        List<Received> spans = spansOf(caller);
        Received request = only(spans, "kv-gateway", "rutile.gateway.v1.RawKv/Put");
        Received call = only(spans, "kv-gateway", "RawPut");
        assertThat(request.parentId()).isEqualTo(caller.spanId());
        assertThat(call.parentId()).isEqualTo(request.id());
        assertThat(only(spans, "rutile-kv-node", "RawPut").parentId()).isEqualTo(call.id());
    }

    @Test
    void commandsOfABatchBelongToTheTraceOfTheirStream() throws Exception {
        Caller caller = Caller.next();
        ManagedChannel channel = NettyChannelBuilder.forTarget(node.address().toString())
                .usePlaintext()
                .build();
        CompletableFuture<BatchCommandsResponse> answer = new CompletableFuture<>();
        try {
            StreamObserver<BatchCommandsRequest> stream = TikvGrpc.newStub(ClientInterceptors.intercept(
                            channel, MetadataUtils.newAttachHeadersInterceptor(caller.headers())))
                    .batchCommands(new StreamObserver<>() {
                        @Override
                        public void onNext(BatchCommandsResponse frame) {
                            answer.complete(frame);
                        }

                        @Override
                        public void onError(Throwable cause) {
                            answer.completeExceptionally(cause);
                        }

                        @Override
                        public void onCompleted() {}
                    });
            stream.onNext(BatchCommandsRequest.newBuilder()
                    .addRequestIds(1)
                    .addRequests(Request.newBuilder()
                            .setRawGet(RawGetRequest.newBuilder().setKey(ByteString.copyFrom(SECRET, UTF_8))))
                    .build());
            answer.get(30, TimeUnit.SECONDS);
        } finally {
            channel.shutdownNow();
        }

        assertThat(only(spansOf(caller), "rutile-kv-node", "RawGet").parentId()).isEqualTo(caller.spanId());
    }

    @Test
    void aCallerThatDoesNotTraceIsNotTracedAnywhere() throws Exception {
        Caller untraced = Caller.next();
        Caller traced = Caller.next();

        rest("PUT", "/v1/raw/" + SECRET, "value", untraced.traceparent(false));
        rest("PUT", "/v1/raw/" + SECRET, "value", traced.traceparent(true));

        await().atMost(PATIENCE).until(() -> spansOf(traced).size() >= 5);
        assertThat(spansOf(untraced)).isEmpty();
        assertThat(collector.received()).allMatch(span -> span.traceId().startsWith("00000000000000ab"));
    }
}
