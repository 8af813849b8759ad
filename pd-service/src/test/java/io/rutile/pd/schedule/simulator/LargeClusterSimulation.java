package io.rutile.pd.schedule.simulator;

import static io.rutile.pd.schedule.simulator.SimulatedCluster.GIB;
import static io.rutile.pd.schedule.simulator.SimulatedCluster.unevenness;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.SettingRecord;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.scheduler.BalanceOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * 1,000 stores and 100,000 Regions; prints the table of docs/operations/scheduling.md. Takes minutes on one core and is not among
 * the tests that every build runs: {@code ./mvnw test -pl pd-service -am -Dtest=LargeClusterSimulation
 * -Dsurefire.failIfNoSpecifiedTests=false}; {@code -Dstores=}, {@code -Dregions=} for another size.
 */
class LargeClusterSimulation {

    private static final long SEED = Long.getLong("seed", 7);
    private static final int STORES = Integer.getInteger("stores", 1_000);
    private static final int REGIONS = Integer.getInteger("regions", 100_000);
    private static final long SMALLEST_MIB = 48;
    private static final long LARGEST_MIB = 96;
    private static final Duration DOWN_AFTER = Duration.ofMinutes(5);
    private static final Duration QUIET = Duration.ofMinutes(5);
    /** What is not worth a move. */
    private static final double TOLERANCE = BalanceOptions.DEFAULTS.tolerance();

    @TempDir
    Path directory;

    @Test
    void clusterGrowsRestsAndLosesStores() {
        System.out.println("| what | moves made | least possible | simulated time | farthest from even: size, leaders |"
                + " tick: mean, 99 %, max |");
        int old = STORES * 9 / 10;
        SimulatedCluster cluster = cluster(old);
        settle(cluster, "begins, uneven by chance");

        cluster.join(4_000 * GIB, LongStream.rangeClosed(old + 1L, STORES).toArray());
        settle(cluster, "a tenth of the stores is new");

        begin(cluster);
        cluster.run(Duration.ofMinutes(2));
        print(cluster, "at rest, three patrols", "0", Duration.ofMinutes(2));
        // Schedulers draw a few Regions of many; a late draw may still find one that is worth a move. Nothing goes back
        // and forth.
        assertThat(cluster.moves()).isLessThan(Math.max(2, REGIONS / 5_000));

        hundredthDies(cluster);
    }

    /** Any hundredth, so some Regions have two replicas there: these wait for their stores, all others are to be whole again. */
    private void hundredthDies(SimulatedCluster cluster) {
        begin(cluster);
        Set<Long> dead = new TreeSet<>();
        while (dead.size() < Math.max(1, STORES / 100)) {
            dead.add(1 + cluster.random.nextLong(STORES));
        }
        dead.forEach(cluster::kill);
        long waiting = cluster.regions.values().stream()
                .filter(region -> !region.hasMajority(cluster::isUp))
                .count();
        long lost = cluster.regions.values().stream()
                .filter(region -> region.hasMajority(cluster::isUp))
                .flatMap(region -> region.peers.stream())
                .filter(peer -> dead.contains(peer.getStoreId()))
                .count();
        cluster.run(DOWN_AFTER);
        Duration begun = cluster.now();
        assertThat(cluster.runUntil(() -> cluster.isHealthyWhereItCanBe(3), Duration.ofHours(1)))
                .as(
                        "%d replicas on dead stores are left",
                        dead.stream().mapToInt(cluster::peersOn).sum())
                .isTrue();
        Duration took = cluster.now().minus(begun);
        print(cluster, "a hundredth of the stores dies; from when they count as dead", lost + " replicas", took);

        dead.forEach(cluster::revive);
        // The replicas that nobody else could replace were there all the time.
        assertThat(cluster.isHealthy(3)).isTrue();
        settle(cluster, "they come back, and with them " + waiting + " Regions that had no majority");
    }

    private SimulatedCluster cluster(int stores) {
        SimulatedCluster cluster = new SimulatedCluster(directory, SEED, ScheduleOptions.DEFAULTS);
        cluster.soft
                .meta()
                .propose(SettingRecord.ChangeSetting.of(
                        Setting.MAX_STORE_DOWN_TIME, Long.toString(DOWN_AFTER.toMillis())));
        cluster.join(4_000 * GIB, LongStream.rangeClosed(1, stores).toArray());
        // As many on each store, side by side with ever other ones.
        cluster.regions(REGIONS, i -> SMALLEST_MIB + cluster.random.nextLong(LARGEST_MIB - SMALLEST_MIB + 1), i -> {
            long apart = 1 + i / stores % (stores / 3);
            return new long[] {1 + i % stores, 1 + (i + apart) % stores, 1 + (i + 2 * apart) % stores};
        });
        return cluster;
    }

    private static void begin(SimulatedCluster cluster) {
        cluster.forgetMoves();
        cluster.tickNanos.clear();
    }

    private static void settle(SimulatedCluster cluster, String what) {
        begin(cluster);
        String least =
                leastMoves(cluster.peersBytes()) + " replicas, " + leastMoves(cluster.leadersBytes()) + " leaders";
        Duration begun = cluster.now();
        assertThat(cluster.runUntilQuiet(QUIET, Duration.ofHours(6)))
                .as("it comes to rest")
                .isTrue();
        print(cluster, what, least, cluster.now().minus(begun).minus(QUIET));
        assertThat(unevenness(cluster.peersBytes().values())).isLessThan(0.1);
        assertThat(unevenness(cluster.leadersBytes().values())).isLessThan(0.1);
    }

    /** What must come at any rate to stores that are too far below the mean, in Regions of the greatest size. */
    private static long leastMoves(Map<Long, Long> bytes) {
        Collection<Long> loads = bytes.values();
        double mean = loads.stream().mapToLong(load -> load).average().orElse(0);
        double missing = loads.stream()
                .mapToDouble(load -> Math.max(0, (1 - TOLERANCE) * mean - load))
                .sum();
        return Math.round(missing / (LARGEST_MIB << 20));
    }

    private static void print(SimulatedCluster cluster, String what, String least, Duration took) {
        List<Long> ticks = cluster.tickNanos.stream().sorted().toList();
        double mean = ticks.stream().mapToLong(nanos -> nanos).average().orElse(0) / 1e6;
        System.out.printf(
                Locale.ROOT,
                "| %s | %,d replicas, %,d leaders | %s | %s | %.1f %%, %.1f %% | %.2f ms, %.2f ms, %.1f ms |%n",
                what,
                cluster.replicasAdded,
                cluster.leadersMoved,
                least,
                took,
                100 * unevenness(upOnly(cluster, cluster.peersBytes())),
                100 * unevenness(upOnly(cluster, cluster.leadersBytes())),
                mean,
                ticks.get(ticks.size() * 99 / 100) / 1e6,
                ticks.get(ticks.size() - 1) / 1e6);
    }

    private static Collection<Long> upOnly(SimulatedCluster cluster, Map<Long, Long> byStore) {
        byStore.keySet().removeIf(id -> !cluster.isUp(id));
        return byStore.values();
    }
}
