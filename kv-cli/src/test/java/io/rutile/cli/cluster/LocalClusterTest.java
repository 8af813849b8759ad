package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Life and death of processes, with services that do nothing. */
class LocalClusterTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    @TempDir
    static Path homeDir;

    @TempDir
    Path dataDir;

    private ClusterLayout layout;
    private LocalCluster cluster;

    @BeforeAll
    static void packFakeServices() throws IOException {
        FakeHome.pack(homeDir);
    }

    @BeforeEach
    void choosePorts() {
        layout = new ClusterLayout(dataDir, 1, 2, FakeHome.freeBasePort(), ApiVersion.V1);
        cluster = clusterOf(layout);
    }

    @AfterEach
    void stopWhateverIsLeft() {
        cluster.kill();
    }

    @Test
    void startsAllAndStopsInReverseOrder() throws IOException {
        cluster.start();
        awaitReady();

        assertThat(cluster.status()).allMatch(process -> process.state() == ProcessStatus.State.READY);
        assertThat(cluster.processes()).allMatch(process -> Files.exists(process.pidFile()));
        assertThat(cluster.stop(line -> {})).as("killed").isEmpty();

        assertThat(cluster.running()).isEmpty();
        assertThat(cluster.processes()).noneMatch(process -> Files.exists(process.pidFile()));
        List<String> order = Files.readAllLines(dataDir.resolve("order.txt"));
        assertThat(order).hasSize(4).startsWith("gateway").endsWith("pd-1");
    }

    @Test
    void anotherObjectForTheDirectoryFindsTheProcesses() {
        cluster.start();
        awaitReady();

        LocalCluster found = clusterOf(ClusterLayout.read(dataDir).orElseThrow());

        assertThat(found.running()).hasSize(4);
        assertThat(found.process("node-2").pid())
                .isEqualTo(cluster.process("node-2").pid());
        found.stop(line -> {});
        assertThat(cluster.running()).isEmpty();
    }

    @Test
    void killsOneAndStartsItAgain() {
        cluster.start();
        awaitReady();
        long before = cluster.process("node-1").pid().orElseThrow();

        cluster.process("node-1").kill();

        assertThat(cluster.process("node-1").isAlive()).isFalse();
        assertThat(cluster.running()).hasSize(3);
        cluster.start("node-1");
        cluster.awaitReady("node-1", TIMEOUT);
        assertThat(cluster.process("node-1").pid().orElseThrow()).isNotEqualTo(before);
        assertThatThrownBy(() -> cluster.start("node-1")).hasMessageContaining("running already");
        assertThatThrownBy(() -> cluster.start("node-9")).hasMessageContaining("no process node-9");
    }

    @Test
    void startBringsBackOnlyWhoIsMissing() {
        cluster.start();
        awaitReady();
        cluster.process("gateway").kill();

        assertThat(cluster.start())
                .singleElement()
                .extracting(ServiceProcess::name)
                .isEqualTo("gateway");
    }

    @Test
    void aProcessThatEndsWhileWaitedForSaysWhy() throws IOException {
        Files.writeString(dataDir.resolve("node-2.fails"), "");

        cluster.start();

        assertThatThrownBy(() -> cluster.awaitReady("node-2", TIMEOUT))
                .isInstanceOf(ClusterException.class)
                .hasMessageContaining("node-2 has ended (exit status 1): node-2 was told to fail");
    }

    @Test
    void ignoresTheTerminalsInterrupt() {
        cluster.start();
        awaitReady();

        cluster.processes().forEach(process -> {
            process.signal("INT");
            process.signal("HUP");
        });
        cluster.process("pd-1").terminate();

        // The signal that ends one has come through by then; the earlier ones had the same time.
        await().atMost(TIMEOUT).until(() -> !cluster.process("pd-1").isAlive());
        assertThat(cluster.running()).hasSize(3);
    }

    @Test
    void aFrozenProcessIsAliveButNotReady() {
        cluster.start();
        awaitReady();

        cluster.process("node-1").signal("STOP");

        assertThat(cluster.process("node-1").isAlive()).isTrue();
        assertThat(cluster.status().get(1).state()).isEqualTo(ProcessStatus.State.STARTING);
        cluster.process("node-1").signal("CONT");
        cluster.awaitReady("node-1", TIMEOUT);
    }

    @Test
    void aPidFileOfAnotherLifeIsNoProcessOfOurs() throws IOException {
        Files.createDirectories(layout.runDir());
        Process stranger = new ProcessBuilder("sleep", "60").start();
        try {
            Files.writeString(layout.runDir().resolve("node-1.pid"), Long.toString(stranger.pid()));
            Files.writeString(layout.runDir().resolve("node-2.pid"), "not a number");

            assertThat(cluster.running()).isEmpty();
            cluster.kill();

            assertThat(stranger.isAlive()).isTrue();
        } finally {
            stranger.destroyForcibly();
        }
    }

    @Test
    void aPortInUseStartsNothing() throws IOException {
        int port = cluster.process("node-2").spec().port("raft");
        try (ServerSocket taken = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> cluster.start())
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("port " + taken.getLocalPort() + " (node-2 raft) is in use");
        }
        assertThat(cluster.running()).isEmpty();
    }

    @Test
    void aHomeThatIsNotBuiltIsOneSentence(@TempDir Path empty) {
        LocalCluster unbuilt = new LocalCluster(layout, JavaRuntime.current(), new RutileHome(empty), List.of());

        assertThatThrownBy(unbuilt::start)
                .hasMessageContaining("pd-service is not built")
                .hasMessageContaining("./mvnw package");
    }

    @Test
    void aDirectoryThatCannotBeMadeIsOneSentence() throws IOException {
        Path file = Files.writeString(dataDir.resolve("file"), "");
        LocalCluster nowhere = clusterOf(new ClusterLayout(file, 1, 1, layout.basePort(), ApiVersion.V1));

        assertThatThrownBy(nowhere::start).isInstanceOf(ClusterException.class).hasMessageContaining(file.toString());
    }

    @Test
    void oneUpAtATimeLooksAfterADirectory() {
        try (UpLock first = UpLock.take(layout)) {
            assertThat(first).isNotNull();
            assertThatThrownBy(() -> UpLock.take(layout))
                    .isInstanceOf(ClusterException.class)
                    .hasMessageContaining("in use by another rutile up");
        }
        UpLock.take(layout).close();
        assertThat(UpLock.heldBy(layout)).isEmpty();
    }

    private void awaitReady() {
        cluster.processes().forEach(process -> cluster.awaitReady(process.name(), TIMEOUT));
    }

    private static LocalCluster clusterOf(ClusterLayout layout) {
        return new LocalCluster(layout, JavaRuntime.current(), new RutileHome(homeDir), List.of());
    }
}
