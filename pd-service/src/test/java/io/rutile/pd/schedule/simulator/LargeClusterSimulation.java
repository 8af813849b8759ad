package io.rutile.pd.schedule.simulator;

import static io.rutile.pd.schedule.simulator.SimulatedCluster.GIB;
import static io.rutile.pd.schedule.simulator.SimulatedCluster.unevenness;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.schedule.ScheduleOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * 1,000 stores and 100,000 Regions; prints the table of docs/operations/scheduling.md. Not among the tests that every build
 * runs: {@code ./mvnw test -pl pd-service -am -Dtest=LargeClusterSimulation -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class LargeClusterSimulation {

    private static final long SEED = Long.getLong("seed", 7);
    private static final int STORES = Integer.getInteger("stores", 1_000);
    private static final int REGIONS = Integer.getInteger("regions", 100_000);

    @TempDir
    Path directory;

    @Test
    void tenthOfTheStoresIsNew() {
        int old = STORES * 9 / 10;
        SimulatedCluster cluster = cluster(old);
        settle(cluster, "begin");
        cluster.join(4_000 * GIB, LongStream.rangeClosed(old + 1L, STORES).toArray());
        long replicas = leastMoves(cluster.peersMib(), 1);
        long leaders = leastMoves(cluster.leadersMib(), 1);
        settle(cluster, "a tenth joins (least: " + replicas + " replicas, " + leaders + " leaders)");
        rest(cluster);
    }

    @Test
    void hundredthOfTheStoresDies() {
        SimulatedCluster cluster = cluster(STORES);
        settle(cluster, "begin");
        int dead = STORES / 100;
        long lost = 0;
        for (long id = 1; id <= dead; id++) {
            lost += cluster.peersOn(id);
            cluster.kill(id);
        }
        cluster.run(Duration.ofMinutes(30));
        long before = cluster.replicasAdded;
        Duration begun = cluster.now();
        while (!cluster.isHealthy(3)) {
            cluster.run(Duration.ofSeconds(10));
        }
        print(
                cluster,
                "a hundredth dies (least: " + lost + " replicas)",
                cluster.now().minus(begun),
                before);
        for (long id = 1; id <= dead; id++) {
            assertThat(cluster.peersOn(id)).isZero();
        }
    }

    private SimulatedCluster cluster(int stores) {
        SimulatedCluster cluster = new SimulatedCluster(directory, SEED, ScheduleOptions.DEFAULTS);
        cluster.join(4_000 * GIB, LongStream.rangeClosed(1, stores).toArray());
        // As many on each store, side by side with ever other ones.
        cluster.regions(REGIONS, i -> 48 + cluster.random.nextLong(49), i -> {
            long apart = 1 + i / stores % (stores / 3);
            return new long[] {1 + i % stores, 1 + (i + apart) % stores, 1 + (i + 2 * apart) % stores};
        });
        return cluster;
    }

    private static void settle(SimulatedCluster cluster, String what) {
        cluster.forgetMoves();
        cluster.tickNanos.clear();
        Duration begun = cluster.now();
        int before = -1;
        Duration even = null;
        while (cluster.moves() != before || cluster.operators.size() > 0) {
            before = cluster.moves();
            cluster.run(Duration.ofSeconds(30));
            boolean isEven = unevenness(cluster.peersMib().values()) < 0.1
                    && unevenness(cluster.leadersMib().values()) < 0.1;
            if (isEven && even == null) {
                even = cluster.now().minus(begun);
            }
        }
        print(cluster, what + ", even within 10 % after " + even, cluster.now().minus(begun), 0);
        assertThat(unevenness(cluster.peersMib().values())).isLessThan(0.1);
        assertThat(unevenness(cluster.leadersMib().values())).isLessThan(0.1);
    }

    /** Nothing to do: what a patrol over everything costs, and that nothing moves. */
    private static void rest(SimulatedCluster cluster) {
        cluster.forgetMoves();
        cluster.tickNanos.clear();
        cluster.run(Duration.ofMinutes(10));
        print(cluster, "at rest", Duration.ofMinutes(10), 0);
        assertThat(cluster.moves()).isZero();
    }

    /** Replicas of mean size that must come to stores with less than they should have. */
    private static long leastMoves(Map<Long, Long> mib, int replicas) {
        Collection<Long> loads = mib.values();
        double mean = loads.stream().mapToLong(load -> load).average().orElse(0);
        double missing =
                loads.stream().mapToDouble(load -> Math.max(0, mean - load)).sum();
        return Math.round(missing / 72 * replicas);
    }

    private static void print(SimulatedCluster cluster, String what, Duration took, long addedBefore) {
        List<Long> ticks = cluster.tickNanos.stream().sorted().toList();
        double mean = ticks.stream().mapToLong(nanos -> nanos).average().orElse(0) / 1e6;
        System.out.printf(
                "| %s | %d replicas, %d leaders | %s | %.1f %%, %.1f %% | mean %.2f ms, 99 %% %.2f ms, max %.1f ms |%n",
                what,
                cluster.replicasAdded - addedBefore,
                cluster.leadersMoved,
                took,
                100 * unevenness(upOnly(cluster, cluster.peersMib())),
                100 * unevenness(upOnly(cluster, cluster.leadersMib())),
                mean,
                ticks.get(ticks.size() * 99 / 100) / 1e6,
                ticks.get(ticks.size() - 1) / 1e6);
    }

    private static Collection<Long> upOnly(SimulatedCluster cluster, Map<Long, Long> byStore) {
        byStore.keySet().removeIf(id -> !cluster.isUp(id));
        return byStore.values();
    }
}
