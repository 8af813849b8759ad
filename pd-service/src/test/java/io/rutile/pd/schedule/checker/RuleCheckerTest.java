package io.rutile.pd.schedule.checker;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.RegionInfo;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.schedule.operator.ReceivingStores;
import io.rutile.pd.schedule.placement.Locations;
import io.rutile.pd.schedule.placement.PlacementOptions;
import io.rutile.pd.schedule.placement.StoreChoice;
import io.rutile.pd.schedule.placement.StoreFilters;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.PeerRole;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RuleCheckerTest {

    private static final long REGION = 1;
    private static final long TOMBSTONE = 9;
    private static final Duration SILENT = LocalCluster.DISCONNECTED_AFTER.plusSeconds(1);
    private static final Duration DEAD = LocalCluster.DOWN_AFTER.plusSeconds(1);

    @TempDir
    Path directory;

    /** Stores with these Regions → this finding. Store 9 is a tombstone throughout. */
    static Stream<Arguments> table() {
        return Stream.of(
                row("one store, one replica: nowhere to go", c -> c.up(1), on(1), "blocked: no store can take one"),
                row("a second store arrives", c -> c.up(1, 2), on(1), "add on 2"),
                row("a third store arrives", c -> c.up(1, 2, 3), on(1, 2), "add on 3"),
                row("three replicas are enough", c -> c.up(1, 2, 3, 4), on(1, 2, 3), "healthy"),
                row(
                        "a silent store gets nothing new",
                        c -> c.up(1, 2).known(3),
                        on(1, 2),
                        "blocked: store 3 has not been heard of"),
                row(
                        "a silent store keeps what it has",
                        c -> c.up(1, 2, 3, 4).pass(SILENT).up(1, 2, 4),
                        on(1, 2, 3),
                        "healthy"),
                row(
                        "a dead store's replica is added elsewhere first",
                        c -> c.up(1, 2, 3, 4).pass(DEAD).up(1, 2, 4),
                        on(1, 2, 3),
                        "add on 4"),
                row(
                        "and then removed there",
                        c -> c.up(1, 2, 3, 4).pass(DEAD).up(1, 2, 4),
                        on(1, 2, 3, 4),
                        "remove on 3"),
                row(
                        "a dead store without a stand-in keeps the replica",
                        c -> c.up(1, 2, 3).pass(DEAD).up(1, 2),
                        on(1, 2, 3),
                        "blocked: no store can take one"),
                row(
                        "a tombstone's replica is added elsewhere first",
                        c -> c.up(1, 2, 3),
                        on(1, 2, TOMBSTONE),
                        "add on 3"),
                row("and then removed there too", c -> c.up(1, 2, 3), on(1, 2, 3, TOMBSTONE), "remove on 9"),
                row("a store that nobody knows counts as gone", c -> c.up(1, 2, 3), on(1, 2, 77), "add on 3"),
                row(
                        "no majority is up: no change can be agreed on",
                        c -> c.up(1, 2, 3, 4).pass(DEAD).up(1, 4),
                        on(1, 2, 3),
                        "blocked: too few of its stores are up"),
                row(
                        "most of its stores are silent: nobody can agree on anything",
                        c -> c.up(1, 2, 3, 4).pass(SILENT).up(1, 4),
                        on(1, 2, 3),
                        "blocked: 2 of 3 replicas are not, on [2, 3]"),
                row("four are too many: not the leader goes", c -> c.up(1, 2, 3, 4), on(1, 2, 3, 4), "remove on 2"),
                row(
                        "four are too many: the silent one goes",
                        c -> c.up(1, 2, 3, 4).pass(SILENT).up(1, 2, 4),
                        on(1, 2, 3, 4),
                        "remove on 3"),
                row("one replica wanted, one there", c -> c.up(1, 2).maxReplicas(1), on(1), "healthy"),
                row("one replica wanted, two there", c -> c.up(1, 2).maxReplicas(1), on(1, 2), "remove on 2"),
                row("five wanted", c -> c.up(1, 2, 3, 4, 5).maxReplicas(5), on(1, 2, 3), "add on 4"),
                row("nobody leads", c -> c.up(1, 2), on(1).leader(0), "blocked: no leader"),
                row(
                        "a replica is still catching up",
                        c -> c.up(1, 2, 3),
                        on(1, 2).pending(2),
                        "blocked: has not caught up"),
                row(
                        "a dead one never will",
                        c -> c.up(1, 2, 3, 4).pass(DEAD).up(1, 2, 4),
                        on(1, 2, 3).pending(3),
                        "add on 4"),
                row(
                        "a replica that has just died may come back",
                        c -> c.up(1, 2, 3, 4),
                        on(1, 2, 3).pending(3).down(3, DEAD.minusSeconds(2)),
                        "blocked: has not caught up"),
                row(
                        "a dead replica of a living store is added elsewhere first",
                        c -> c.up(1, 2, 3, 4),
                        on(1, 2, 3).pending(3).down(3, DEAD),
                        "add on 4"),
                row(
                        "and then removed where it died",
                        c -> c.up(1, 2, 3, 4),
                        on(1, 2, 3, 4).pending(3).down(3, DEAD),
                        "remove on 3"),
                row(
                        "a dead replica without a stand-in makes room for another on its own store",
                        c -> c.up(1, 2, 3),
                        on(1, 2, 3).pending(3).down(3, DEAD),
                        "remove on 3"),
                row(
                        "a stand-in that will have time soon is waited for: two replicas are fewer than three",
                        c -> c.up(1, 2, 3).stats(busy(4)),
                        on(1, 2, 3).pending(3).down(3, DEAD),
                        "blocked: store 4 says that it is busy"),
                row(
                        "a stand-in without room is not",
                        c -> c.up(1, 2, 3).stats(full(4)),
                        on(1, 2, 3).pending(3).down(3, DEAD),
                        "remove on 3"),
                row(
                        "a dead replica and a dead store: no majority is left to agree",
                        c -> c.up(1, 2, 3, 4).pass(DEAD).up(1, 3, 4),
                        on(1, 2, 3).pending(2).pending(3).down(2, DEAD).down(3, DEAD),
                        "blocked: too few of its stores are up"),
                row(
                        "a learner that is still catching up is waited for",
                        c -> c.up(1, 2, 3),
                        on(1).plus(learner(2)).pending(2),
                        "blocked: has not caught up"),
                row("a learner has a place", c -> c.up(1, 2, 3), on(1, 2).plus(learner(3)), "healthy"),
                row(
                        "a learner too many goes",
                        c -> c.up(1, 2, 3, 4),
                        on(1, 2, 3).plus(learner(4)),
                        "remove on 4"),
                row("a full store gets nothing new", c -> c.up(1, 2).stats(full(3)), on(1, 2), "blocked: less than"),
                row("a busy store gets nothing new", c -> c.up(1, 2).stats(busy(3)), on(1, 2), "blocked: busy"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("table")
    void finds(String name, Consumer<LocalCluster> stores, Regions region, String expected) {
        LocalCluster cluster = new LocalCluster(directory, TOMBSTONE);
        stores.accept(cluster);

        Finding finding = checker(cluster, Map.of()).check(cluster.observe(region));

        String verdict = expected.startsWith("blocked: ") ? "blocked: " : expected;
        assertThat(words(finding)).startsWith(verdict);
        assertThat(words(finding)).contains(expected.substring(verdict.equals(expected) ? 0 : verdict.length()));
    }

    @Test
    void storeWithFewestReplicasIsChosen() {
        LocalCluster cluster = new LocalCluster(directory).up(1, 2, 3);
        cluster.observe(region(7, "m", "p", 2, 1));
        cluster.observe(region(8, "p", "", 2, 1));

        assertThat(words(checker(cluster, Map.of()).check(cluster.observe(region(1, "", "m", 1)))))
                .isEqualTo("add on 3");
    }

    @Test
    void replicasUnderWayCountAsThere() {
        LocalCluster cluster = new LocalCluster(directory).up(1, 2, 3);
        RegionInfo region = cluster.observe(region(1, "", "", 1));

        assertThat(words(checker(cluster, Map.of(2L, 1L)).check(region))).isEqualTo("add on 3");
        assertThat(words(checker(cluster, Map.of(2L, 4L, 3L, 4L)).check(region)))
                .contains("store 2 is receiving 4 replicas already", "store 3 is receiving 4 replicas already");
    }

    /** Zones and hosts of stores, and replicas → this finding. */
    static Stream<Arguments> places() {
        return Stream.of(
                place("another zone is better", "a1 a2 b1 c1", "", on(1, 2), "add on 3"),
                place("another host is better than none", "a1 a1 a2", "", on(1), "add on 3"),
                place("three zones are as good as it gets", "a1 b1 c1 a2", "", on(1, 2, 3), "healthy"),
                place("two in one zone, and a third zone is there", "a1 a2 b1 c1", "", on(1, 2, 3), "move 2 to 4"),
                place("two in one zone, and there are but two zones", "a1 a2 b1", "", on(1, 2, 3), "healthy"),
                place("two on one host, and the zone has another", "a1 a1 b1 a2", "", on(1, 2, 3), "move 2 to 4"),
                place(
                        "isolated zones: two must not share one",
                        "a1 a2 b1",
                        "zone",
                        on(1, 3),
                        "blocked: shares its zone"),
                place("isolated hosts may share a zone", "a1 a2 b1", "host", on(1, 3), "add on 2"),
                place(
                        "isolated, but they share one already",
                        "a1 a2 b1",
                        "zone",
                        on(1, 2, 3),
                        "blocked: share a zone"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("places")
    void keepsReplicasApart(String name, String stores, String isolation, Regions region, String expected) {
        LocalCluster cluster = new LocalCluster(directory);
        long id = 0;
        for (String place : stores.split(" ")) {
            cluster.labelled(++id, Map.of("zone", place.substring(0, 1), "host", place))
                    .up(id);
        }
        Locations locations = new Locations(List.of("zone", "host"), isolation);

        Finding finding = checker(cluster, Map.of(), PlacementOptions.DEFAULTS.withLocations(locations))
                .check(cluster.observe(region));

        String verdict = expected.startsWith("blocked: ") ? "blocked: " : expected;
        assertThat(words(finding)).startsWith(verdict);
        assertThat(words(finding)).contains(expected.substring(verdict.equals(expected) ? 0 : verdict.length()));
    }

    private static Arguments place(String name, String stores, String isolation, Regions region, String expected) {
        return Arguments.of(name, stores, isolation, region, expected);
    }

    private static RuleChecker checker(LocalCluster cluster, Map<Long, Long> underWay) {
        return checker(cluster, underWay, PlacementOptions.DEFAULTS);
    }

    private static RuleChecker checker(LocalCluster cluster, Map<Long, Long> underWay, PlacementOptions options) {
        PlacementOptions bounded = options.withBounds(4, 1L << 30);
        ReceivingStores receiving = new ReceivingStores(underWay);
        StoreFilters filters = new StoreFilters(() -> bounded, receiving, store -> null);
        return new RuleChecker(cluster.state(), new StoreChoice(cluster.state(), () -> bounded, receiving, filters));
    }

    private static String words(Finding finding) {
        if (finding instanceof Finding.Nothing nothing) {
            return nothing.healthy() ? "healthy" : "blocked: " + nothing.reason();
        }
        var plan = ((Finding.Repair) finding).plan();
        if (plan.receivingStores().size() == 1 && plan.removedPeers().size() == 1) {
            return "move " + plan.removedPeers().get(0).getStoreId() + " to "
                    + plan.receivingStores().get(0);
        }
        assertThat(plan.receivingStores().size() + plan.removedPeers().size())
                .as("one change at a time")
                .isEqualTo(1);
        return plan.receivingStores().isEmpty()
                ? "remove on " + plan.removedPeers().get(0).getStoreId()
                : "add on " + plan.receivingStores().get(0);
    }

    private static Regions on(long... stores) {
        return region(REGION, "", "", stores);
    }

    private static Peer learner(long store) {
        return peer(REGION, store).toBuilder().setRole(PeerRole.Learner).build();
    }

    private static StoreStats full(long store) {
        return StoreStats.newBuilder()
                .setStoreId(store)
                .setCapacity(100L << 30)
                .setAvailable(10 << 20)
                .build();
    }

    private static StoreStats busy(long store) {
        return StoreStats.newBuilder().setStoreId(store).setIsBusy(true).build();
    }

    private static Arguments row(String name, Consumer<LocalCluster> stores, Regions region, String expected) {
        return Arguments.of(name, stores, region, expected);
    }
}
