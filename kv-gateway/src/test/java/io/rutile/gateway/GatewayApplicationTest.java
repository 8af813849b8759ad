package io.rutile.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.BindException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.server.PortInUseException;

/** The process as an operator sees it. The shared gateway's cluster cannot be reached: its front door in memory hides that. */
class GatewayApplicationTest {

    private final RunningGateway gateway = RunningGateway.shared();

    @Test
    void livesBeforeItIsReady() {
        assertThat(management("/actuator/health/liveness").statusCode()).isEqualTo(200);
        await().untilAsserted(() -> {
            HttpResponse<String> readiness = management("/actuator/health/readiness");
            assertThat(readiness.statusCode()).isEqualTo(503);
            assertThat(readiness.body()).contains("no connection to PD at 127.0.0.1:1");
        });
    }

    @Test
    void metricsNameTheRoom() {
        gateway.get("/v1/raw/secret-key");

        String metrics = management("/actuator/prometheus").body();

        assertThat(metrics)
                .contains(
                        "kv_gateway_connected{application=\"kv-gateway\"} 0.0",
                        "kv_gateway_connect_failures_total",
                        "kv_gateway_requests_in_flight",
                        "kv_gateway_in_flight_bytes",
                        "kv_gateway_refused_total{application=\"kv-gateway\",bound=\"requests\"",
                        "uri=\"/v1/raw/{*key}\"")
                .doesNotContain("secret-key");
    }

    @Test
    void nothingElseIsOpenOnTheManagementPort() {
        for (String path : new String[] {"env", "beans", "heapdump", "shutdown", "configprops"}) {
            assertThat(management("/actuator/" + path).statusCode()).as(path).isEqualTo(404);
        }
        assertThat(management("/v1/raw/k").statusCode()).isEqualTo(404);
        assertThat(management("/actuator/info").statusCode()).isEqualTo(200);
        assertThat(management("/actuator/loggers/io.rutile").statusCode()).isEqualTo(200);
    }

    @Test
    void aPortInUseIsSaidSo() {
        assertThatThrownBy(() -> new SpringApplication(GatewayApplication.class)
                        .run(
                                "--server.port=" + gateway.port,
                                "--management.server.port=0",
                                "--rutile.gateway.grpc.port=0"))
                .hasRootCauseInstanceOf(BindException.class)
                .hasStackTraceContaining(PortInUseException.class.getName())
                .hasStackTraceContaining("Port " + gateway.port + " is already in use");
    }

    @Test
    void aGrpcPortInUseIsSaidSo() {
        assertThatThrownBy(() -> new SpringApplication(GatewayApplication.class)
                        .run(
                                "--server.port=0",
                                "--management.server.port=0",
                                "--rutile.gateway.grpc.port=" + gateway.grpcPort))
                .hasStackTraceContaining(PortInUseException.class.getName())
                .hasStackTraceContaining("Port " + gateway.grpcPort + " is already in use");
    }

    @Test
    void withoutAClusterRequestsAreAnsweredAtOnce() {
        try (var alone = new SpringApplication(GatewayApplication.class)
                .run(
                        "--server.port=0",
                        "--management.server.port=0",
                        "--rutile.gateway.grpc.port=0",
                        "--rutile.gateway.pd-endpoints=127.0.0.1:1",
                        "--rutile.gateway.connect-timeout=100ms")) {
            int port = alone.getEnvironment().getRequiredProperty("local.server.port", Integer.class);

            for (String path : new String[] {"/v1/raw/k", "/v1/raw"}) {
                HttpResponse<String> answer = get(port, path);
                assertThat(answer.statusCode()).isEqualTo(503);
                assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
                assertThat(answer.headers().firstValue("Retry-After")).hasValue("1");
                assertThat(answer.body()).contains("urn:rutile:problem:unavailable", "127.0.0.1:1");
            }
        }
    }

    private HttpResponse<String> management(String path) {
        return get(gateway.managementPort, path);
    }

    private HttpResponse<String> get(int port, String path) {
        return gateway.http()
                .sendAsync(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8))
                .join();
    }
}
