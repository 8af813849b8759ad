package io.rutile.node;

import static io.rutile.node.NodeHouse.PATIENCE;
import static io.rutile.node.NodeHouse.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.node.raftstore.DataDisk;
import io.rutile.node.raftstore.StoreFaults;
import io.rutile.protocol.metapb.Peer;
import io.rutile.raft.transport.LinkFilter;
import io.rutile.storage.engine.EngineException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R9: what PD and people hear of a node whose data disk is full, and that clients hear nothing of it. */
class DeadReplicaNodesTest {

    @TempDir
    Path dir;

    @Test
    void aReplicaThatCanNotApplyIsReportedAndComesBack() throws Exception {
        AtomicBoolean full = new AtomicBoolean();
        try (NodeHouse house = NodeHouse.ofOne(dir)) {
            house.pd.wantReplicas(3);
            house.add();
            TestNode victim = house.add(new StoreFaults(disk -> failing(disk, full), LinkFilter.OPEN));
            house.awaitWhole();
            house.put(key(1), "v1");
            long victimId = victim.node.storeId();

            full.set(true);
            house.put(key(2), "v2");

            await().atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(house.pd.regions().get(0).getPendingPeersList())
                            .extracting(Peer::getStoreId)
                            .containsExactly(victimId));
            await().atMost(PATIENCE).until(() -> house.pd.stats(victimId).getDamagedRegionsIdCount() == 1);
            assertThat(victim.node.deadRegions())
                    .isEqualTo(house.pd.stats(victimId).getDamagedRegionsIdList());
            assertThat(victim.node
                            .replica(victim.node.deadRegions().get(0))
                            .orElseThrow()
                            .failure())
                    .contains("no space");
            house.put(key(3), "v3");

            full.set(false);

            house.awaitWhole();
            await().atMost(PATIENCE).until(() -> victim.node.deadRegions().equals(List.of()));
            assertThat(house.get(key(2))).contains("v2");
            assertThat(house.get(key(3))).contains("v3");
        }
    }

    private static DataDisk failing(DataDisk disk, AtomicBoolean full) {
        return (batch, sync) -> {
            if (full.get()) {
                throw new EngineException(EngineException.Kind.NO_SPACE, "no space is left on the disk", null);
            }
            disk.write(batch, sync);
        };
    }
}
