package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.cli.observe.AlertRules;
import io.rutile.cli.observe.Dashboards;
import io.rutile.cli.observe.Dashboards.Query;
import io.rutile.cli.observe.Exposition;
import io.rutile.cli.observe.MetricCatalogue;
import io.rutile.cli.observe.MetricCatalogue.Family;
import io.rutile.cli.observe.Prometheus;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.GetRequest;
import io.rutile.protocol.pdpb.GetMembersRequest;
import io.rutile.protocol.pdpb.PDGrpc;
import io.rutile.protocol.pdpb.RequestHeader;
import io.rutile.protocol.pdpb.TsoRequest;
import io.rutile.protocol.pdpb.TsoResponse;
import io.rutile.protocol.pdpb.UpdateGCSafePointRequest;
import io.rutile.protocol.tikvpb.TikvGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What processes expose is what the catalogue says, and a real Prometheus finds data for every panel of every dashboard. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class ObservabilityIT {

    private static final String JOB = "rutile";
    private static final String PREFIX = "observability/";
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    /** Without labels they are there from the start, but for these: only with another API version, or after the first time. */
    private static final Set<String> NOT_ALWAYS = Set.of(
            "kv_raw_ttl_examined_total",
            "kv_raw_ttl_removed_total",
            "kv_raw_ttl_regions_skipped_total",
            "kv_pd_gc_blocked_total");

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static TestHouse house;

    @BeforeAll
    static void up(TestHouse shared) {
        house = shared;
    }

    @Test
    void everyProcessExposesWhatTheCatalogueSays() throws Exception {
        traffic();
        MetricCatalogue catalogue = MetricCatalogue.read();
        Map<String, Set<String>> exposed = new TreeMap<>();

        for (ServiceProcess process : house.cluster().processes()) {
            String service = component(process);
            Exposition exposition = Exposition.parse(
                    get(process.spec().managementUrl() + "/actuator/prometheus").body());
            for (String metric : exposition.metrics()) {
                Family family = catalogue.families().get(metric);
                if (!metric.startsWith("kv_")
                        && (family == null || !family.services().contains(service))) {
                    continue; // the shell's, and nobody looks at it
                }
                assertThat(family)
                        .as("%s exposes %s, which docs/operations/metrics.md does not have", process.name(), metric)
                        .isNotNull();
                exposed.computeIfAbsent(service, name -> new TreeSet<>()).add(metric);
                Set<String> labels = new TreeSet<>(exposition.labels().get(metric));
                labels.removeAll(MetricCatalogue.COMMON_LABELS);
                assertThat(family.services()).as(metric).contains(service);
                assertThat(exposition.types().get(metric)).as(metric).isEqualTo(family.type());
                assertThat(labels).as(metric).isEqualTo(family.labels());
            }
        }

        assertThat(catalogue.families().values())
                .filteredOn(family -> family.labels().isEmpty() && !NOT_ALWAYS.contains(family.name()))
                .isNotEmpty()
                .allSatisfy(family -> assertThat(family.services())
                        .allSatisfy(service -> assertThat(exposed.get(service)).contains(family.name())));
    }

    @Test
    void prometheusFindsDataForEveryPanelAndEvaluatesEveryRule(@TempDir Path directory) throws Exception {
        Path program = Prometheus.require("prometheus");
        collectGarbage();
        Path configuration = Files.writeString(
                directory.resolve("prometheus.yml"),
                Prometheus.configuration(
                        JOB,
                        AlertRules.FILE,
                        house.cluster().processes().stream()
                                .map(process -> new Prometheus.Target(
                                        component(process),
                                        URI.create(process.spec().managementUrl())
                                                .getAuthority()))
                                .toList()));
        int port = freePort();
        Process prometheus = new ProcessBuilder(
                        program.toString(),
                        "--config.file=" + configuration,
                        "--storage.tsdb.path=" + directory.resolve("data"),
                        "--web.listen-address=127.0.0.1:" + port)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        try {
            String url = "http://127.0.0.1:" + port;
            List<Query> empty = new ArrayList<>(Dashboards.queries());
            assertThat(empty).isNotEmpty();

            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> {
                assertThat(prometheus.isAlive())
                        .as(() -> read(directory.resolve("log")))
                        .isTrue();
                traffic();
                empty.removeIf(query -> hasData(url, query));
                assertThat(empty).isEmpty();
            });

            List<JsonObject> rules = rules(url);
            assertThat(rules).isNotEmpty().allSatisfy(rule -> {
                assertThat(rule.get("health").getAsString()).isEqualTo("ok");
                assertThat(rule.has("state") ? rule.get("state").getAsString() : "recorded")
                        .as(rule.get("name").getAsString())
                        .isNotEqualTo("firing");
            });
        } finally {
            prometheus.destroy();
            if (!prometheus.waitFor(10, TimeUnit.SECONDS)) {
                prometheus.destroyForcibly().waitFor();
            }
        }
    }

    /** Something at every door, and something that goes wrong at each. */
    private static void traffic() throws Exception {
        String raw = house.gatewayUrl() + "/v1/raw/" + PREFIX;
        send("PUT", raw + "a", "1");
        get(raw + "a");
        get(raw + "nothing");
        String begun = send("POST", house.gatewayUrl() + "/v1/txn", "").body();
        String txn = house.gatewayUrl() + "/v1/txn/"
                + JsonParser.parseString(begun).getAsJsonObject().get("id").getAsString();
        send("PUT", txn + "/keys/" + PREFIX + "t", "1");
        get(txn + "/keys/" + PREFIX + "t");
        send("POST", txn + "/commit", "");
        withChannel(
                house.cluster().process("gateway").spec().port("grpc"),
                channel -> RawKvGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(10, TimeUnit.SECONDS)
                        .get(io.rutile.gateway.v1.RawGetRequest.newBuilder()
                                .setKey(ByteString.copyFromUtf8(PREFIX + "a"))
                                .build()));
        withChannel(
                house.cluster().process("node-1").spec().port("grpc"),
                channel -> TikvGrpc.newBlockingStub(channel)
                        .withDeadlineAfter(10, TimeUnit.SECONDS)
                        .kvGet(GetRequest.newBuilder()
                                .setContext(Context.newBuilder().setRegionId(Long.MAX_VALUE))
                                .build()));
        withChannel(pdPort(), ObservabilityIT::askAsAnotherCluster);
    }

    /** PD ends the stream with an error. */
    private static Object askAsAnotherCluster(ManagedChannel channel) {
        CompletableFuture<Boolean> refused = new CompletableFuture<>();
        StreamObserver<TsoRequest> requests = PDGrpc.newStub(channel).tso(new StreamObserver<>() {
            @Override
            public void onNext(TsoResponse response) {}

            @Override
            public void onError(Throwable failure) {
                refused.complete(true);
            }

            @Override
            public void onCompleted() {
                refused.complete(false);
            }
        });
        requests.onNext(TsoRequest.newBuilder()
                .setHeader(RequestHeader.newBuilder().setClusterId(42))
                .setCount(1)
                .build());
        return refused.join();
    }

    /** Garbage of an hour ago, which a young cluster does not have, may go: then there is a safe point to tell of. */
    private static void collectGarbage() {
        withChannel(pdPort(), channel -> {
            PDGrpc.PDBlockingStub pd = PDGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
            long cluster = pd.getMembers(GetMembersRequest.getDefaultInstance())
                    .getHeader()
                    .getClusterId();
            long anHourAgo = System.currentTimeMillis() - Duration.ofHours(1).toMillis();
            return pd.updateGCSafePoint(UpdateGCSafePointRequest.newBuilder()
                    .setHeader(RequestHeader.newBuilder().setClusterId(cluster))
                    .setSafePoint(TimeStamp.of(anHourAgo, 0).value())
                    .build());
        });
    }

    private static int pdPort() {
        return house.cluster().process(house.pdLeader()).spec().port("client");
    }

    private interface Call {
        Object on(ManagedChannel channel);
    }

    private static void withChannel(int port, Call call) {
        ManagedChannel channel =
                NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
        try {
            assertThat(call.on(channel)).isNotNull();
        } finally {
            channel.shutdownNow();
        }
    }

    private static boolean hasData(String url, Query query) {
        JsonObject answer = ask(
                url + "/api/v1/query?query=" + URLEncoder.encode(query.resolved(JOB, "15s"), StandardCharsets.UTF_8));
        assertThat(answer.get("status").getAsString())
                .as("%s: %s", query, answer)
                .isEqualTo("success");
        return !answer.getAsJsonObject("data").getAsJsonArray("result").isEmpty();
    }

    private static List<JsonObject> rules(String url) {
        List<JsonObject> rules = new ArrayList<>();
        for (JsonElement group :
                ask(url + "/api/v1/rules").getAsJsonObject("data").getAsJsonArray("groups")) {
            JsonArray of = group.getAsJsonObject().getAsJsonArray("rules");
            of.forEach(rule -> rules.add(rule.getAsJsonObject()));
        }
        return rules;
    }

    private static JsonObject ask(String url) {
        try {
            return JsonParser.parseString(get(url).body()).getAsJsonObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HttpResponse<String> get(String url) throws IOException {
        return send("GET", url, "");
    }

    private static HttpResponse<String> send(String method, String url, String body) throws IOException {
        try {
            return HTTP.send(
                    HttpRequest.newBuilder(URI.create(url))
                            .timeout(Duration.ofSeconds(20))
                            .method(method, BodyPublishers.ofString(body))
                            .build(),
                    BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String component(ServiceProcess process) {
        return process.spec().role().name().toLowerCase(Locale.ROOT);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static String read(Path file) {
        return Optional.of(file)
                .filter(Files::exists)
                .map(path -> {
                    try {
                        return Files.readString(path);
                    } catch (IOException e) {
                        return e.toString();
                    }
                })
                .orElse("");
    }
}
