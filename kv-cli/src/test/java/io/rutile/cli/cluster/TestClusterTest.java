package io.rutile.cli.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.client.RutileClient;
import io.rutile.node.KvNode;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.metapb.PeerRole;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole corridor in one JVM: client, Placement Driver, Raft, RocksDB on three stores. */
class TestClusterTest {

    @TempDir
    Path dataDir;

    @Test
    void aWriteReachesThreeStoresAndOutlivesOne() throws Exception {
        ByteKey key = ByteKey.wrap("k".getBytes(StandardCharsets.UTF_8));
        byte[] value = "v".getBytes(StandardCharsets.UTF_8);
        try (TestCluster cluster = TestCluster.start(dataDir, 3);
                RutileClient client = cluster.client()) {
            client.raw().put(key, value, Duration.ZERO).get(30, TimeUnit.SECONDS);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> cluster.nodes().stream().allMatch(node -> node.regionCount() == 1));
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> client.pd()
                            .regionByKey(key)
                            .get(10, TimeUnit.SECONDS)
                            .filter(region -> region.region().getPeersList().stream()
                                                    .filter(peer -> peer.getRole() == PeerRole.Voter)
                                                    .count()
                                            == 3
                                    && region.pendingPeers().isEmpty())
                            .isPresent());

            KvNode leader = cluster.nodes().stream()
                    .filter(node -> node.leaderCount() == 1)
                    .findFirst()
                    .orElseThrow();
            leader.close();

            assertThat(client.raw().get(key).get(30, TimeUnit.SECONDS)).hasValue(value);
        }
    }
}
