package io.rutile.pd.leader;

import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.pd.cluster.LocalCluster;
import io.rutile.pd.cluster.Regions;
import io.rutile.pd.meta.StoreRecord;
import io.rutile.protocol.metapb.StoreState;
import io.rutile.protocol.pdpb.StoreStats;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** D1: a store is buried when it was seen to be empty, and not because nothing is known of it. */
class DrainedStoresTest {

    @TempDir
    Path directory;

    private final Set<Long> receiving = new HashSet<>();
    private LocalCluster cluster;
    private DrainedStores drained;

    @BeforeEach
    void storeFourLeaves() {
        cluster = new LocalCluster(directory).up(1, 2, 3);
        says(4, 0);
        cluster.meta().propose(new StoreRecord.RemoveStore(4, false));
        drained = new DrainedStores(
                cluster.state(),
                receiving::contains,
                record -> CompletableFuture.completedFuture(cluster.meta().propose(record)));
    }

    @Test
    void emptyStoreIsBuried() {
        everyRegion(1, 2, 3);

        drained.bury();

        assertThat(state(4)).isEqualTo(StoreState.Tombstone);
        assertThat(state(3)).isEqualTo(StoreState.Up);
    }

    @Test
    void storeWithAReplicaStays() {
        everyRegion(1, 2, 4);

        drained.bury();

        assertThat(state(4)).isEqualTo(StoreState.Offline);
    }

    @Test
    void nobodyIsBuriedBeforeEveryRegionIsKnownD1() {
        cluster.observe(Regions.region(10, "", "g", 1, 2, 3));
        drained.bury();
        assertThat(state(4)).as("the end of the keys is unknown").isEqualTo(StoreState.Offline);

        cluster.observe(Regions.region(12, "p", "", 1, 2, 3));
        drained.bury();
        assertThat(state(4)).as("a hole").isEqualTo(StoreState.Offline);

        cluster.observe(Regions.region(11, "g", "p", 1, 2, 3).leader(0));
        drained.bury();
        assertThat(state(4)).as("no leader has described it").isEqualTo(StoreState.Offline);

        cluster.observe(Regions.region(11, "g", "p", 1, 2, 3));
        drained.bury();
        assertThat(state(4)).isEqualTo(StoreState.Tombstone);
    }

    @Test
    void storeThatSaysItHoldsSomethingOrIsToReceiveSomethingStays() {
        everyRegion(1, 2, 3);
        says(4, 1);
        drained.bury();
        assertThat(state(4)).isEqualTo(StoreState.Offline);

        says(4, 0);
        receiving.add(4L);
        drained.bury();
        assertThat(state(4)).isEqualTo(StoreState.Offline);

        receiving.clear();
        drained.bury();
        assertThat(state(4)).isEqualTo(StoreState.Tombstone);
    }

    @Test
    void storeThatIsDownIsBuriedByWhatRegionsSay() {
        everyRegion(1, 2, 3);
        says(4, 7);
        cluster.pass(LocalCluster.DOWN_AFTER.plusSeconds(1));

        drained.bury();

        assertThat(state(4)).isEqualTo(StoreState.Tombstone);
    }

    private void everyRegion(long... stores) {
        cluster.observe(Regions.region(10, "", "g", stores));
        cluster.observe(Regions.region(11, "g", "p", stores));
        cluster.observe(Regions.region(12, "p", "", stores));
    }

    private void says(long store, int regions) {
        cluster.stats(StoreStats.newBuilder()
                .setStoreId(store)
                .setRegionCount(regions)
                .build());
    }

    private StoreState state(long store) {
        return Objects.requireNonNull(cluster.meta().state().store(store)).getState();
    }
}
