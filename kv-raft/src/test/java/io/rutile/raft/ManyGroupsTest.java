package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A store with many groups through its whole life: start, load, kill, restart, partition, end. */
class ManyGroupsTest {

    private static final int GROUPS = 60;

    @TempDir
    Path dir;

    @Test
    void everyGroupComesThroughKillRestartAndPartition() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            for (long group = 1; group <= GROUPS; group++) {
                stores.startEverywhere(group, TestStores.members(1, 2, 3));
            }
            proposeToAll(stores, "first");

            Store killed = stores.store(1);
            killed.kill();
            proposeToAll(stores, "while-away");

            stores.network.heal();
            killed.reopen();
            for (long group = 1; group <= GROUPS; group++) {
                killed.start(group, new Replica(1, 101), TestStores.BEGIN);
            }
            for (long group = 1; group <= GROUPS; group++) {
                CounterMachine machine = killed.machine(group);
                await().atMost(TestStores.PATIENCE).until(() -> machine.count("while-away") >= 1);
                assertThat(machine.count("first")).isGreaterThanOrEqualTo(1);
            }

            stores.network.cut(1, 2);
            stores.network.cut(3, 1);
            proposeToAll(stores, "cut");
            stores.network.heal();
            proposeToAll(stores, "healed");
            for (long group = 1; group <= GROUPS; group++) {
                for (long id = 1; id <= 3; id++) {
                    CounterMachine machine = stores.store(id).machine(group);
                    await().atMost(TestStores.PATIENCE).until(() -> machine.count("healed") >= 1);
                }
            }
        }
    }

    private static void proposeToAll(TestStores stores, String word) {
        for (long group = 1; group <= GROUPS; group++) {
            stores.proposeAnyhow(group, word);
        }
    }
}
