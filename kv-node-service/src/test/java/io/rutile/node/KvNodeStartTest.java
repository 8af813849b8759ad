package io.rutile.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.rutile.node.placement.HostPort;
import io.rutile.node.placement.PlacementOptions;
import io.rutile.node.raftstore.RegionStateStore;
import io.rutile.node.raftstore.StoreIdentity;
import io.rutile.node.rpc.RpcOptions;
import io.rutile.protocol.kvrpcpb.Context;
import io.rutile.protocol.kvrpcpb.RawPutRequest;
import io.rutile.protocol.kvrpcpb.RawPutResponse;
import io.rutile.protocol.metapb.StoreLabel;
import io.rutile.protocol.pdpb.RegionHeartbeatRequest;
import io.rutile.storage.command.ApiVersion;
import io.rutile.storage.engine.RocksEngine;
import io.rutile.storage.engine.RocksOptions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starting, dying and starting again. */
class KvNodeStartTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path dir;

    private FakePd pd;

    @BeforeEach
    void start() throws Exception {
        pd = new FakePd();
    }

    @AfterEach
    void stop() throws Exception {
        pd.close();
    }

    private Context context() {
        await().atMost(PATIENCE).until(() -> pd.firstRegion().isPresent());
        RegionHeartbeatRequest beat = pd.firstRegion().orElseThrow();
        return TestNode.context(beat.getRegion(), beat.getLeader());
    }

    private static void awaitPut(TestNode node, Context context, String key, String value) {
        await().atMost(PATIENCE).until(() -> {
            RawPutResponse answer = node.put(context, key, value);
            return !answer.hasRegionError();
        });
    }

    @Test
    void thePlacementDriverHearsWhereTheNodeIs() {
        try (TestNode node = new TestNode(pd, dir).start()) {
            assertThat(Objects.requireNonNull(pd.stores().get(node.node.storeId()))
                            .getLabelsList())
                    .containsExactly(StoreLabel.newBuilder()
                            .setKey("zone")
                            .setValue("z1")
                            .build());
        }
    }

    @Test
    void aRestartFindsTheDataAndItsRegionAgain() {
        long storeId;
        try (TestNode node = new TestNode(pd, dir).start()) {
            awaitPut(node, context(), "k", "v");
            storeId = node.node.storeId();
        }

        try (TestNode node = new TestNode(pd, dir).start()) {
            assertThat(node.node.storeId()).isEqualTo(storeId);
            await().atMost(PATIENCE)
                    .untilAsserted(
                            () -> assertThat(node.get(context(), "k").getValue().toStringUtf8())
                                    .isEqualTo("v"));
        }
    }

    @Test
    void r8_aProcessThatIsKilledLosesNothingThatWasAcknowledged() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx256m",
                        "-XX:TieredStopAtLevel=1",
                        "-Dcom.google.protobuf.use_unsafe_pre22_gencode=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        NodeProcess.class.getName(),
                        pd.endpoint(),
                        dir.toString())
                .redirectErrorStream(true)
                .start();
        try {
            String address = addressOf(process);
            Context context = context();
            try (TestNode.Client client = new TestNode.Client(address)) {
                for (int i = 0; i < 100; i++) {
                    assertThat(client.put(context, "k" + i, "v" + i).hasRegionError())
                            .isFalse();
                }
            }
        } finally {
            process.destroyForcibly();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }

        try (TestNode node = new TestNode(pd, dir).start()) {
            Context context = context();
            await().atMost(PATIENCE).until(() -> !node.get(context, "k0").hasRegionError());
            for (int i = 0; i < 100; i++) {
                assertThat(node.get(context, "k" + i).getValue().toStringUtf8()).isEqualTo("v" + i);
            }
        }
    }

    /** A node in a process of its own, to be killed. */
    static final class NodeProcess {

        private NodeProcess() {}

        public static void main(String[] args) throws InterruptedException {
            TestNode node = new TestNode(TestNode.options(List.of(args[0]), Path.of(args[1]))).start();
            System.out.println("LISTENS " + node.node.address());
            System.out.flush();
            Thread.currentThread().join();
        }
    }

    private static String addressOf(Process process) throws Exception {
        BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder said = new StringBuilder();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith("LISTENS ")) {
                // Nobody reads the rest, and a full pipe must not stop the process.
                Thread drain = new Thread(() -> out.lines().forEach(ignored -> {}));
                drain.setDaemon(true);
                drain.start();
                return line.substring("LISTENS ".length());
            }
            said.append(line).append('\n');
        }
        throw new AssertionError("the process ended: " + said);
    }

    @Test
    void d3_withoutPdReadsAndWritesGoOn() throws Exception {
        try (TestNode node = new TestNode(pd, dir).start()) {
            Context context = context();
            awaitPut(node, context, "k", "v");

            pd.close();

            await().during(Duration.ofSeconds(2)).atMost(PATIENCE).until(() -> {
                RawPutResponse answer = node.put(context, "k", "w");
                return !answer.hasRegionError();
            });
            assertThat(node.get(context, "k").getValue().toStringUtf8()).isEqualTo("w");
            assertThat(node.node.isReady()).isTrue();
        }
    }

    @Test
    void aPortInUseIsOneSentence() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            KvNodeOptions free = TestNode.options(List.of(pd.endpoint()), dir);
            HostPort port = new HostPort("127.0.0.1", taken.getLocalPort());
            KvNodeOptions options = new KvNodeOptions(
                    free.dataDir(),
                    port,
                    free.advertise(),
                    free.raftListen(),
                    free.raftAdvertise(),
                    "",
                    free.labels(),
                    free.placement(),
                    RpcOptions.of(port.resolve()),
                    free.apiVersion(),
                    free.cacheBytes(),
                    free.electionTimeout(),
                    false,
                    true,
                    free.pendingBytesMax(),
                    free.diskReserveBytesMax(),
                    free.logBytesMax(),
                    free.imageBytesPerSecondMax(),
                    free.split(),
                    free.gc(),
                    free.consistency(),
                    free.staleReads(),
                    free.cdc());

            assertThatThrownBy(() -> new TestNode(options).start())
                    .isInstanceOf(NodeStartException.class)
                    .hasMessage("the gRPC port 127.0.0.1:" + taken.getLocalPort() + " is in use");
        }

        // What had been opened is closed again.
        new TestNode(pd, dir).start().close();
    }

    @Test
    void dataOfAnotherClusterIsOneSentence() {
        try (RocksEngine engine = RocksEngine.open(dir.resolve("db"), RocksOptions.withMemory(16 << 20))) {
            new RegionStateStore(engine).putIdentity(new StoreIdentity(42, 1));
        }

        assertThatThrownBy(() -> new TestNode(pd, dir).start())
                .isInstanceOf(NodeStartException.class)
                .hasMessage("the data directory belongs to cluster 42, but PD serves cluster " + FakePd.CLUSTER_ID);
    }

    @Test
    void w04_aNodeWithTtlForgetsAndItsDataStaysWithTtl() {
        KvNodeOptions ttl = TestNode.options(List.of(pd.endpoint()), dir, ApiVersion.V1TTL);
        try (TestNode node = new TestNode(ttl).start()) {
            Context context = context();
            awaitPut(node, context, "stays", "v");
            node.stub()
                    .rawPut(RawPutRequest.newBuilder()
                            .setContext(context)
                            .setKey(ByteString.copyFromUtf8("goes"))
                            .setValue(ByteString.copyFromUtf8("v"))
                            .setTtl(1)
                            .build());

            await().atMost(PATIENCE).until(() -> node.get(context, "goes").getNotFound());
            assertThat(node.get(context, "stays").getValue().toStringUtf8()).isEqualTo("v");
        }

        assertThatThrownBy(() -> new TestNode(pd, dir).start())
                .isInstanceOf(NodeStartException.class)
                .hasMessage("the data directory was written with API version V1TTL and can't be opened with V1");
    }

    @Test
    void aDataDirectoryInUseIsOneSentence() {
        try (TestNode node = new TestNode(pd, dir).start()) {
            assertThat(node.node.isReady()).isTrue();

            assertThatThrownBy(() -> new TestNode(pd, dir).start())
                    .isInstanceOf(NodeStartException.class)
                    .hasMessageContaining("in use");
        }
    }

    @Test
    void aPdThatDoesNotAnswerIsOneSentence() {
        KvNodeOptions options = TestNode.options(List.of("127.0.0.1:1"), dir);
        KvNodeOptions impatient = new KvNodeOptions(
                options.dataDir(),
                options.listen(),
                options.advertise(),
                options.raftListen(),
                options.raftAdvertise(),
                "",
                options.labels(),
                new PlacementOptions(List.of("127.0.0.1:1"), Duration.ofSeconds(1), PATIENCE, PATIENCE, PATIENCE),
                options.rpc(),
                options.apiVersion(),
                options.cacheBytes(),
                options.electionTimeout(),
                false,
                true,
                options.pendingBytesMax(),
                options.diskReserveBytesMax(),
                options.logBytesMax(),
                options.imageBytesPerSecondMax(),
                options.split(),
                options.gc(),
                options.consistency(),
                options.staleReads(),
                options.cdc());

        assertThatThrownBy(() -> new TestNode(impatient).start())
                .isInstanceOf(NodeStartException.class)
                .hasMessageContaining("no PD member answers at 127.0.0.1:1 within 1 s");
    }
}
