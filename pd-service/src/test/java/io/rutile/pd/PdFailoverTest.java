package io.rutile.pd;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.StatusRuntimeException;
import io.rutile.pd.PdCluster.Client;
import io.rutile.pd.cluster.LocalCluster;
import io.rutile.protocol.pdpb.ErrorType;
import io.rutile.protocol.pdpb.GetMembersResponse;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Three members over real Raft: what a client sees while they come and go. */
class PdFailoverTest {

    private static final Logger log = LoggerFactory.getLogger(PdFailoverTest.class);

    @TempDir
    static Path directory;

    private static PdCluster cluster;

    @BeforeAll
    static void start() {
        cluster = PdCluster.of(3, directory);
    }

    @BeforeEach
    void startWhoeverATestStopped() {
        IntStream.rangeClosed(1, 3).filter(member -> !cluster.isRunning(member)).forEach(cluster::startMember);
    }

    @AfterAll
    static void stop() {
        cluster.close();
    }

    @Test
    void everyMemberNamesAllAndTheSameLeader() {
        for (int member = 1; member <= 3; member++) {
            Client client = cluster.client(member);
            int port = cluster.server(member).clientAddress().getPort();
            int id = member;
            Awaitility.await().atMost(PdCluster.PATIENCE).untilAsserted(() -> {
                GetMembersResponse answer = client.members();
                assertThat(answer.getMembersList())
                        .hasSize(3)
                        .allMatch(m -> m.getClientUrls(0).matches("http://127\\.0\\.0\\.1:\\d+"));
                assertThat(answer.getMembers(id - 1).getClientUrls(0)).endsWith(":" + port);
                assertThat(answer.getLeader().getMemberId()).isEqualTo(cluster.leaderId());
                assertThat(cluster.server(id).isReady()).isTrue();
            });
        }
    }

    @Test
    void d13TimeAndIdsGoOnWhenTheLeaderIsLostT1T2() {
        long clusterId = cluster.call(Client::clusterId);
        cluster.call(client -> client.bootstrap(LocalCluster.store(1)));
        Set<Long> ids = new HashSet<>();
        long last = 0;
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 20; i++) {
                long taken = cluster.call(client -> client.timestamp(5, clusterId));
                assertThat(taken - 5).isGreaterThanOrEqualTo(last);
                last = taken;
                assertThat(ids.add(cluster.call(Client::allocate))).isTrue();
            }

            int leader = cluster.leaderId();
            cluster.stopMember(leader);
            long lostNanos = System.nanoTime();
            long first = cluster.call(client -> client.timestamp(1, clusterId));
            log.info("timestamps after {} without", Duration.ofNanos(System.nanoTime() - lostNanos));

            assertThat(first).isGreaterThan(last);
            last = first;
            assertThat(cluster.call(Client::clusterId)).isEqualTo(clusterId);
            assertThat(cluster.call(Client::isBootstrapped)).isTrue();
            assertThat(ids.add(cluster.call(Client::allocate))).isTrue();
            cluster.startMember(leader);
        }
    }

    @Test
    void hardStateIsThereAfterEveryMemberWasDown() {
        long clusterId = cluster.call(Client::clusterId);
        ErrorType bootstrapped = cluster.call(client -> client.bootstrap(LocalCluster.store(1)));
        assertThat(bootstrapped).isIn(ErrorType.OK, ErrorType.ALREADY_BOOTSTRAPPED);
        long last = cluster.call(client -> client.timestamp(1));
        long safePoint = cluster.call(client -> client.updateGcSafePoint(1_000));

        IntStream.rangeClosed(1, 3).forEach(cluster::stopMember);
        IntStream.rangeClosed(1, 3).forEach(cluster::startMember);

        assertThat(cluster.call(Client::clusterId)).isEqualTo(clusterId);
        String address = cluster.call(client -> client.storeAddress(1));
        assertThat(address).isEqualTo(LocalCluster.store(1).getAddress());
        long later = cluster.call(client -> client.timestamp(1));
        assertThat(later).isGreaterThan(last);
        assertThat(safePoint).isEqualTo(1_000);
        assertThat(cluster.call(Client::gcState).getGcSafePoint()).as("P7").isEqualTo(1_000);
        assertThat(cluster.call(Client::gcState).getTxnSafePoint()).as("P7").isEqualTo(1_000);
    }

    @Test
    void anyMemberTakesHttpAndHandsLeadershipOver() throws Exception {
        int leader = cluster.leaderId();
        int follower = leader % 3 + 1;
        Awaitility.await()
                .atMost(PdCluster.PATIENCE)
                .until(() ->
                        http(follower, "GET", "/health").contains("\"pd-" + follower + "\",\"member_id\":" + follower));

        cluster.call(client -> client.bootstrap(LocalCluster.store(1)));
        assertThat(post(follower, "/schedulers", "{\"name\":\"evict-leader-scheduler\",\"store_id\":1}"))
                .isEqualTo(200);
        assertThat(post(follower, "/schedulers/hot-region-scheduler", "{\"delay\":3600}"))
                .isEqualTo(200);

        // Asked of a follower, relayed to the leader.
        assertThat(http(follower, "POST", "/leader/transfer/pd-" + follower)).contains("submitted");

        Awaitility.await().atMost(PdCluster.PATIENCE).until(() -> cluster.leaderId() == follower);
        assertThat(http(leader, "GET", "/leader")).contains("\"pd-" + follower + "\"");
        assertThat(http(leader, "GET", "/cluster")).contains("\"max_peer_count\":3");
        // What an operator said of schedulers is hard state.
        assertThat(http(leader, "GET", "/scheduler-config/evict-leader-scheduler/list"))
                .contains("\"1\"");
        assertThat(http(leader, "GET", "/schedulers?status=paused")).contains("hot-region");
    }

    private int post(int member, String path, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(cluster.url(member) + "/pd/api/v1" + path))
                .timeout(PdCluster.PATIENCE)
                .POST(BodyPublishers.ofString(body))
                .build();
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .build()
                .send(request, BodyHandlers.discarding())
                .statusCode();
    }

    private String http(int member, String method, String path) throws IOException, InterruptedException {
        URI uri = URI.create(
                "http://127.0.0.1:" + cluster.server(member).clientAddress().getPort() + "/pd/api/v1" + path);
        HttpRequest request = HttpRequest.newBuilder(uri)
                .timeout(PdCluster.PATIENCE)
                .method(method, BodyPublishers.noBody())
                .build();
        return HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
    }

    @Test
    void minorityHandsOutNothingT1() {
        int leader = cluster.leaderId();
        Client alone = cluster.client(leader);
        long clusterId = alone.clusterId();

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
}
