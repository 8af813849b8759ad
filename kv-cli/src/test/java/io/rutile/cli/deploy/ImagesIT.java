package io.rutile.cli.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The real images, run as the chart says: its arguments, variables, users and limits, on a private network, root file systems read-only. With
 * {@code -Pimages}: docs/operations/kubernetes.md.
 */
@EnabledIfSystemProperty(
        named = "rutile.images",
        matches = "true",
        disabledReason = "builds images and runs them in containers, for minutes: ./mvnw verify -Pimages")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ImagesIT {

    private static final String REPOSITORY = "localhost/rutile-it";
    private static final String TAG = "it";
    private static final String PD = "demo-rutile-pd.stores:2379";
    private static final Duration READY_MAX = Duration.ofMinutes(10);
    private static final int PD_MEMBERS = Integer.getInteger("pds", 1);
    private static final int NODES = Integer.getInteger("nodes", 3);

    private static final Map<String, Object> VALUES = Map.of(
            "image", Map.of("repository", REPOSITORY, "tag", TAG),
            "pd", Map.of("replicas", PD_MEMBERS, "jvmOptions", "-XX:AOTMode=on"),
            "node", Map.of("replicas", NODES, "jvmOptions", "-XX:AOTMode=on"),
            // The archive of classes must be usable, or the JVM does not start.
            "gateway", Map.of("replicas", 1, "jvmOptions", "-XX:AOTMode=on", "security", Map.of("insecure", true)));

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    private static List<JsonObject> objects;
    private static PodContainers pods;

    @BeforeAll
    static void startCluster() throws Exception {
        Chart.requireHelm();
        String missing = PodContainers.whatIsMissing();
        Assumptions.assumeTrue(missing.isEmpty(), () -> "the images were not tested: " + missing);
        Assumptions.assumeTrue(
                !System.getProperty("rutile.images.base", "").isEmpty() || jdk25().isPresent(),
                "the images were not tested: there is no JDK 25 to make a base image of");
        PodContainers.serveApi();
        String base = base();
        String reason = PodContainers.whyNoneRuns(base);
        Assumptions.assumeTrue(reason.isEmpty(), () -> "the images were not tested: " + reason);
        build(base);
        objects = Chart.render(VALUES);
        pods = new PodContainers(objects);
        pods.startAll();
        await().atMost(READY_MAX)
                .pollInterval(Duration.ofMillis(500))
                .untilAsserted(() -> assertThat(pods.names()).allSatisfy(ImagesIT::requireReady));
    }

    @AfterAll
    static void stopCluster() {
        if (pods != null) {
            pods.close();
        }
        PodContainers.stopApi();
    }

    private static String base() throws Exception {
        String given = System.getProperty("rutile.images.base", "");
        if (!given.isEmpty()) {
            return given;
        }
        String base = REPOSITORY + "/base:25";
        run(Chart.home().resolve("docker/base-image").toString(), base);
        return base;
    }

    private static void build(String base) throws Exception {
        run(
                Chart.home().resolve("docker/build").toString(),
                "--engine",
                "podman",
                "--base",
                base,
                "--repository",
                REPOSITORY,
                "--tag",
                TAG);
    }

    private static void run(String... command) throws Exception {
        Path log = Files.createTempFile("rutile-images-", ".log");
        ProcessBuilder builder = PodContainers.command(command).redirectOutput(log.toFile());
        jdk25().ifPresent(jdk -> builder.environment().put("JAVA_HOME", jdk.toString()));
        Process process = builder.start();
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).as(command[0]).isTrue();
        assertThat(process.exitValue()).as(() -> read(log)).isZero();
        Files.delete(log);
    }

    /** The one that runs this test, or else one beside it. */
    private static Optional<Path> jdk25() throws IOException {
        if (Runtime.version().feature() >= 25) {
            return Optional.of(Path.of(System.getProperty("java.home")));
        }
        Path installed = Path.of("/usr/lib/jvm");
        if (!Files.isDirectory(installed)) {
            return Optional.empty();
        }
        try (Stream<Path> all = Files.list(installed)) {
            return all.filter(jdk -> jdk.getFileName().toString().contains("25"))
                    .filter(jdk -> Files.isExecutable(jdk.resolve("bin/jlink")))
                    .findFirst();
        }
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    @Order(1)
    void testOfTheReleasePassesThroughTheGateway() {
        assertThat(pods.runToEnd("demo-rutile-test"))
                .endsWith("through http://demo-rutile-gateway.stores.svc.cluster.local:8080\n");
    }

    @Test
    @Order(2)
    void processesAreNobodyAndCanWriteNothingButTheirVolumes() {
        assertThat(pods.names()).allSatisfy(name -> {
            assertThat(pods.userOf(name)).isEqualTo("10001");
            assertThat(pods.hasReadOnlyRoot(name)).isTrue();
        });
        // The image gives this directory to the user, so that nothing but the read-only root file system stands in the
        // way.
        assertThat(pods.writeAsTheJvm("/var/lib/rutile/probe")).contains("Read-only file system");
        assertThat(pods.writeAsTheJvm("/tmp/probe")).isEmpty();
    }

    @Test
    @Order(3)
    void everyPodTellsItsMetrics() {
        assertThat(pods.names())
                .allSatisfy(name ->
                        assertThat(get(name, "/actuator/prometheus").body()).contains("kv_"));
    }

    @Test
    @Order(4)
    void clusterGoesOnWithoutANodeThatWasKilledAndTakesItBack() {
        String victim = "demo-rutile-node-1";
        pods.kill(victim);

        assertThat(pods.runToEnd("demo-rutile-test")).contains("pairs written, read, scanned and deleted");

        pods.start(victim);
        await().atMost(READY_MAX).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> requireReady(victim));
        assertThat(pods.runCli("check", "--target", PD, "--patience", "60"))
                .contains("all replicas are the same; no hole, no overlap");
    }

    @Test
    @Order(5)
    void clusterGoesOnWithoutANodeThatIsCutOffAndTakesItBack() {
        String victim = "demo-rutile-node-2";
        pods.cutOff(victim);
        try {
            assertThat(pods.runToEnd("demo-rutile-test")).contains("pairs written, read, scanned and deleted");
            assertThat(catchThrowable(() -> requireReady(victim))).isInstanceOf(AssertionError.class);
        } finally {
            pods.rejoin(victim);
        }
        await().atMost(READY_MAX).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> requireReady(victim));
        assertThat(pods.runCli("check", "--target", PD, "--patience", "60"))
                .contains("all replicas are the same; no hole, no overlap");
    }

    @Test
    @Order(6)
    void clusterGoesOnWithoutTheLeaderOfPdAndTakesItBack() {
        Assumptions.assumeTrue(PD_MEMBERS >= 3, "one member of PD is all there is: -Dpds=3");
        String leader = leaderOfPd().orElseThrow();
        pods.kill(leader);

        assertThat(pods.runToEnd("demo-rutile-test")).contains("pairs written, read, scanned and deleted");
        assertThat(leaderOfPd()).isPresent().get().isNotEqualTo(leader);

        pods.start(leader);
        await().atMost(READY_MAX).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> requireReady(leader));
        assertThat(pods.runCli("members", "--target", PD)).doesNotContainPattern("demo-rutile-pd-\\d.* no ");
    }

    private static Optional<String> leaderOfPd() {
        Matcher leader =
                Pattern.compile("(demo-rutile-pd-\\d+)\\s+leader").matcher(pods.runCli("members", "--target", PD));
        return leader.find() ? Optional.of(leader.group(1)) : Optional.empty();
    }

    @Test
    @Order(7)
    void nodesSayWhereTheyAre() {
        String stores = pods.runCli("stores", "--target", PD);

        Matcher host = Pattern.compile("host=machine-\\d+").matcher(stores);
        assertThat(host.results().count()).as(stores).isEqualTo(NODES);
    }

    @Test
    @Order(8)
    void signalReachesTheJvmWhichStopsInGoodOrder() {
        String node = "demo-rutile-node-0";

        int exit = pods.stop(node, 60);

        assertThat(exit).isEqualTo(128 + 15);
        assertThat(pods.logOf(node)).contains("store drained");
    }

    private static void requireReady(String name) {
        assertThat(get(name, "/actuator/health/readiness").statusCode())
                .as(name)
                .isEqualTo(200);
    }

    private static HttpResponse<String> get(String name, String path) {
        try {
            return HTTP.send(
                    HttpRequest.newBuilder(URI.create(pods.managementUrl(name) + path))
                            .timeout(Duration.ofSeconds(5))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(name + " does not answer: " + e + "; its last words: " + pods.lastWords(name), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
