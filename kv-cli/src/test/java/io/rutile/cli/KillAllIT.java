package io.rutile.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.cli.cluster.LocalCluster;
import io.rutile.client.RutileClient;
import io.rutile.protocol.TimeStamp;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** kill -9 of all processes at once under a running load: everything that was acknowledged is there after the restart (R1, R8, T1, T2). */
@Tag("cluster")
@ExtendWith(SharedHouse.class)
class KillAllIT {

    private static final long SEED = Long.getLong("seed", System.nanoTime());
    private static final String PREFIX = "kill-all/";
    private static final int CLIENTS = 8;

    @Test
    void everythingAcknowledgedIsThereAfterEveryProcessWasKilledAtOnce(TestHouse house) throws Exception {
        System.err.println("seed " + SEED);
        try (RutileClient client = house.client()) {
            LocalCluster cluster = house.cluster();
            TimeStamp before;
            long idBefore;
            WriteLoad load = new WriteLoad(client.raw(), PREFIX, CLIENTS, SEED).start();
            try (load) {
                await().atMost(Duration.ofSeconds(60)).until(() -> load.acknowledgedCount() >= 2_000);
                before = client.pd().timestamp().get(10, TimeUnit.SECONDS);
                idBefore = client.pd().allocateIds(1).get(10, TimeUnit.SECONDS);

                cluster.kill();
            }
            int acknowledged = load.acknowledgedCount();
            assertThat(cluster.running()).isEmpty();

            cluster.start();
            house.awaitReady();

            assertThat(load.acknowledgedCount()).isEqualTo(acknowledged);
            assertThat(load.lost())
                    .as("of " + acknowledged + " acknowledged writes")
                    .isEmpty();
            assertThat(client.pd().timestamp().get(10, TimeUnit.SECONDS)).isGreaterThan(before);
            assertThat(client.pd().allocateIds(1).get(10, TimeUnit.SECONDS)).isGreaterThan(idBefore);
            List<String> failures = load.failures();
            System.err.println("acknowledged " + acknowledged + ", failed " + failures.size());
        }
    }
}
