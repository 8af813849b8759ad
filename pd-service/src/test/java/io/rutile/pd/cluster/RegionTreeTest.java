package io.rutile.pd.cluster;

import static io.rutile.pd.cluster.Regions.peer;
import static io.rutile.pd.cluster.Regions.region;
import static org.assertj.core.api.Assertions.assertThat;

import io.rutile.protocol.ByteKey;
import io.rutile.protocol.KeyRange;
import io.rutile.protocol.metapb.Peer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RegionTreeTest {

    private final RegionTree tree = new RegionTree();

    @Test
    void keyIsFoundInItsRegion() {
        observe(region(1, "", "g", 1), region(2, "g", "p", 1), region(3, "p", "", 1));

        assertThat(idAt("")).isEqualTo(1);
        assertThat(idAt("f")).isEqualTo(1);
        assertThat(idAt("g")).isEqualTo(2);
        assertThat(idAt("zzz")).isEqualTo(3);
    }

    @Test
    void holeIsNobodys() {
        observe(region(1, "", "g", 1), region(3, "p", "", 1));

        assertThat(tree.byKey(key("h"))).isEmpty();
        assertThat(tree.before(key("q"))).isEmpty();
    }

    @Test
    void neighbourInFrontIsFound() {
        observe(region(1, "", "g", 1), region(2, "g", "p", 1));

        assertThat(tree.before(key("h"))).map(RegionInfo::id).contains(1L);
        assertThat(tree.before(key("a"))).isEmpty();
    }

    @Test
    void d17OlderEpochChangesNothingD1() {
        observe(region(1, "", "", 1, 2).epoch(5, 5));

        assertThat(tree.observe(region(1, "", "", 1).epoch(4, 5).info(), 0)).isPresent();
        assertThat(tree.observe(region(1, "", "", 1).epoch(5, 4).info(), 0)).isPresent();
        assertThat(tree.observe(region(1, "", "", 1).epoch(9, 4).info(), 0)).isPresent();
        assertThat(tree.byId(1)).map(r -> r.peers().size()).contains(2);
    }

    @Test
    void olderTermChangesNothingD1() {
        observe(region(1, "", "", 1, 2).term(7));

        assertThat(tree.observe(region(1, "", "", 1, 2).leader(2).term(6).info(), 0))
                .isPresent();
        assertThat(tree.observe(region(1, "", "", 1, 2).leader(2).term(7).info(), 0))
                .isEmpty();
        // A term that was not said is not compared.
        assertThat(tree.observe(region(1, "", "", 1, 2).leader(1).term(0).info(), 0))
                .isEmpty();
    }

    @Test
    void olderRegionCannotCoverANewerOneD1() {
        observe(region(2, "g", "p", 1).epoch(1, 5));

        assertThat(tree.observe(region(1, "", "", 1).epoch(1, 4).info(), 0)).isPresent();
        assertThat(idAt("h")).isEqualTo(2);
        assertThat(tree.byId(1)).isEmpty();
    }

    @Test
    void splitReplacesItsParent() {
        observe(region(1, "", "", 1, 2, 3).epoch(3, 1));

        observe(region(9, "m", "", 1, 2, 3).epoch(3, 2));
        assertThat(tree.byId(1)).isEmpty();
        observe(region(1, "", "m", 1, 2, 3).epoch(3, 2));

        assertThat(idAt("a")).isEqualTo(1);
        assertThat(idAt("z")).isEqualTo(9);
        assertThat(tree.loadOf(1).peers()).isEqualTo(2);
    }

    @Test
    void d19ScanBeginsWithTheRegionThatHoldsTheStart() {
        observe(region(1, "", "g", 1), region(2, "g", "p", 1), region(3, "p", "", 1));

        assertThat(ids(tree.scan(range("", ""), 2))).containsExactly(1L, 2L);
        assertThat(ids(tree.scan(range("h", "q"), 0))).containsExactly(2L, 3L);
        assertThat(ids(tree.scan(range("h", "i"), 0))).containsExactly(2L);
        assertThat(ids(tree.scan(range("g", "p"), 0))).containsExactly(2L);
    }

    @Test
    void peersAreCountedByStore() {
        observe(region(1, "", "g", 1, 2), region(2, "g", "", 2, 3));
        observe(region(1, "", "g", 2, 3).epoch(2, 1));

        assertThat(tree.loadOf(1).peers()).isZero();
        assertThat(tree.loadOf(2).peers()).isEqualTo(2);
        assertThat(tree.loadOf(3).peers()).isEqualTo(2);
    }

    @Test
    void regionsNeverOverlapWhateverIsReported() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 3_000; i++) {
            char a = (char) ('a' + random.nextInt(25));
            char b = (char) (a + 1 + random.nextInt('z' - a));
            tree.observe(
                    region(1 + random.nextInt(8), String.valueOf(a), String.valueOf(b), 1 + random.nextInt(3))
                            .plus(peer(9, 4))
                            .size(random.nextInt(3))
                            .flow(new RegionFlow(random.nextInt(100), 1, 100, 1, 10))
                            .epoch(1 + random.nextInt(4), 1 + i / 200 + random.nextInt(3))
                            .info(),
                    0);

            List<RegionInfo> all = tree.scan(KeyRange.ALL, 0);
            for (int r = 1; r < all.size(); r++) {
                assertThat(all.get(r - 1).range().overlaps(all.get(r).range()))
                        .as("seed %d, report %d", seed, i)
                        .isFalse();
            }
            assertThat(all).as("seed %d, report %d", seed, i).hasSize(tree.size());
            for (long store = 1; store <= 4; store++) {
                assertThat(tree.loadOf(store)).as("seed %d, report %d", seed, i).isEqualTo(counted(all, store));
                assertThat(ids(tree.leadersOn(store, 100, random)))
                        .as("seed %d, report %d", seed, i)
                        .hasSize(tree.loadOf(store).leaders());
            }
        }
    }

    @Test
    void regionsAreDrawnFromThoseOnTheStore() {
        observe(region(1, "", "g", 1, 2), region(2, "g", "p", 2, 1), region(3, "p", "", 2, 3));

        assertThat(ids(tree.leadersOn(2, 9, new Random(1)))).containsExactlyInAnyOrder(2L, 3L);
        assertThat(ids(tree.followersOn(2, 9, new Random(1)))).containsExactly(1L);
        assertThat(tree.leadersOn(2, 1, new Random(1))).hasSize(1);
        assertThat(tree.leadersOn(7, 1, new Random(1))).isEmpty();
    }

    private static StoreLoad counted(List<RegionInfo> regions, long store) {
        int leaders = 0;
        long peersBytes = 0;
        long leadersBytes = 0;
        long leadersFlow = 0;
        int peers = 0;
        for (RegionInfo region : regions) {
            Peer peer = region.peerOn(store);
            if (peer != null) {
                boolean leads = region.isLeader(peer);
                peers++;
                peersBytes += region.sizeBytes();
                leaders += leads ? 1 : 0;
                leadersBytes += leads ? region.sizeBytes() : 0;
                leadersFlow += leads ? region.flow().bytesPerSecond() : 0;
            }
        }
        return new StoreLoad(peers, leaders, 0, peersBytes, leadersBytes, leadersFlow);
    }

    private void observe(Regions... regions) {
        for (Regions region : regions) {
            assertThat(tree.observe(region.info(), 0)).isEmpty();
        }
    }

    private long idAt(String key) {
        return tree.byKey(key(key)).map(RegionInfo::id).orElse(0L);
    }

    private static List<Long> ids(List<RegionInfo> regions) {
        return new ArrayList<>(regions.stream().map(RegionInfo::id).toList());
    }

    private static KeyRange range(String start, String end) {
        return new KeyRange(key(start), key(end));
    }

    private static ByteKey key(String text) {
        return ByteKey.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
