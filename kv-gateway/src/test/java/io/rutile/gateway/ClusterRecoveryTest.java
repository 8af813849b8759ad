package io.rutile.gateway;

import static io.rutile.gateway.RunningGateway.bytes;
import static io.rutile.gateway.RunningGateway.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.gateway.grpc.GrpcServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** The gateway with the real client, from a cluster that is away to one that serves (D3). */
class ClusterRecoveryTest {

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void servesByItselfOnceTheClusterIsThere() throws IOException {
        int pdPort = freePort();
        try (LoopbackCluster cluster = new LoopbackCluster();
                var gateway = new SpringApplication(GatewayApplication.class)
                        .run(
                                "--server.port=0",
                                "--management.server.port=0",
                                "--rutile.gateway.grpc.port=0",
                                "--rutile.gateway.pd-endpoints=127.0.0.1:" + pdPort,
                                "--rutile.gateway.connect-timeout=2s")) {
            String raw = "http://127.0.0.1:" + gateway.getEnvironment().getProperty("local.server.port") + "/v1/raw";
            String readiness = "http://127.0.0.1:" + gateway.getEnvironment().getProperty("local.management.port")
                    + "/actuator/health/readiness";

            assertThat(get(readiness).statusCode()).isEqualTo(503);
            assertThat(get(raw + "/k").statusCode()).isEqualTo(503);
            assertThat(health(gateway)).isEqualTo(ServingStatus.NOT_SERVING);

            cluster.startPd(pdPort);
            await().untilAsserted(() -> assertThat(get(readiness))
                    .satisfies(answer ->
                            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200)));

            await().untilAsserted(() -> assertThat(health(gateway)).isEqualTo(ServingStatus.SERVING));

            assertThat(put(raw + "/k", "v").statusCode()).isEqualTo(204);
            assertThat(get(raw + "/k").body()).isEqualTo("v");
            assertThat(put(raw + "/k", "w", "If-None-Match", "*").statusCode()).isEqualTo(412);
            assertThat(put(raw + "/l", "w", "If-None-Match", "*").statusCode()).isEqualTo(201);
            assertThat(cluster.pairs).containsOnlyKeys(key("k"), key("l"));

            IntStream.range(0, 5_000).forEach(i -> cluster.pairs.put(key("many/%05d".formatted(i)), bytes("v")));
            assertThat(get(raw + "?prefix=many/").body().lines().count()).isEqualTo(5_000);
        }
    }

    private static ServingStatus health(ConfigurableApplicationContext gateway) {
        ManagedChannel channel = NettyChannelBuilder.forAddress(
                        gateway.getBean(GrpcServer.class).address())
                .usePlaintext()
                .build();
        try {
            return HealthGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .check(HealthCheckRequest.getDefaultInstance())
                    .getStatus();
        } finally {
            channel.shutdownNow();
        }
    }

    private HttpResponse<String> get(String url) {
        return send(HttpRequest.newBuilder(URI.create(url)));
    }

    private HttpResponse<String> put(String url, String body, String... headers) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(url)).PUT(HttpRequest.BodyPublishers.ofString(body));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        return http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8))
                .join();
    }

    /** One that nobody listens on now: PD must be away first, and then be found where it was looked for. */
    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
