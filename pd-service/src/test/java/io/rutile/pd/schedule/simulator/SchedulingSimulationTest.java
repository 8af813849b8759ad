package io.rutile.pd.schedule.simulator;

import static io.rutile.pd.schedule.simulator.SimulatedCluster.GIB;
import static io.rutile.pd.schedule.simulator.SimulatedCluster.unevenness;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionFlow;
import io.rutile.pd.meta.Setting;
import io.rutile.pd.meta.SettingRecord;
import io.rutile.pd.schedule.ScheduleOptions;
import io.rutile.pd.schedule.operator.OperatorKind;
import io.rutile.pd.schedule.operator.OperatorLimits;
import io.rutile.pd.schedule.operator.OperatorLimits.PerMinute;
import io.rutile.pd.schedule.placement.LabelConstraint;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.placement.PlacementRule;
import io.rutile.pd.schedule.placement.PlacementRule.Role;
import io.rutile.pd.schedule.placement.PlacementRules;
import io.rutile.pd.schedule.scheduler.EvictLeaderScheduler;
import io.rutile.pd.schedule.scheduler.EvictSlowStoreScheduler;
import io.rutile.pd.schedule.simulator.SimulatedCluster.SimulatedStore;
import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole days of a cluster in a second: PD's decisions from end to end, over stores that are values. */
class SchedulingSimulationTest {

    /** A patrol for a small cluster: each Region has its turn every few seconds. */
    private static final ScheduleOptions OPTIONS = ScheduleOptions.DEFAULTS.withPatrolRegions(8);

    private static final OperatorLimits FAST_LIMITS =
            OperatorLimits.DEFAULTS.withStores(new OperatorLimits.Stores(new PerMinute(200, 200), Map.of()));

    /** As for a cluster that is tried out: stores receive and give away much at once, and small Regions stay as they are. */
    private static final ScheduleOptions FAST = OPTIONS.withLimits(FAST_LIMITS.withKind(OperatorKind.MERGE, 0));

    private static final long SEED = Long.getLong("seed", 20_261_129);

    @TempDir
    Path directory;

    @Test
    void twoStoresJoinThreeAndAllFiveBecomeEven() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(300, i -> 48 + cluster.random.nextLong(49), i ->
                new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});
        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(2)))
                .as(seed())
                .isTrue();

        cluster.join(1_000 * GIB, 4, 5);
        cluster.forgetMoves();
        boolean even = cluster.runUntil(() -> unevenness(cluster.peersBytes().values()) < 0.1, Duration.ofHours(1));
        int moved = cluster.replicasAdded;
        assertThat(even).as("%s: %s", seed(), cluster.peersBytes()).isTrue();
        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(2)))
                .as(seed())
                .isTrue();

        assertThat(unevenness(cluster.peersBytes().values()))
                .as("%s: %s", seed(), cluster.peersBytes())
                .isLessThan(0.1);
        assertThat(unevenness(cluster.leadersBytes().values()))
                .as("%s: %s", seed(), cluster.leadersBytes())
                .isLessThan(0.1);
        // 3 × 300 replicas, two fifths of which must go.
        assertThat(moved).as(seed()).isLessThan(2 * 3 * 300 / 5 * 11 / 10);
        assertThat(cluster.isHealthy(3)).as(seed()).isTrue();

        cluster.forgetMoves();
        cluster.run(Duration.ofHours(1));
        assertThat(cluster.moves())
                .as("moves of a cluster that stands still, %s", seed())
                .isZero();
    }

    @Test
    void regionsOf8MibAreEvenBySizeWhileStoresJoinAndDie() {
        SimulatedCluster cluster = cluster(FAST);
        downAfter(cluster, Duration.ofMinutes(1));
        cluster.join(100 * GIB, 1, 2, 3);
        cluster.regionsOfBytes(256, i -> (4 << 20) + cluster.random.nextLong(8 << 20), i -> new long[] {1, 2, 3});
        rest(cluster);
        assertEven(cluster);

        cluster.forgetMoves();
        cluster.join(100 * GIB, 4, 5);
        assertThat(cluster.runUntil(() -> isEven(cluster), Duration.ofMinutes(10)))
                .as(() -> shape(cluster))
                .isTrue();
        rest(cluster);
        assertEven(cluster);
        // Two fifths of 768 replicas and of 256 leaders must go; a leader also steps back where it leads what moves.
        assertThat(cluster.replicasAdded).as(seed()).isLessThan(768 * 2 / 5 * 11 / 10);
        assertThat(cluster.leadersMoved).as(seed()).isLessThan(256 * 2 / 5 * 2);
        assertStandsStill(cluster);

        int lost = cluster.peersOn(1);
        cluster.forgetMoves();
        cluster.kill(1);
        cluster.run(Duration.ofMinutes(1));
        assertThat(cluster.runUntil(() -> cluster.isHealthy(3) && isEven(cluster), Duration.ofMinutes(10)))
                .as(() -> shape(cluster))
                .isTrue();
        rest(cluster);
        assertEven(cluster);
        assertThat(cluster.replicasAdded).as(seed()).isLessThan(lost * 11 / 10);
        assertStandsStill(cluster);

        cluster.revive(1);
        assertThat(cluster.runUntil(() -> isEven(cluster), Duration.ofMinutes(10)))
                .as(() -> shape(cluster))
                .isTrue();
        rest(cluster);
        assertEven(cluster);
        assertStandsStill(cluster);
    }

    @Test
    void regionsOfLessThanOneMibAreEvenBySizeToo() {
        for (long seed = SEED; seed < SEED + 5; seed++) {
            SimulatedCluster cluster = new SimulatedCluster(directory.resolve(Long.toString(seed)), seed, FAST);
            cluster.join(100 * GIB, 1, 2, 3);
            cluster.regionsOfBytes(
                    60, i -> (300 << 10) + cluster.random.nextLong(1_600 << 10), i -> new long[] {1, 2, 3});
            cluster.join(100 * GIB, 4, 5);
            rest(cluster);

            assertThat(unevenness(cluster.peersBytes().values()))
                    .as("-Dseed=%d: %s", seed, cluster.peersBytes())
                    .isLessThan(0.1);
            assertThat(unevenness(cluster.leadersBytes().values()))
                    .as("-Dseed=%d: %s", seed, cluster.leadersBytes())
                    .isLessThan(0.1);
            assertStandsStill(cluster);
        }
    }

    @Test
    void sizesThatEachLeaderEstimatesInItsOwnWayCauseNoPingPong() {
        SimulatedCluster cluster = cluster(FAST);
        cluster.estimateError = 0.2;
        cluster.join(100 * GIB, 1, 2, 3);
        cluster.regionsOfBytes(256, i -> (4 << 20) + cluster.random.nextLong(8 << 20), i -> new long[] {1, 2, 3});
        cluster.join(100 * GIB, 4, 5);
        assertThat(cluster.runUntil(() -> isEven(cluster), Duration.ofMinutes(10)))
                .as(() -> shape(cluster))
                .isTrue();
        rest(cluster);

        assertEven(cluster);
        assertThat(cluster.replicasAdded).as(seed()).isLessThan(768 * 2 / 5 * 11 / 10);
        assertStandsStill(cluster);
    }

    private void downAfter(SimulatedCluster cluster, Duration time) {
        cluster.soft
                .meta()
                .propose(SettingRecord.ChangeSetting.of(Setting.MAX_STORE_DOWN_TIME, Long.toString(time.toMillis())));
    }

    private static void rest(SimulatedCluster cluster) {
        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(1)))
                .as(() -> shape(cluster))
                .isTrue();
    }

    private static void assertStandsStill(SimulatedCluster cluster) {
        int before = cluster.moves();
        cluster.run(Duration.ofMinutes(10));
        assertThat(cluster.moves() - before)
                .as(() -> "moves at rest; " + shape(cluster))
                .isZero();
    }

    private static void assertEven(SimulatedCluster cluster) {
        assertThat(isEven(cluster)).as(() -> shape(cluster)).isTrue();
    }

    /** The store with most has at most a tenth more than the one with least: of leaders and of all replicas, by size. */
    private static boolean isEven(SimulatedCluster cluster) {
        return mostByLeast(cluster, cluster.peersBytes()) < 1.1 && mostByLeast(cluster, cluster.leadersBytes()) < 1.1;
    }

    private static double mostByLeast(SimulatedCluster cluster, Map<Long, Long> byStore) {
        byStore.keySet().removeIf(store -> !cluster.isUp(store));
        return (double) Collections.max(byStore.values()) / Collections.min(byStore.values());
    }

    private static String shape(SimulatedCluster cluster) {
        return seed() + ": replicas " + cluster.peersBytes() + ", leaders " + cluster.leadersBytes();
    }

    @Test
    void deadStoreIsEmptiedAndNotBeforeItsTime() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3, 4);
        cluster.regions(200, i -> 64, i -> new long[] {1 + i % 4, 1 + (i + 1) % 4, 1 + (i + 2) % 4});
        cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(1));
        int before = cluster.peersOn(4);
        assertThat(before).as(seed()).isPositive();

        cluster.kill(4);
        cluster.run(Duration.ofMinutes(29));
        assertThat(cluster.peersOn(4)).as("silent, not dead, %s", seed()).isEqualTo(before);

        // 15 replicas a minute to each of three stores, all of which have some already.
        boolean emptied = cluster.runUntil(() -> cluster.peersOn(4) == 0, Duration.ofMinutes(30));
        assertThat(emptied).as("%s: %d left", seed(), cluster.peersOn(4)).isTrue();
        assertThat(cluster.isHealthy(3)).as(seed()).isTrue();
    }

    @Test
    void leavingStoreIsDrained() {
        SimulatedCluster cluster = new SimulatedCluster(directory, SEED, OPTIONS, LocalCluster.leaving(2));
        cluster.join(1_000 * GIB, 1, 2, 3, 4);
        cluster.regions(100, i -> 64, i -> new long[] {1 + i % 4, 1 + (i + 1) % 4, 1 + (i + 2) % 4});

        assertThat(cluster.runUntil(() -> cluster.peersOn(2) == 0, Duration.ofMinutes(30)))
                .as(seed())
                .isTrue();
        assertThat(cluster.isHealthy(3)).as(seed()).isTrue();
    }

    @Test
    void storesComeAndGoAtRandomAndNoOperatorTakesAMajorityD2() {
        Random random = new Random(SEED);
        SimulatedCluster cluster = cluster(OPTIONS.withLimits(FAST_LIMITS));
        cluster.join(1_000 * GIB, 1, 2, 3, 4, 5, 6);
        cluster.regions(120, i -> 1 + i % 96, i -> new long[] {1 + i % 6, 1 + (i + 1) % 6, 1 + (i + 2) % 6});

        for (int round = 0; round < 25; round++) {
            List<SimulatedStore> all = List.copyOf(cluster.stores.values());
            SimulatedStore victim = all.get(random.nextInt(all.size()));
            if (!victim.up) {
                cluster.revive(victim.id);
            } else if (all.stream().filter(store -> !store.up).count() < 3) {
                cluster.kill(victim.id);
            }
            if (random.nextInt(10) == 0) {
                cluster.join(1_000 * GIB, 7 + round);
            }
            // The simulator itself fails on a step against D2.
            cluster.run(Duration.ofMinutes(1 + random.nextInt(15)));
        }

        cluster.stores.values().stream().filter(store -> !store.up).forEach(store -> cluster.revive(store.id));
        assertThat(cluster.runUntil(() -> cluster.isHealthy(3), Duration.ofHours(2)))
                .as(seed())
                .isTrue();
    }

    @Test
    void zonesAreKeptApartWhileStoresBalance() {
        SimulatedCluster cluster = cluster(OPTIONS.withPlacement(
                PlacementOptions.DEFAULTS.withLocations(new Locations(List.of("zone", "host"), "zone"))));
        for (long id = 1; id <= 6; id++) {
            cluster.join(id, 1_000 * GIB, Map.of("zone", "z" + (id - 1) % 3, "host", "h" + id));
        }
        cluster.regions(90, i -> 64, i -> new long[] {1, 2, 3});

        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(2)))
                .as(seed())
                .isTrue();

        assertThat(unevenness(cluster.peersBytes().values()))
                .as("%s: %s", seed(), cluster.peersBytes())
                .isLessThan(0.1);
        for (SimulatedRegion region : cluster.regions.values()) {
            Set<Long> zones = new HashSet<>();
            region.peers.forEach(peer -> zones.add((peer.getStoreId() - 1) % 3));
            assertThat(zones).as("region %d, %s", region.id, seed()).hasSize(3);
        }
    }

    @Test
    void smallStoreIsNotFilledUp() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.join(4, 4 * GIB, Map.of());
        cluster.regions(200, i -> 96, i -> new long[] {1, 2, 3});

        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(3)))
                .as(seed())
                .isTrue();

        SimulatedStore small = cluster.stores.get(4L);
        assertThat(small.usedBytes >> 20).as(seed()).isBetween(small.capacityMib / 2, small.capacityMib * 8 / 10 + 96);
        cluster.forgetMoves();
        cluster.run(Duration.ofHours(1));
        assertThat(cluster.moves()).as(seed()).isZero();
    }

    @Test
    void evictedStoreLeadsNothingUntilItsLeaseEnds() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});

        cluster.coordinator.evictions().evict(2, "a test", Duration.ofMinutes(10), "it is restarted");

        assertThat(cluster.runUntil(() -> cluster.leadersOn(2) == 0, Duration.ofMinutes(1)))
                .as(seed())
                .isTrue();
        cluster.run(Duration.ofMinutes(8));
        assertThat(cluster.leadersOn(2)).as("no leader comes back, %s", seed()).isZero();
        assertThat(cluster.coordinator
                        .schedulers()
                        .verdicts()
                        .get(EvictLeaderScheduler.NAME)
                        .stores())
                .containsKey(2L);
        // Nobody releases it.
        cluster.run(Duration.ofMinutes(11));
        assertThat(unevenness(cluster.leadersBytes().values())).as(seed()).isLessThan(0.1);
    }

    @Test
    void stoppingStoreHandsOverItsLeaders() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});

        cluster.stores.get(3L).stopping = true;

        assertThat(cluster.runUntil(() -> cluster.leadersOn(3) == 0, Duration.ofMinutes(1)))
                .as(seed())
                .isTrue();
    }

    @Test
    void slowStoreLeadsNothingUntilItHasBeenWellForAWhile() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});
        cluster.stores.get(1L).slowScore = 95;
        assertThat(cluster.runUntil(() -> cluster.leadersOn(1) == 0, Duration.ofMinutes(1)))
                .as(seed())
                .isTrue();

        cluster.stores.get(1L).slowScore = 1;
        cluster.run(Duration.ofMinutes(9));
        assertThat(cluster.leadersOn(1))
                .as("well, but not for long enough, %s", seed())
                .isZero();
        cluster.run(Duration.ofMinutes(5));
        assertThat(unevenness(cluster.leadersBytes().values())).as(seed()).isLessThan(0.1);
    }

    @Test
    void slowStoreIsNotForgottenWhenPdsLeaderChanges() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});
        cluster.stores.get(1L).slowScore = 95;
        assertThat(cluster.runUntil(() -> cluster.leadersOn(1) == 0, Duration.ofMinutes(1)))
                .as(seed())
                .isTrue();
        // Not well, and not so slow that it would be noticed now.
        cluster.stores.get(1L).slowScore = 50;
        cluster.run(Duration.ofMinutes(1));

        cluster.changeLeaderOfPd();
        cluster.run(Duration.ofMinutes(15));
        assertThat(cluster.leadersOn(1)).as(seed()).isZero();

        cluster.stores.get(1L).slowScore = 1;
        cluster.run(Duration.ofMinutes(15));
        assertThat(unevenness(cluster.leadersBytes().values())).as(seed()).isLessThan(0.1);
        cluster.changeLeaderOfPd();
        cluster.stores.get(1L).slowScore = 50;
        cluster.run(Duration.ofMinutes(5));
        assertThat(cluster.leadersOn(1))
                .as("it was well in between, %s", seed())
                .isPositive();
    }

    @Test
    void severalSlowStoresKeepTheirLeaders() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});
        cluster.stores.get(1L).slowScore = 95;
        cluster.stores.get(2L).slowScore = 95;

        cluster.run(Duration.ofMinutes(5));

        assertThat(cluster.leadersMoved).as(seed()).isZero();
        assertThat(cluster.coordinator
                        .schedulers()
                        .verdicts()
                        .get(EvictSlowStoreScheduler.NAME)
                        .summary())
                .contains("2 stores are slow at once");
    }

    @Test
    void scatteredGroupIsSpreadOverAllStores() {
        SimulatedCluster cluster = cluster(OPTIONS.withSchedulersOff(Set.of("balance-region", "balance-leader")));
        cluster.join(1_000 * GIB, 1, 2, 3, 4, 5, 6);
        cluster.regions(60, i -> 1, i -> new long[] {1, 2, 3});

        for (SimulatedRegion region : cluster.regions.values()) {
            assertThat(cluster.coordinator.scatter(
                            cluster.soft.state().region(region.id).orElseThrow(), "table", false))
                    .as(seed())
                    .isEmpty();
            // A store receives a bounded number at once.
            cluster.run(Duration.ofSeconds(2));
        }
        cluster.runUntilQuiet(Duration.ofMinutes(2), Duration.ofHours(1));

        assertThat(cluster.stores.keySet()).allSatisfy(store -> {
            assertThat(cluster.peersOn(store)).as(seed()).isEqualTo(30);
            assertThat(cluster.leadersOn(store)).as(seed()).isBetween(9L, 11L);
        });
    }

    @Test
    void rulesOfAKeyRangeAreFollowedThroughSplitLearnerAndLeader() {
        KeyRange hot = new KeyRange(key("00000010"), key("00000020x"));
        List<LabelConstraint> inZone = List.of(new LabelConstraint("zone", LabelConstraint.Op.IN, List.of("a")));
        List<LabelConstraint> elsewhere = List.of(new LabelConstraint("zone", LabelConstraint.Op.NOT_IN, List.of("a")));
        PlacementRules rules = new PlacementRules(List.of(
                new PlacementRule("t", "lead", 1, false, hot, Role.LEADER, 1, inZone, Locations.NONE),
                new PlacementRule("t", "follow", 2, false, hot, Role.FOLLOWER, 2, elsewhere, Locations.NONE),
                new PlacementRule("t", "learn", 3, false, hot, Role.LEARNER, 1, inZone, Locations.NONE)));
        SimulatedCluster cluster = cluster(OPTIONS.withPlacement(PlacementOptions.DEFAULTS.withRules(rules)));
        for (long id = 1; id <= 6; id++) {
            cluster.join(id, 1_000 * GIB, Map.of("zone", id <= 2 ? "a" : "b"));
        }
        cluster.regions(40, i -> 64, i -> new long[] {4, 5, 6});

        assertThat(cluster.runUntilQuiet(Duration.ofMinutes(5), Duration.ofHours(2)))
                .as(seed())
                .isTrue();

        assertThat(cluster.regions)
                .as("two borders, one of them a region's already")
                .hasSize(41);
        int ruled = 0;
        for (SimulatedRegion region : cluster.regions.values()) {
            if (region.info(store -> 0).range().overlaps(hot)) {
                ruled++;
                assertThat(region.leaderStore)
                        .as("region %d, %s", region.id, seed())
                        .isLessThanOrEqualTo(2);
                assertThat(region.peers).as("region %d, %s", region.id, seed()).hasSize(4);
                assertThat(region.peers.stream()
                                .filter(peer -> peer.getRole() == PeerRole.Learner)
                                .map(Peer::getStoreId))
                        .allMatch(store -> store <= 2);
            } else {
                assertThat(region.peers).as("region %d, %s", region.id, seed()).hasSize(3);
            }
        }
        assertThat(ruled).isEqualTo(11);
    }

    @Test
    void smallNeighboursMerge() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3, 4);
        cluster.regions(40, i -> i % 4 == 0 ? 50 : 2, i -> new long[] {1 + i % 4, 1 + (i + 1) % 4, 1 + (i + 2) % 4});

        cluster.run(Duration.ofMinutes(59));
        assertThat(cluster.merged)
                .as("none has rested for long enough, %s", seed())
                .isZero();
        cluster.run(Duration.ofMinutes(90));

        assertThat(cluster.regions.size()).as(seed()).isLessThan(20);
        assertThat(cluster.soft.state().regionCount()).isEqualTo(cluster.regions.size());
        assertThat(cluster.operators.size()).isZero();
        assertThat(cluster.isHealthy(3)).as(seed()).isTrue();
    }

    @Test
    void nothingMergesUnlessItMay() {
        SimulatedCluster cluster = cluster(OPTIONS.withLimits(OperatorLimits.DEFAULTS.withKind(OperatorKind.MERGE, 0)));
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(40, i -> 1, i -> new long[] {1, 2, 3});

        cluster.run(Duration.ofHours(2));

        assertThat(cluster.merged).isZero();
    }

    @Test
    void hotLeadersAreSpread() {
        SimulatedCluster cluster = cluster(OPTIONS);
        cluster.join(1_000 * GIB, 1, 2, 3);
        cluster.regions(60, i -> 64, i -> new long[] {1 + i % 3, 1 + (i + 1) % 3, 1 + (i + 2) % 3});
        // Twelve hot regions, all of them led by store 1.
        for (long i = 3; i <= 36; i += 3) {
            cluster.regions.get(i).flow = new RegionFlow(60 << 20, 60_000, 600 << 20, 600_000, 60);
        }

        cluster.run(Duration.ofHours(1));

        Map<Long, Long> hotByStore = new TreeMap<>(Map.of(1L, 0L, 2L, 0L, 3L, 0L));
        cluster.regions.values().stream()
                .filter(region -> region.flow.seconds() > 0)
                .forEach(region -> hotByStore.merge(region.leaderStore, 1L, Long::sum));
        assertThat(hotByStore.values()).as("%s: %s", seed(), hotByStore).allMatch(count -> count >= 3 && count <= 5);
        cluster.forgetMoves();
        cluster.run(Duration.ofHours(1));
        assertThat(cluster.moves()).as(seed()).isZero();
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private SimulatedCluster cluster(ScheduleOptions options) {
        return new SimulatedCluster(directory, SEED, options);
    }

    private static String seed() {
        return "-Dseed=" + SEED;
    }
}
