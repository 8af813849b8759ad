package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.rutile.pd.PdCluster.Client;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.meta.HostPort;
import io.rutile.pd.meta.InitialCluster;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One member with its own Raft group, from the outside. */
class PdServerTest {

    @TempDir
    Path directory;

    @Test
    void memberAloneKeepsItsClusterOverRestarts() {
        long clusterId;
        long timestamp;
        Set<Long> ids = new HashSet<>();
        try (PdCluster cluster = PdCluster.alone(directory)) {
            clusterId = cluster.call(Client::clusterId);
            cluster.call(client -> client.bootstrap(LocalCluster.store(1)));
            timestamp = cluster.call(client -> client.timestamp(10));
            ids.add(cluster.call(Client::allocate));
        }

        for (int restart = 0; restart < 2; restart++) {
            try (PdCluster cluster = PdCluster.alone(directory)) {
                assertThat(cluster.call(Client::clusterId)).isPositive().isEqualTo(clusterId);
                assertThat(cluster.call(Client::isBootstrapped)).isTrue();
                String address = cluster.call(client -> client.storeAddress(1));
                assertThat(address).isEqualTo(LocalCluster.store(1).getAddress());
                long later = cluster.call(client -> client.timestamp(10));
                assertThat(later - 10).as("T1").isGreaterThanOrEqualTo(timestamp);
                timestamp = later;
                assertThat(ids.add(cluster.call(Client::allocate))).as("T2").isTrue();
            }
        }
    }

    @Test
    void keyspacesOfTheSettingsAreCreatedOnceAndStay() {
        PdOptions options = PdOptions.alone(directory);
        for (List<String> names : List.of(List.of("b", "a", "DEFAULT"), List.of("c", "b"), List.<String>of())) {
            try (PdServer server =
                    PdCluster.start(options.withLeader(options.leader().withKeyspaces(names)))) {
                Awaitility.await()
                        .atMost(PdCluster.PATIENCE)
                        .until(() -> server.leaderTerm().isPresent());
                PdCluster.bootstrap(server, LocalCluster.store(1));
                Awaitility.await()
                        .atMost(PdCluster.PATIENCE)
                        .until(() -> PdCluster.keyspaces(server).containsAll(names));
            }
        }
        try (PdServer server = PdCluster.start(options)) {
            Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .until(() -> server.leaderTerm().isPresent());

            assertThat(PdCluster.keyspaces(server)).containsExactlyInAnyOrder("DEFAULT", "a", "b", "c");
        }
    }

    @Test
    void clientPortInUseIsOneClearSentence() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            PdOptions options = PdCluster.withClientPort(PdOptions.alone(directory), taken.getLocalPort());

            assertThatThrownBy(() -> PdCluster.start(options))
                    .isInstanceOf(PdStartException.class)
                    .hasMessageContaining("The client port 127.0.0.1:" + taken.getLocalPort() + " cannot be opened");
        }
        // Nothing was left open: the same directory serves at once.
        try (PdCluster cluster = PdCluster.alone(directory)) {
            assertThat(cluster.call(Client::clusterId)).isPositive();
        }
    }

    @Test
    void raftPortInUseIsOneClearSentence() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            PdOptions options = PdCluster.withRaftPort(PdOptions.alone(directory), taken.getLocalPort());

            assertThatThrownBy(() -> PdCluster.start(options))
                    .isInstanceOf(PdStartException.class)
                    .hasMessageContaining(String.valueOf(taken.getLocalPort()));
        }
    }

    @Test
    void dataDirectoryThatIsAFileIsOneClearSentence() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "");

        assertThatThrownBy(() -> PdCluster.start(PdOptions.alone(file)))
                .isInstanceOf(PdStartException.class)
                .hasMessageContaining("The data directory " + file + " cannot be used");
    }

    @Test
    void memberMissingFromInitialClusterIsOneClearSentence() {
        PdOptions alone = PdOptions.alone(directory);
        PdOptions options = new PdOptions(
                "pd-7",
                alone.dataDir(),
                alone.clientListen(),
                null,
                new HostPort("127.0.0.1", 0),
                null,
                InitialCluster.parse("pd-1=127.0.0.1:1"),
                List.of(),
                alone.electionTimeout(),
                alone.leader(),
                alone.door(),
                alone.http());

        assertThatThrownBy(() -> PdCluster.start(options))
                .isInstanceOf(PdStartException.class)
                .hasMessageContaining("'pd-7' is not in initial-cluster");
    }
}
