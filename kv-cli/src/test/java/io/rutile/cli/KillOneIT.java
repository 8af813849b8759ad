package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.cluster.ClusterException;
import io.rutile.cli.cluster.Role;
import io.rutile.cli.cluster.ServiceProcess;
import io.rutile.client.RutileClient;
import io.rutile.client.pd.PdClient;
import io.rutile.client.pd.RegionLocation;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.TimeStamp;
import io.rutile.protocol.metapb.Peer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 of one process under a running load: no acknowledged write is lost (R8), and writes succeed again within five seconds. */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class KillOneIT {

    private static final Duration RECOVERY_MAX = Duration.ofSeconds(5);
    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final String PREFIX = "kill-one/";
    private static final int CLIENTS = 4;
    private static final int WRITES_BEFORE = 200;
    private static final int WRITES_AFTER = 200;

    private static final Set<String> KILLED = new HashSet<>();

    private static TestHouse house;
    private static RutileClient client;

    @BeforeAll
    static void up(TestHouse shared) {
        System.err.println("seed " + SEED);
        house = shared;
        client = house.client();
    }

    @AfterAll
    static void down() {
        if (client != null) {
            client.close();
        }
    }

    /** The Region's leader is the first of them; after its death another one leads, and is killed as well. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void eachNode(int turn) throws Exception {
        String victim = turn == 1
                ? regionLeader()
                : house.cluster().processes(Role.NODE).stream()
                        .map(ServiceProcess::name)
                        .filter(node -> !KILLED.contains(node))
                        .findFirst()
                        .orElseThrow();
        KILLED.add(victim);

        surviveDeathOf(victim);
    }

    @Test
    void d13_thePlacementDriversLeader() throws Exception {
        String leader = house.pdLeader();
        TimeStamp before = client.pd().timestamp().get(10, TimeUnit.SECONDS);

        surviveDeathOf(leader);

        // T1: whoever leads now hands out nothing older.
        assertThat(client.pd().timestamp().get(10, TimeUnit.SECONDS)).isGreaterThan(before);
    }

    @Test
    void theGatewayHasNothingToLose() throws Exception {
        surviveDeathOf("gateway");
    }

    private static void surviveDeathOf(String victim) throws Exception {
        WriteLoad load = new WriteLoad(client.raw(), PREFIX, CLIENTS, SEED).start();
        try (load) {
            await().atMost(Duration.ofSeconds(30)).until(() -> load.acknowledgedCount() >= WRITES_BEFORE);

            house.cluster().process(victim).kill();
            load.mark(); // only now: a write begun before the death could still have been answered by the victim

            await().atMost(Duration.ofSeconds(30)).until(() -> load.firstSuccess() != null);
            System.err.println("killed " + victim + ": first success after " + load.firstSuccess());
            assertThat(load.firstSuccess())
                    .as("first success after the death of " + victim)
                    .isLessThan(RECOVERY_MAX);
            if (victim.startsWith("pd-")) {
                awaitTimestampWithin(RECOVERY_MAX);
            }
            int soFar = load.acknowledgedCount();
            await().atMost(Duration.ofSeconds(30)).until(() -> load.acknowledgedCount() >= soFar + WRITES_AFTER);
        }
        assertThat(load.lost())
                .as("acknowledged writes lost with " + victim + ", failures: " + load.failures())
                .isEmpty();

        house.cluster().start(victim);
        house.awaitReady();

        assertThat(load.lost())
                .as("acknowledged writes lost after " + victim + " came back")
                .isEmpty();
    }

    private static void awaitTimestampWithin(Duration bound) {
        await().atMost(bound)
                .ignoreExceptions()
                .until(() -> client.pd().timestamp().get(1, TimeUnit.SECONDS) != null);
    }

    /** The name of the process that leads the Region of the load's keys. */
    private static String regionLeader() throws Exception {
        PdClient pd = client.pd();
        RegionLocation region = pd.regionByKey(ByteKey.wrap(PREFIX.getBytes(StandardCharsets.US_ASCII)))
                .get(10, TimeUnit.SECONDS)
                .orElseThrow();
        Peer leader = region.leader();
        assertThat(leader).isNotNull();
        String address = pd.store(leader.getStoreId()).get(10, TimeUnit.SECONDS).getAddress();
        return house.cluster().layout().services().stream()
                .filter(service -> address.endsWith(":" + service.ports().get("grpc")))
                .findFirst()
                .orElseThrow(() -> new ClusterException("no node listens on " + address))
                .name();
    }
}
