package io.rutile.cli.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.pkitesting.X509Bundle;
import io.rutile.cli.Rutile;
import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.placement.PdHttp;
import io.rutile.cli.tls.TlsCluster.Listener;
import io.rutile.cli.verify.GatewayCheck;
import io.rutile.client.KvClientException;
import io.rutile.client.RutileClient;
import io.rutile.client.RutileClientOptions;
import io.rutile.protocol.ByteKey;
import io.rutile.tls.ClientTls;
import io.rutile.tls.Tls;
import io.rutile.tls.TlsFiles;
import io.rutile.tls.TlsKeys;
import io.rutile.tls.TransportSecurity;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tikv.common.TiConfiguration;
import org.tikv.common.TiSession;
import org.tikv.raw.RawKVClient;
import org.tikv.shade.com.google.protobuf.ByteString;
import picocli.CommandLine;

/** E2, on every port of every service: who is let in, and that certificates are replaced while all of it runs. */
class TlsListenersTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final TestCa CA = new TestCa("authority");
    private static final TestCa NEXT = new TestCa("next authority");
    private static final TestCa STRANGERS = new TestCa("other authority");

    @TempDir
    static Path directory;

    private static TlsCluster cluster;

    @BeforeAll
    static void start() {
        cluster = new TlsCluster(directory, CA.issue("member"), CA.pem());
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    private static SSLContext client(TestCa trusted, X509Bundle own) {
        // Not looked at here, so that it is the server that does.
        Instant then = own.getCertificate().getNotBefore().toInstant();
        return context(
                TlsKeys.of(own.getKeyPair().getPrivate(), own.getCertificatePathList(), List.of(trusted.root()), then));
    }

    private static SSLContext context(TlsKeys keys) {
        return new Tls("client", keys, Tls.PROTOCOLS, Clock.systemUTC(), new SimpleMeterRegistry())
                .client()
                .context();
    }

    private static Map<String, String> outcomes(SSLContext client) {
        Map<String, String> outcomes = new TreeMap<>();
        for (Listener listener : cluster.listeners) {
            String outcome = "served";
            try {
                listener.words().servedAt(listener.port(), client);
            } catch (IOException e) {
                outcome = "refused";
            }
            outcomes.put(listener.name(), outcome);
        }
        return outcomes;
    }

    private static void assertEverybodyRefuses(SSLContext client, String reason) {
        Map<Listener, Double> before = new LinkedHashMap<>();
        cluster.listeners.forEach(listener -> before.put(listener, listener.refused(reason)));

        assertThat(outcomes(client))
                .allSatisfy((name, outcome) -> assertThat(outcome).isEqualTo("refused"));

        if (!reason.isEmpty()) {
            before.forEach((listener, count) ->
                    await(listener.name()).atMost(PATIENCE).until(() -> listener.refused(reason) > count));
        }
    }

    @Test
    void whoeverIsKnownIsServedEverywhere() {
        assertThat(outcomes(client(CA, CA.issue("member"))))
                .hasSize(17)
                .allSatisfy((name, outcome) -> assertThat(outcome).isEqualTo("served"));
    }

    @Test
    void onlyMembersSpeakRaft() {
        assertThat(outcomes(client(CA, CA.issue("application"))))
                .allSatisfy((name, outcome) ->
                        assertThat(outcome).as(name).isEqualTo(name.endsWith("Raft") ? "refused" : "served"));
    }

    @Test
    void strangersAreRefusedEverywhere() {
        assertEverybodyRefuses(client(CA, CA.issue("stranger")), "name");
        assertEverybodyRefuses(client(CA, CA.issue("member", Instant.now().minusSeconds(1))), "expired");
        // Their client would rather show nothing than what was not asked for: it is refused for that.
        assertEverybodyRefuses(client(CA, STRANGERS.issue("member")), "");
        assertEverybodyRefuses(context(TlsKeys.of(null, List.of(), List.of(CA.root()), Instant.now())), "");
    }

    @Test
    void clientsDoNotTrustStrangers() {
        assertThat(outcomes(client(STRANGERS, CA.issue("member"))))
                .allSatisfy((name, outcome) -> assertThat(outcome).isEqualTo("refused"));
    }

    @Test
    void plaintextIsAnsweredNowhere() {
        assertThat(cluster.listeners).allSatisfy(listener -> {
            int answer = listener.words().plaintextAnswerAt(listener.port());
            // Nothing; an alert; or, of Tomcat, a page of status 400 that says what the port speaks.
            assertThat(answer).as(listener.name()).isIn(-1, 0x15, (int) 'H');
            if (answer == 'H') {
                assertThat(plaintextStatus(listener.port())).isEqualTo(400);
            }
        });
    }

    private static int plaintextStatus(int port) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/actuator/health"))
                                .timeout(PATIENCE)
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    @Test
    void clientsAreToldWhatIsWrong() {
        RutileClientOptions plaintext =
                new RutileClientOptions(List.of(cluster.pdEndpoint), Duration.ofSeconds(1), Duration.ofSeconds(1), 1);
        assertThatThrownBy(() -> RutileClient.connect(plaintext).close())
                .isInstanceOf(KvClientException.class)
                .hasMessageContaining(
                        cluster.pdEndpoint + " closes the connection without a word, as a port does that speaks TLS");

        TestCa.put(directory.resolve("ca-only.pem"), CA.pem());
        TlsFiles none = TlsFiles.trusting(directory.resolve("ca-only.pem"));
        assertThatThrownBy(() -> RutileClient.connect(plaintext.withTls(none)).close())
                .isInstanceOf(KvClientException.class)
                .hasMessageContaining(cluster.pdEndpoint + " asks for a certificate that it trusts");
    }

    @Test
    void membersHaveUrlsOfHttps() {
        TransportSecurity security = new TransportSecurity(
                null, null, Tls.client(cluster.files, Clock.systemUTC(), new SimpleMeterRegistry()));
        PdHttp pd = new PdHttp(List.of(cluster.pdEndpoint), PATIENCE, security);

        String members = pd.object("/members").toString();

        assertThat(members)
                .contains("\"client_urls\":[\"https://" + cluster.pdEndpoint + "\"]", "\"name\":\"pd-2\"")
                .contains("\"peer_urls\":[\"https://127.0.0.1:");
    }

    @Test
    void browsersOfTheGatewaySpeakHttp2() throws Exception {
        String url = "https://localhost:" + cluster.listener("gateway REST").port();
        HttpClient http = HttpClient.newBuilder()
                .sslContext(client(CA, CA.issue("application")))
                .build();
        String pairs = IntStream.range(0, 200)
                .mapToObj(i -> "{\"key\": \"http2/%03d\", \"value\": \"v\"}".formatted(i))
                .collect(Collectors.joining(",", "{\"pairs\": [", "]}"));

        HttpResponse<Void> written = http.send(
                HttpRequest.newBuilder(URI.create(url + "/v1/raw:batchPut"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(pairs))
                        .build(),
                HttpResponse.BodyHandlers.discarding());
        HttpResponse<byte[]> scan = http.send(
                HttpRequest.newBuilder(URI.create(url + "/v1/raw?prefix=http2/"))
                        .header("Accept-Encoding", "gzip")
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());

        HttpResponse<Void> large = http.send(
                HttpRequest.newBuilder(URI.create(url + "/v1/raw/http2/large"))
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(new byte[1 << 20]))
                        .build(),
                HttpResponse.BodyHandlers.discarding());

        assertThat(written.statusCode()).isEqualTo(204);
        assertThat(large.statusCode()).isEqualTo(204);
        assertThat(scan.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(scan.headers().firstValue("Content-Encoding")).hasValue("gzip");
        assertThat(new String(
                                new GZIPInputStream(new ByteArrayInputStream(scan.body())).readAllBytes(),
                                StandardCharsets.UTF_8)
                        .lines())
                .hasSize(200);
    }

    @Test
    void commandsSpeakTls() {
        assertThat(run("put", "hello", "world")).isZero();
        assertThat(run("get", "hello")).isZero();
        assertThat(run("stores")).isZero();
        assertThat(run("members")).isZero();
        assertThat(new CommandLine(new Rutile())
                        .setExecutionExceptionHandler((failure, line, parsed) -> {
                            assertThat(failure)
                                    .isInstanceOf(ClusterException.class)
                                    .hasMessageContaining(cluster.pdEndpoint);
                            return 7;
                        })
                        .execute("stores", "--target", cluster.pdEndpoint, "--timeout", "1"))
                .isEqualTo(7);

        String gateway = "https://127.0.0.1:" + cluster.listener("gateway REST").port();
        TransportSecurity security = new TransportSecurity(
                null, null, Tls.client(cluster.files, Clock.systemUTC(), new SimpleMeterRegistry()));
        assertThat(new GatewayCheck(gateway, PATIENCE, 1, null, security).run(3))
                .isEmpty();
    }

    /** org.tikv:tikv-client-java, with the settings that its users know. */
    @Test
    void thePublishedClientSpeaksTls() throws Exception {
        TiConfiguration configuration = TiConfiguration.createRawDefault(cluster.pdEndpoint);
        configuration.setTlsEnable(true);
        configuration.setTrustCertCollectionFile(String.valueOf(cluster.files.ca()));
        configuration.setKeyCertChainFile(String.valueOf(cluster.files.certificate()));
        configuration.setKeyFile(String.valueOf(cluster.files.key()));
        configuration.setTimeout(5_000);
        try (TiSession session = TiSession.create(configuration);
                RawKVClient raw = session.createRawClient()) {
            raw.put(ByteString.copyFromUtf8("published"), ByteString.copyFromUtf8("client"));

            assertThat(raw.get(ByteString.copyFromUtf8("published"))).contains(ByteString.copyFromUtf8("client"));
        }
    }

    private static int run(String... command) {
        List<String> arguments = new ArrayList<>(List.of(command));
        arguments.addAll(List.of("--target", cluster.pdEndpoint));
        arguments.addAll(List.of("--cacert", String.valueOf(cluster.files.ca())));
        arguments.addAll(List.of("--cert", String.valueOf(cluster.files.certificate())));
        arguments.addAll(List.of("--key", String.valueOf(cluster.files.key())));
        return new CommandLine(new Rutile()).execute(arguments.toArray(new String[0]));
    }

    @Test
    void certificatesAreReplacedUnderLoad() throws Exception {
        ClientTls client = Tls.client(cluster.files, Clock.systemUTC(), new SimpleMeterRegistry());
        try (Load load = new Load(client)) {
            Instant brief = Instant.now().plusSeconds(8);
            rotate(client, CA.issue("member", brief), CA.pem());
            // Another authority: first everybody trusts both, then everybody shows the new one's, then the old one
            // goes.
            rotate(client, CA.issue("member"), CA.pem() + NEXT.pem());
            rotate(client, NEXT.issue("member"), CA.pem() + NEXT.pem());
            rotate(client, NEXT.issue("member"), NEXT.pem());
            Instant after = brief.plusMillis(500);
            int done = load.done.get();
            await().atMost(PATIENCE).until(() -> Instant.now().isAfter(after) && load.done.get() > done + 100);
            load.assertNothingFailed();

            assertThat(outcomes(client(NEXT, CA.issue("member"))))
                    .allSatisfy((name, outcome) -> assertThat(outcome).isEqualTo("refused"));
        } finally {
            rotate(client, NEXT.issue("member"), CA.pem() + NEXT.pem());
            rotate(client, CA.issue("member"), CA.pem() + NEXT.pem());
            rotate(client, CA.issue("member"), CA.pem());
        }
    }

    @Test
    void whatCannotBeUsedIsRefusedAndTheOldOneStays() throws Exception {
        ClientTls client = Tls.client(cluster.files, Clock.systemUTC(), new SimpleMeterRegistry());
        X509Bundle good = CA.issue("member");
        rotate(client, good, CA.pem());

        TestCa.put(directory.resolve("tls.crt"), CA.issue("member").getCertificatePathPEM());

        assertThat(cluster.services())
                .allSatisfy(service -> await().atMost(PATIENCE)
                        .until(() -> service.getBean(MeterRegistry.class)
                                        .get("kv.tls.reloads")
                                        .tags("bundle", "cluster", "outcome", "refused")
                                        .counter()
                                        .count()
                                > 0));
        for (Listener listener : cluster.listeners) {
            assertThat(listener.words().servedAt(listener.port(), client.context()))
                    .as(listener.name())
                    .isEqualTo(good.getCertificate());
        }
        rotate(client, CA.issue("member"), CA.pem());
    }

    /** Returns when every port shows it, and this client too. */
    private static void rotate(ClientTls client, X509Bundle own, String trusted) {
        cluster.write(own, trusted);
        X509Certificate shown = own.getCertificate();
        for (Listener listener : cluster.listeners) {
            await(listener.name())
                    .atMost(PATIENCE)
                    .pollInterval(20, TimeUnit.MILLISECONDS)
                    .until(() -> listener.words()
                            .servedAt(listener.port(), client.context())
                            .equals(shown));
        }
        await().atMost(PATIENCE).pollInterval(50, TimeUnit.MILLISECONDS).until(() -> {
            // It looks at its files when it is asked for an engine.
            var unused = client.context().createSSLEngine();
            return client.keys().chain().get(0).equals(shown);
        });
    }

    /** Calls over connections that stay, and new connections to every port, until it is closed. */
    private static final class Load implements AutoCloseable {

        final AtomicInteger done = new AtomicInteger();
        private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        private final AtomicBoolean over = new AtomicBoolean();
        private final ExecutorService threads = Executors.newFixedThreadPool(3);
        private final RutileClient raw;

        Load(ClientTls client) {
            raw = RutileClient.connect(
                    RutileClientOptions.of(List.of(cluster.pdEndpoint)).withCredentials(client.credentials()));
            HttpClient http = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .sslContext(client.context())
                    .build();
            URI pair = URI.create(
                    "https://127.0.0.1:" + cluster.listener("gateway REST").port() + "/v1/raw/rotated");
            repeat(() -> {
                byte[] key = "load".getBytes(StandardCharsets.UTF_8);
                raw.raw().put(ByteKey.wrap(key), key, Duration.ZERO).get();
                return raw.raw().get(ByteKey.wrap(key)).get();
            });
            repeat(() -> {
                HttpResponse<String> answer = http.send(
                        HttpRequest.newBuilder(pair)
                                .timeout(PATIENCE)
                                .PUT(HttpRequest.BodyPublishers.ofString("value"))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).isEqualTo(204);
                return answer;
            });
            repeat(() -> {
                for (Listener listener : cluster.listeners) {
                    listener.words().servedAt(listener.port(), client.context());
                }
                return 0;
            });
        }

        private void repeat(Callable<?> call) {
            Future<?> unused = threads.submit(() -> {
                while (!over.get()) {
                    try {
                        Object result = call.call();
                        assertThat(result).isNotNull();
                        done.incrementAndGet();
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                }
            });
        }

        void assertNothingFailed() {
            assertThat(failures).isEmpty();
        }

        @Override
        public void close() throws Exception {
            over.set(true);
            threads.shutdown();
            assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
            raw.close();
        }
    }
}
