package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
        return call(port, path, "GET");
    }

    private static String post(int port, String path) throws Exception {
        return call(port, path, "POST");
    }

    private static String call(int port, String path, String method) throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .method(method, HttpRequest.BodyPublishers.noBody())
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
                    .contains("kv_raftstore_disk_full")
                    .containsPattern("(?m)^kv_engine_memtables_bytes\\{.*} [1-9]");
            assertThat(get(port, "/actuator/env")).startsWith("404");
            assertConsistencyIsServed(port);
            assertLogLevelsAreChangedFromHere(port);
        }
    }

    private static void assertLogLevelsAreChangedFromHere(int port) throws Exception {
        HttpRequest.Builder debug = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + "/actuator/loggers/io.rutile.no.such"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"configuredLevel\": \"DEBUG\"}"));
        HttpClient http = HttpClient.newHttpClient();

        assertThat(http.send(
                                debug.copy()
                                        .header("Origin", "https://site.example")
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .statusCode())
                .isEqualTo(403);
        assertThat(http.send(debug.build(), HttpResponse.BodyHandlers.ofString())
                        .statusCode())
                .isEqualTo(204);
        assertThat(get(port, "/actuator/loggers/io.rutile.no.such")).contains("\"configuredLevel\":\"DEBUG\"");
    }

    private static void assertConsistencyIsServed(int port) throws Exception {
        Matcher region = Pattern.compile("\"regionId\":(\\d+)").matcher(get(port, "/actuator/consistency"));
        assertThat(region.find()).isTrue();
        String path = "/actuator/consistency/" + region.group(1);
        await().atMost(Duration.ofSeconds(30)).until(() -> post(port, path).startsWith("200"));

        await().atMost(Duration.ofSeconds(30)).until(() -> get(port, path).contains("\"state\":\"EQUAL\""));
        assertThat(get(port, path)).contains("\"hash\":\"").contains("\"leader\":true");
        assertThat(post(port, "/actuator/consistency/999")).startsWith("409").contains("999");
        assertThat(get(port, "/actuator/consistency/999")).startsWith("404");
        assertThat(post(port, "/actuator/consistency/x")).startsWith("400");
        assertThat(post(port, "/actuator/consistency")).startsWith("200").contains("\"leaders\":1");
        assertThat(get(port, "/actuator/health/readiness")).contains("\"mismatchedRegions\":[]");
    }

    @Test
    void slowRequestIsToldWithoutItsKey(CapturedOutput output) throws Exception {
        try (FakePd pd = new FakePd();
                ConfigurableApplicationContext context =
                        run(pd.endpoint(), dir, "--rutile.node.rpc.slow-threshold=1ns");
                TestNode.Client client = new TestNode.Client(
                        context.getBean(KvNode.class).address().toString())) {
            await().atMost(Duration.ofSeconds(30)).until(() -> pd.firstRegion().isPresent());
            RegionHeartbeatRequest beat = pd.firstRegion().orElseThrow();

            client.put(
                    TestNode.context(beat.getRegion(), beat.getLeader()), "a-key-of-somebody", "a-value-of-somebody");

            await().atMost(Duration.ofSeconds(30))
                    .until(() -> output.getAll().contains("slow request rpc=RawPut region="));
            assertThat(output.getAll())
                    .containsPattern(
                            "slow request rpc=RawPut region=\\d+ kind=none ms=\\d+ latchMs=\\d+ .*commitMs=\\d+")
                    .doesNotContain("of-somebody");
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
