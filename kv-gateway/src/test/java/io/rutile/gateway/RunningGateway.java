package io.rutile.gateway;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.rutile.gateway.grpc.GrpcServer;
import io.rutile.gateway.kv.InMemoryChanges;
import io.rutile.gateway.kv.InMemoryKvOperations;
import io.rutile.gateway.kv.InMemoryTransactions;
import io.rutile.protocol.ByteKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole gateway on free ports, over a front door in memory. */
public final class RunningGateway implements AutoCloseable {

    public static final JsonMapper JSON = JsonMapper.builder().build();

    private static @Nullable RunningGateway shared;

    public final InMemoryKvOperations kv;
    public final InMemoryTransactions txn;
    public final InMemoryChanges changes;
    public final int port;
    public final int managementPort;
    public final int grpcPort;

    private final ConfigurableApplicationContext context;
    private final ManagedChannel channel;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    private RunningGateway(ConfigurableApplicationContext context) {
        this.context = context;
        kv = context.getBean(InMemoryKvOperations.class);
        txn = context.getBean(InMemoryTransactions.class);
        changes = context.getBean(InMemoryChanges.class);
        port = context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        managementPort = context.getEnvironment().getRequiredProperty("local.management.port", Integer.class);
        grpcPort = context.getBean(GrpcServer.class).address().getPort();
        channel = NettyChannelBuilder.forAddress("127.0.0.1", grpcPort)
                .usePlaintext()
                .maxInboundMessageSize(32 << 20)
                .build();
    }

    /** The one that tests share which need no properties of their own; empty, and stopped with the JVM. */
    public static synchronized RunningGateway shared() {
        if (shared == null) {
            shared = start();
        }
        shared.kv.reset();
        shared.txn.reset();
        shared.changes.reset();
        return shared;
    }

    /**
     * A gateway with properties of its own.
     *
     * @param properties as {@code name=value}
     */
    public static RunningGateway start(String... properties) {
        List<String> arguments = new ArrayList<>(List.of(
                "--server.port=0",
                "--management.server.port=0",
                "--rutile.gateway.grpc.port=0",
                "--rutile.gateway.pd-endpoints=127.0.0.1:1",
                "--rutile.gateway.connect-timeout=100ms"));
        Arrays.stream(properties).map(property -> "--" + property).forEach(arguments::add);
        return new RunningGateway(
                new SpringApplication(GatewayApplication.class, InMemory.class).run(arguments.toArray(String[]::new)));
    }

    @Configuration(proxyBeanMethods = false)
    static class InMemory {
        @Bean
        @Primary
        InMemoryKvOperations inMemoryKvOperations() {
            return new InMemoryKvOperations();
        }

        @Bean
        @Primary
        InMemoryTransactions inMemoryTransactions() {
            return new InMemoryTransactions();
        }

        @Bean
        @Primary
        InMemoryChanges inMemoryChanges() {
            return new InMemoryChanges();
        }
    }

    public ConfigurableApplicationContext context() {
        return context;
    }

    public double gauge(String name) {
        return context.getBean(MeterRegistry.class).get(name).gauge().value();
    }

    /** How often the gateway turned somebody away at this bound. */
    public double refused(String bound) {
        return context.getBean(MeterRegistry.class)
                .get("kv.gateway.refused")
                .tag("bound", bound)
                .counter()
                .count();
    }

    /** A connection to the gRPC port for all tests of this gateway. */
    public ManagedChannel channel() {
        return channel;
    }

    /** How many calls of the gRPC port ended like this. */
    public long grpcCalls(String method, String code) {
        Timer timer = context.getBean(MeterRegistry.class)
                .find("kv.gateway.grpc")
                .tags("method", method, "code", code)
                .timer();
        return timer == null ? 0 : timer.count();
    }

    /** A connection whose answers nobody reads before the test does. */
    public Socket open(String request) throws IOException {
        return open(request, port);
    }

    /** The same to another port. */
    public Socket open(String request, int port) throws IOException {
        Socket socket = new Socket();
        // Small, so that what the gateway cannot send stays with it.
        socket.setReceiveBufferSize(16 << 10);
        socket.setSoTimeout(30_000);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        return socket;
    }

    public HttpClient http() {
        return http;
    }

    public HttpRequest.Builder request(String pathAndQuery) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + pathAndQuery))
                .timeout(Duration.ofSeconds(30));
    }

    public HttpResponse<byte[]> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    public HttpResponse<byte[]> get(String pathAndQuery, String... headers) {
        return send(with(request(pathAndQuery), headers).GET());
    }

    public HttpResponse<byte[]> put(String pathAndQuery, byte[] body, String... headers) {
        return send(with(request(pathAndQuery), headers).PUT(HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    public HttpResponse<byte[]> delete(String pathAndQuery, String... headers) {
        return send(with(request(pathAndQuery), headers).DELETE());
    }

    public HttpResponse<byte[]> postJson(String pathAndQuery, String json) {
        return send(request(pathAndQuery)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    /** Sends bytes as they are and reads until the gateway closes the connection. */
    public String raw(String request) throws IOException {
        try (Socket socket = open(request)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    public static JsonNode json(HttpResponse<byte[]> response) {
        return JSON.readTree(response.body());
    }

    public static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    public static ByteKey key(String text) {
        return ByteKey.wrap(bytes(text));
    }

    private static HttpRequest.Builder with(HttpRequest.Builder request, String... headers) {
        return headers.length == 0 ? request : request.headers(headers);
    }

    @Override
    public void close() {
        channel.shutdownNow();
        context.close();
    }
}
