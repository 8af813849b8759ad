package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.rutile.gateway.v1.RawKvGrpc;
import io.rutile.gateway.v1.RawPutRequest;
import io.rutile.gateway.v1.RawScanRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The two commands of the README, run as its reader runs them. */
@Tag("cluster")
class UpDownIT {

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    Path scratch;

    private String data;
    private int base;

    @BeforeEach
    void choosePorts() {
        data = scratch.resolve("data").toString();
        base = TestHouse.freeBasePort();
    }

    @AfterEach
    void stopWhateverIsLeft() throws IOException, InterruptedException {
        CommandRun.run(scratch, "down", "--data", data);
    }

    /** Steps of one cluster's life, because each start costs twenty seconds. */
    @Test
    void upSaysThreeLinesTellsOfDeathsAndFindsItsDataAgain() throws Exception {
        CommandRun up = up();
        awaitReady(up);

        assertThat(up.out()).containsExactly("pd 127.0.0.1:" + base, "gateway " + gateway(), "ready");
        JsonObject status = status();
        assertThat(names(status)).containsExactly("pd-1", "node-1", "node-2", "node-3", "gateway");
        for (JsonElement element : status.getAsJsonArray("processes")) {
            JsonObject process = element.getAsJsonObject();
            String name = process.get("name").getAsString();
            assertThat(process.get("state").getAsString()).as(name).isEqualTo("ready");
            assertThat(Files.readString(Path.of(data, "run", name + ".pid")).strip())
                    .isEqualTo(process.get("pid").getAsString());
            assertThat(Path.of(data, "log", name + ".log")).isNotEmptyFile();
            assertThat(get(process.get("managementUrl").getAsString() + "/actuator/health/liveness"))
                    .contains("UP");
        }
        put("hello", "world");
        assertThat(pairsByGrpc("hello, too", "world")).containsExactly("hello=world", "hello, too=world");

        CommandRun second = up();
        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.err()).singleElement().asString().contains("in use by another rutile up");

        assertThat(CommandRun.run(scratch, "kill", "node-2", "--data", data).exitCode())
                .isZero();
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(up.err()).anyMatch(line -> line.startsWith("node-2 has ended")));
        put("without node-2", "served");
        CommandRun started = CommandRun.run(scratch, "start", "node-2", "--data", data);
        assertThat(started.exitCode()).as("%s", started.err()).isZero();

        List<ProcessHandle> processes = processes(status());
        up.terminate();
        assertThat(up.exitCode()).as("%s", up.err()).isZero();
        assertThat(processes).hasSize(5);
        awaitGone(processes);
        assertThat(up.err())
                .containsSubsequence("stopping gateway", "stopping node-1, node-2, node-3", "stopping pd-1", "stopped");
        assertThat(up.out()).hasSize(3);

        againWithAStrangersNumberInAnOldPidFile();
    }

    /** Size and ports are remembered; whoever has the number of a process that ended is left alone. */
    private void againWithAStrangersNumberInAnOldPidFile() throws Exception {
        Process stranger = new ProcessBuilder("sleep", "600").start();
        try {
            Files.writeString(Path.of(data, "run", "node-1.pid"), Long.toString(stranger.pid()));

            CommandRun again = CommandRun.run(scratch, "up", "--detach", "--data", data);
            assertThat(again.exitCode()).as("%s", again.err()).isZero();
            assertThat(again.out()).containsExactly("pd 127.0.0.1:" + base, "gateway " + gateway(), "ready");
            assertThat(get(gateway() + "/v1/raw/hello")).isEqualTo("world");
            CommandRun got = CommandRun.run(scratch, "get", "hello", "--data", data);
            assertThat(got.out()).containsExactly("world");
            List<ProcessHandle> processes = processes(status());

            assertThat(CommandRun.run(scratch, "down", "--data", data).exitCode())
                    .isZero();

            awaitGone(processes);
            assertThat(stranger.isAlive()).isTrue();
        } finally {
            stranger.destroyForcibly();
        }
    }

    /** With TLS on every port, so that no cluster has to be started for that alone. */
    @Test
    void downStopsWhatAnUpLooksAfter() throws Exception {
        CommandRun up = up("--nodes", "1", "--tls");
        awaitReady(up);
        assertThat(up.out()).contains("gateway https://127.0.0.1:" + (base + 400));
        commandsFindTheCertificates();
        theConsoleOpens();
        nobodyElseIsLetIn();

        CommandRun down = CommandRun.run(scratch, "down", "--data", data);

        assertThat(down.exitCode()).isZero();
        assertThat(up.exitCode()).as("%s", up.err()).isZero();
    }

    private void commandsFindTheCertificates() throws Exception {
        for (List<String> command : List.of(
                List.of("put", "hello", "world"),
                List.of("get", "hello"),
                List.of("stores"),
                List.of("members"),
                List.of("check"),
                List.of("verify", "gateway", "--pairs", "3"))) {
            List<String> arguments = new ArrayList<>(command);
            arguments.addAll(List.of("--data", data));
            CommandRun run = CommandRun.run(scratch, arguments.toArray(String[]::new));
            assertThat(run.exitCode()).as("%s %s", command, run.err()).isZero();
        }
        assertThat(status().getAsJsonArray("processes").asList())
                .allSatisfy(process -> assertThat(
                                process.getAsJsonObject().get("state").getAsString())
                        .isEqualTo("ready"));
    }

    private void theConsoleOpens() throws Exception {
        byte[] key = certificate("member").getPublicKey().getEncoded();
        String pin = Base64.getEncoder()
                .encodeToString(MessageDigest.getInstance("SHA-256").digest(key));
        Optional<Browser> found = Browser.trusting(pin);
        if (found.isEmpty()) {
            return; // ConsoleIT says so
        }
        try (Browser browser = found.get()) {
            browser.open("https://127.0.0.1:" + (base + 400) + "/console/");
            await().atMost(Duration.ofSeconds(20))
                    .untilAsserted(() -> assertThat(browser.text("document.body.textContent"))
                            .contains("1 of 1Stores up"));
            assertThat(browser.text("location.protocol")).isEqualTo("https:");
            assertThat(browser.troubles()).isEmpty();
        }
    }

    private void nobodyElseIsLetIn() throws Exception {
        CommandRun stranger =
                CommandRun.run(scratch, "get", "hello", "--target", "127.0.0.1:" + base, "--timeout", "2");
        assertThat(stranger.exitCode()).isEqualTo(1);
        assertThat(stranger.err()).anyMatch(line -> line.contains("TLS"));
        try (Stream<Path> files = Files.list(Path.of(data, "tls"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "ca.crt", "member.crt", "member.key", "application.crt", "application.key");
        }
    }

    private X509Certificate certificate(String name) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(data, "tls", name + ".crt"))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    @Test
    void aPortInUseIsOneSentence() throws Exception {
        try (ServerSocket taken = new ServerSocket(base + 101, 1, InetAddress.getLoopbackAddress())) {
            CommandRun up = up();

            assertThat(up.exitCode()).isEqualTo(1);
            assertThat(up.out()).isEmpty();
            assertThat(up.err())
                    .singleElement()
                    .asString()
                    .contains("port " + taken.getLocalPort(), "node-2", "in use", "--base-port");
        }
        assertThat(Path.of(data, "run")).isDirectoryNotContaining("glob:**.pid");
    }

    @Test
    void aProcessThatCannotStartIsOneSentenceAndStopsTheOthers() throws Exception {
        Files.createDirectories(Path.of(data));
        Files.writeString(Path.of(data, "node-2"), "a file where a directory must be");

        CommandRun up = up("--nodes", "2");

        assertThat(up.exitCode()).isEqualTo(1);
        assertThat(up.out()).isEmpty();
        assertThat(up.err().get(up.err().size() - 1))
                .startsWith("rutile: node-2 has ended")
                .contains("node-2.log");
        assertThat(names(status())).hasSize(4);
        assertThat(processes(status())).isEmpty();
    }

    private CommandRun up(String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("up", "--data", data, "--base-port", Integer.toString(base)));
        arguments.addAll(List.of(more));
        return CommandRun.start(scratch, arguments.toArray(String[]::new));
    }

    /** Ended they have; a number may stay in the process table until init, or nobody, has asked for it. */
    private static void awaitGone(List<ProcessHandle> processes) {
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(processes).noneMatch(ProcessHandle::isAlive));
    }

    private static void awaitReady(CommandRun up) {
        await().atMost(TestHouse.READY_TIMEOUT).untilAsserted(() -> {
            assertThat(up.isAlive()).as("%s", up.err()).isTrue();
            assertThat(up.out()).endsWith("ready");
        });
    }

    private String gateway() {
        return "http://127.0.0.1:" + (base + 400);
    }

    private JsonObject status() throws IOException, InterruptedException {
        CommandRun status = CommandRun.run(scratch, "status", "--json", "--data", data);
        assertThat(status.exitCode()).as("%s", status.err()).isZero();
        return JsonParser.parseString(status.outText()).getAsJsonObject();
    }

    private static List<String> names(JsonObject status) {
        return status.getAsJsonArray("processes").asList().stream()
                .map(process -> process.getAsJsonObject().get("name").getAsString())
                .toList();
    }

    private static List<ProcessHandle> processes(JsonObject status) {
        return status.getAsJsonArray("processes").asList().stream()
                .map(process -> process.getAsJsonObject().get("pid"))
                .filter(pid -> !pid.isJsonNull())
                .map(pid -> ProcessHandle.of(pid.getAsLong()).orElseThrow())
                .toList();
    }

    private void put(String key, String value) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gateway() + "/v1/raw/" + key.replace(" ", "%20")))
                .PUT(BodyPublishers.ofString(value))
                .build();
        assertThat(HTTP.send(request, BodyHandlers.ofString()).statusCode()).isBetween(200, 299);
    }

    /** Writes one more pair through the gateway's other door, and reads all of them. */
    private List<String> pairsByGrpc(String key, String value) {
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", base + 402)
                .usePlaintext()
                .build();
        try {
            RawKvGrpc.RawKvBlockingStub raw =
                    RawKvGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
            raw.put(RawPutRequest.newBuilder()
                    .setKey(ByteString.copyFromUtf8(key))
                    .setValue(ByteString.copyFromUtf8(value))
                    .build());
            List<String> pairs = new ArrayList<>();
            raw.scan(RawScanRequest.getDefaultInstance())
                    .forEachRemaining(part -> part.getPairsList()
                            .forEach(pair -> pairs.add(pair.getKey().toStringUtf8() + "="
                                    + pair.getValue().toStringUtf8())));
            return pairs;
        } finally {
            channel.shutdownNow();
        }
    }

    private static String get(String url) throws IOException, InterruptedException {
        return HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString())
                .body();
    }
}
