package io.rutile.node;

import static io.rutile.node.NodeHouse.PATIENCE;
import static io.rutile.node.NodeHouse.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Splits of replicated Regions. */
class SplitThreeNodesTest {

    @TempDir
    Path dir;

    private NodeHouse house;

    @BeforeEach
    void start() throws Exception {
        house = NodeHouse.ofOne(dir);
    }

    @AfterEach
    void stop() throws Exception {
        house.close();
    }

    @Test
    void r2_replicasThatJoinAfterSplitsHoldEverything() {
        for (int i = 0; i < 60; i++) {
            house.put(key(i), "v" + i);
        }
        assertThat(house.split(key(20), key(40))).isTrue();
        await().atMost(PATIENCE).until(() -> house.regions().size() == 3);
        for (int i = 0; i < 60; i += 2) {
            house.put(key(i), "w" + i);
        }

        house.joinTwoMore();
        house.awaitWhole();
        house.nodes.remove(0).close();

        for (int i = 0; i < 60; i++) {
            assertThat(house.get(key(i))).contains((i % 2 == 0 ? "w" : "v") + i);
        }
        house.assertNoHole();
    }

    /** R1, R2, R4, R6, R8: nothing that was acknowledged is lost, whatever is split and whoever restarts meanwhile. */
    @Test
    void writesGoOnWhileRegionsSplitAndNodesRestart() throws Exception {
        house.joinTwoMore();
        house.awaitWhole();
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        NodeHouse.Writer writer = house.new Writer(seed);

        int splits = 0;
        for (int i = 0; i < 12; i++) {
            int before = writer.acknowledged.size();
            if (house.split(key(1 + random.nextInt(998)))) {
                splits++;
            }
            if (i % 4 == 3) {
                house.restart(house.nodes.get(random.nextInt(house.nodes.size())));
            }
            await().atMost(PATIENCE).until(() -> writer.hasFailed() || writer.acknowledged.size() >= before);
        }
        writer.stop();

        assertThat(splits).isPositive();
        int regions = splits + 1;
        await().atMost(PATIENCE).until(() -> house.regions().size() == regions);
        house.awaitWhole();
        writer.assertNothingLost();
        house.awaitRegions(regions);
    }
}
