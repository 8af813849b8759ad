package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.rutile.pd.PdCluster.Client;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.protocol.pdpb.Member;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three members over real Raft: what a client sees while they come and go. */
class PdFailoverTest {

    @TempDir
    Path directory;

    private PdCluster cluster;

    @BeforeEach
    void start() {
        cluster = PdCluster.of(3, directory);
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    @Test
    void everyMemberNamesAllAndTheSameLeader() {
        int leader = cluster.leaderId();

        for (int member = 1; member <= 3; member++) {
            Client client = cluster.client(member);
            Awaitility.await().atMost(PdCluster.PATIENCE).untilAsserted(() -> {
                assertThat(client.members().getMembersList())
                        .hasSize(3)
                        .allMatch(m -> m.getClientUrls(0).matches("http://127\\.0\\.0\\.1:\\d+"));
                assertThat(client.members().getLeader().getMemberId()).isEqualTo(leader);
            });
            int port = cluster.server(member).clientAddress().getPort();
            assertThat(client.members().getMembersList())
                    .extracting(Member::getClientUrlsList)
                    .contains(client.members().getMembers(member - 1).getClientUrlsList());
            assertThat(client.members().getMembers(member - 1).getClientUrls(0)).endsWith(":" + port);
            assertThat(cluster.server(member).isReady()).isTrue();
        }
    }

    @Test
    void d13TimeAndIdsGoOnWhenTheLeaderIsLostT1T2() {
        Client client = cluster.leader();
        long clusterId = client.clusterId();
        client.bootstrap(LocalCluster.store(1));
        Set<Long> ids = new HashSet<>();
        long last = client.timestamp(1);
        for (int round = 0; round < 2; round++) {
            int leader = cluster.leaderId();
            Client before = cluster.client(leader);
            for (int i = 0; i < 20; i++) {
                long taken = before.timestamp(5, clusterId);
                assertThat(taken - 5).isGreaterThanOrEqualTo(last);
                last = taken;
                assertThat(ids.add(before.allocate())).isTrue();
            }

            cluster.stopMember(leader);
            long lostNanos = System.nanoTime();
            long floor = last;
            long first = Awaitility.await()
                    .atMost(PdCluster.PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> anyTimestamp(leader, clusterId), taken -> taken != 0);
            Duration gap = Duration.ofNanos(System.nanoTime() - lostNanos);

            assertThat(first).isGreaterThan(floor);
            assertThat(gap).as("timestamps after a lost leader").isLessThan(Duration.ofSeconds(6));
            last = first;
            Client next = cluster.leader();
            assertThat(next.clusterId()).isEqualTo(clusterId);
            assertThat(next.isBootstrapped()).isTrue();
            assertThat(ids.add(next.allocate())).isTrue();
            cluster.startMember(leader);
        }
    }

    @Test
    void hardStateIsThereAfterEveryMemberWasDown() {
        Client client = cluster.leader();
        long clusterId = client.clusterId();
        client.bootstrap(LocalCluster.store(1));
        long last = client.timestamp(1);

        IntStream.rangeClosed(1, 3).forEach(cluster::stopMember);
        IntStream.rangeClosed(1, 3).forEach(cluster::startMember);

        Client again = cluster.leader();
        assertThat(again.clusterId()).isEqualTo(clusterId);
        assertThat(again.storeAddress(1)).isEqualTo(LocalCluster.store(1).getAddress());
        assertThat(again.timestamp(1)).isGreaterThan(last);
    }

    @Test
    void minorityHandsOutNothing() {
        int leader = cluster.leaderId();
        Client alone = cluster.client(leader);
        long clusterId = alone.clusterId();
        alone.timestamp(1, clusterId);

        IntStream.rangeClosed(1, 3).filter(member -> member != leader).forEach(cluster::stopMember);

        Awaitility.await().atMost(PdCluster.PATIENCE).until(() -> {
            try {
                alone.timestamp(1, clusterId);
                return false;
            } catch (StatusRuntimeException e) {
                return true;
            }
        });
    }

    private long anyTimestamp(int except, long clusterId) {
        for (int member = 1; member <= 3; member++) {
            if (member != except && cluster.server(member).leaderTerm().isPresent()) {
                try {
                    return cluster.client(member).timestamp(1, clusterId);
                } catch (StatusRuntimeException e) {
                    // Elected, but not there yet.
                    continue;
                }
            }
        }
        return 0;
    }
}
