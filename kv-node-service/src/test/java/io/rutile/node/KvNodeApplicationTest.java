package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** The Spring shell: health, metrics, and how a failed start reads. */
@ExtendWith(OutputCaptureExtension.class)
class KvNodeApplicationTest {

    @TempDir
    Path dir;

    private static String get(int port, String path) throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static ConfigurableApplicationContext run(String pdEndpoint, Path dir, String... more) {
        String[] args = {
            "--rutile.node.data-dir=" + dir,
            "--rutile.node.address=127.0.0.1:0",
            "--rutile.node.raft-address=127.0.0.1:0",
            "--rutile.node.pd-endpoints=" + pdEndpoint,
            "--rutile.node.cache-size=32MB",
            "--server.port=0"
        };
        String[] all = java.util.Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return new SpringApplication(KvNodeApplication.class).run(all);
    }

    @Test
    void itIsReadyAndTellsItsMetrics() throws Exception {
        try (FakePd pd = new FakePd();
                ConfigurableApplicationContext context = run(pd.endpoint(), dir)) {
            int port = context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);

            assertThat(get(port, "/actuator/health/readiness"))
                    .startsWith("200")
                    .contains("UP");
            assertThat(get(port, "/actuator/health/liveness")).startsWith("200").doesNotContain("kvNode");
            assertThat(get(port, "/actuator/prometheus"))
                    .contains("kv_raftstore_regions")
                    .contains("kv_raftstore_disk_full");
            assertThat(get(port, "/actuator/env")).startsWith("404");
        }
    }

    @Test
    void aFailedStartIsOneSentenceAndNoWall(CapturedOutput output) {
        assertThatThrownBy(() -> run("127.0.0.1:1", dir, "--rutile.node.pd-connect-timeout=1s"))
                .hasRootCauseInstanceOf(RuntimeException.class);

        assertThat(output.getAll())
                .contains("APPLICATION FAILED TO START")
                .contains("no PD member answers at 127.0.0.1:1 within 1 s")
                .doesNotContain("at io.rutile.node.KvNode.start");
    }
}
