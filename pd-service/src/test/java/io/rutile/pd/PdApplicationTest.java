package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.cluster.LocalCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** The Spring shell: what an operator sees of a member. */
@ExtendWith(OutputCaptureExtension.class)
class PdApplicationTest {

    @TempDir
    Path directory;

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void memberSaysThatItIsReadyAndWhyItDoesNothing() throws Exception {
        try (ConfigurableApplicationContext context = run(0)) {
            String management = "http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port");
            Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .untilAsserted(() -> assertThat(get(management + "/actuator/health/readiness")
                                    .statusCode())
                            .isEqualTo(200));
            assertThat(get(management + "/actuator/health/liveness").statusCode())
                    .isEqualTo(200);
            assertThat(get(management + "/actuator/info").statusCode()).isEqualTo(200);
            assertThat(get(management + "/actuator/env").statusCode()).isEqualTo(404);

            PdServer server = context.getBean(PdServer.class);
            PdCluster.bootstrap(server, LocalCluster.store(1));
            assertThat(get(management + "/actuator/scheduling").body())
                    .contains("\"leading\":true", "\"regions\":1", "no leader has reported it");
            assertThat(get(management + "/actuator/scheduling/1").body()).contains("\"healthy\":false");
            assertThat(get(management + "/actuator/scheduling/77").statusCode()).isEqualTo(404);
            assertThat(logLevel(management, "http://127.0.0.1"))
                    .as("a page of a site")
                    .isEqualTo(403);
            assertThat(logLevel(management, null)).isEqualTo(204);
            assertThat(get(management + "/actuator/loggers/io.rutile.no.such").body())
                    .contains("DEBUG");
            assertThat(get(management + "/actuator/prometheus").body())
                    .contains("kv_pd_leader", "kv_pd_tso_timestamps_total", "kv_pd_rpc_seconds_count");
        }
    }

    @Test
    void portInUseIsOneSentenceAndNoStackTrace(CapturedOutput output) throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> run(taken.getLocalPort()).close()).isInstanceOf(Exception.class);

            assertThat(output)
                    .contains("The client port 127.0.0.1:" + taken.getLocalPort() + " cannot be opened")
                    .doesNotContain("\tat ");
        }
    }

    private ConfigurableApplicationContext run(int clientPort) {
        SpringApplication application = new SpringApplication(PdApplication.class);
        application.setRegisterShutdownHook(false);
        return application.run(
                "--server.port=0",
                "--rutile.pd.data-dir=" + directory,
                "--rutile.pd.client-address=127.0.0.1:" + clientPort,
                "--rutile.pd.raft-address=127.0.0.1:0");
    }

    private int logLevel(String management, @Nullable String origin) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create(management + "/actuator/loggers/io.rutile.no.such"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"configuredLevel\": \"DEBUG\"}"));
        if (origin != null) {
            request.header("Origin", origin);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }

    private HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
    }
}
