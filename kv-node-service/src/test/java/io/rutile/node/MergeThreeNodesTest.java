package io.rutile.node;

import static io.rutile.node.NodeHouse.PATIENCE;
import static io.rutile.node.NodeHouse.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.protocol.eraftpb.ConfChangeType;
import io.rutile.protocol.metapb.Peer;
import io.rutile.protocol.metapb.Region;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Merges of replicated Regions. */
class MergeThreeNodesTest {

    @TempDir
    Path dir;

    private NodeHouse house;
    private FakePd pd;

    @BeforeEach
    void start() throws Exception {
        house = NodeHouse.ofThree(dir);
        pd = house.pd;
    }

    @AfterEach
    void stop() throws Exception {
        house.close();
    }

    private List<Region> regions() {
        return house.regions();
    }

    private boolean isGone(long regionId) {
        return regions().stream().noneMatch(region -> region.getId() == regionId);
    }

    /** R1, R2, P4: whichever side is the smaller, whoever leads, the neighbour has both when it is done, and every store agrees. */
    @Test
    void aRegionMergesIntoEitherNeighbour() {
        for (int i = 0; i < 60; i++) {
            house.put(key(i), "v" + i);
        }
        assertThat(house.split(key(20), key(40))).isTrue();
        await().atMost(PATIENCE).until(() -> pd.regions().size() == 3);
        house.awaitWhole();
        List<Region> three = regions();
        // Leaders on different stores: the source's goes to where the target is led.
        Peer elsewhere = three.get(1).getPeersList().stream()
                .filter(peer -> peer.getStoreId()
                        != pd.region(key(key(0))).orElseThrow().getLeader().getStoreId())
                .findFirst()
                .orElseThrow();
        pd.transferLeader(three.get(1).getId(), elsewhere);
        await().atMost(PATIENCE)
                .until(() -> pd.region(key(key(30))).orElseThrow().getLeader().getId() == elsewhere.getId());

        pd.merge(three.get(0).getId(), three.get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(three.get(0).getId()));
        house.put(key(10), "w10");
        pd.merge(three.get(2).getId(), three.get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(three.get(2).getId()));
        house.put(key(50), "w50");

        assertThat(regions()).hasSize(1);
        house.awaitWhole();
        for (int i = 0; i < 60; i++) {
            assertThat(house.get(key(i))).contains((i == 10 || i == 50 ? "w" : "v") + i);
        }
        house.awaitRegions(1);
    }

    /**
     * R5: a replica that was removed while its store was away, of a Region that has been merged since: nobody knows its Region any more,
     * and in the way of others it would be for ever.
     */
    @Test
    void aReplicaThatMissedItsRemovalAndTheMergeGoes() {
        house.put(key(1), "v1");
        assertThat(house.split(key(20))).isTrue();
        await().atMost(PATIENCE).until(() -> pd.regions().size() == 2);
        house.awaitWhole();
        TestNode fourth = house.add();
        await().atMost(PATIENCE).until(() -> pd.stores().containsKey(fourth.node.storeId()));
        Region source = regions().get(0);
        Peer extra = Peer.newBuilder()
                .setId(pd.nextId())
                .setStoreId(fourth.node.storeId())
                .build();
        pd.order(source.getId(), ConfChangeType.AddNode, extra);
        await().atMost(PATIENCE)
                .until(() -> regions().get(0).getPeersList().contains(extra)
                        && pd.regions().get(0).getPendingPeersList().isEmpty());
        house.nodes.remove(fourth);
        fourth.close();
        pd.order(source.getId(), ConfChangeType.RemoveNode, extra);
        await().atMost(PATIENCE).until(() -> regions().get(0).getPeersCount() == 3);
        pd.merge(source.getId(), regions().get(1).getId());
        await().atMost(PATIENCE).until(() -> isGone(source.getId()));

        TestNode back = new TestNode(fourth.options).start();
        house.nodes.add(back);

        assertThat(back.node.regionCount()).isEqualTo(1);
        await().atMost(PATIENCE).until(() -> back.node.regionCount() == 0);
        assertThat(house.get(key(1))).contains("v1");
    }

    /** R1, R2, R4, R6, R8: nothing that was acknowledged is lost, whatever splits and merges and whoever restarts meanwhile. */
    @Test
    void writesGoOnWhileRegionsMergeAndNodesRestart() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        int rounds = Integer.getInteger("rounds", 10);
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        NodeHouse.Writer writer = house.new Writer(seed);

        int merges = 0;
        for (int i = 0; i < rounds && !writer.hasFailed(); i++) {
            house.split(key(1 + random.nextInt(998)));
            house.awaitWhole();
            List<Region> now = regions();
            if (now.size() > 1) {
                int source = random.nextInt(now.size());
                int target = source == 0 || (source + 1 < now.size() && random.nextBoolean()) ? source + 1 : source - 1;
                long id = now.get(source).getId();
                pd.merge(id, now.get(target).getId());
                if (random.nextInt(3) == 0) {
                    house.restart(house.nodes.get(random.nextInt(house.nodes.size())));
                }
                await().atMost(PATIENCE).until(() -> isGone(id) || writer.hasFailed());
                merges++;
            }
        }
        writer.stop();

        assertThat(merges).isPositive();
        house.awaitWhole();
        writer.assertNothingLost();
        house.awaitRegions(regions().size());
    }
}
