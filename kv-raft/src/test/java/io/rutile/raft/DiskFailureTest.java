package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R8, R9: what is acknowledged is on disk; a disk that fails ends leadership, is told, and hangs nobody. */
class DiskFailureTest {

    private static final long GROUP = 42;
    private static final long IDLE_GROUP = 43;

    @TempDir
    Path dir;

    private TestStores three() {
        TestStores stores = new TestStores(dir);
        for (long id = 1; id <= 3; id++) {
            stores.open(id);
        }
        stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
        return stores;
    }

    @Test
    void r9_failedSyncOfTheLeaderMovesLeadershipAndTellsEveryGroup() {
        try (TestStores stores = three()) {
            stores.startEverywhere(IDLE_GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            stores.awaitLeader(IDLE_GROUP);
            TestStores.propose(leader.group(GROUP), "a");

            Objects.requireNonNull(leader.disk).syncsFail = true;
            CompletableFuture<Long> lost = leader.group(GROUP).propose(TestStores.bytes("b"));

            assertThat(lost).failsWithin(TestStores.PATIENCE);
            await().atMost(TestStores.PATIENCE)
                    .until(() -> !leader.machine(GROUP).failures.isEmpty()
                            && !leader.machine(IDLE_GROUP).failures.isEmpty());
            assertThatThrownBy(() -> TestStores.propose(leader.group(GROUP), "c"))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.DISK));
            assertThat(leader.group(GROUP).isLeader()).isFalse();
            assertThat(leader.group(GROUP).holdsLease()).isFalse();
            Store next = stores.awaitLeader(GROUP);
            assertThat(next.id).isNotEqualTo(leader.id);
            TestStores.propose(next.group(GROUP), "d");
            assertThat(next.machine(GROUP).count("a")).isEqualTo(1);
            assertThat(leader.machine(GROUP).failures).hasSize(1);
            assertThat(leader.meters.get("kv.raft.log.failed").gauge().value()).isEqualTo(1);
        }
    }

    @Test
    void r9_fullDiskOfAFollowerLeavesTheMajorityWorking() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = stores.store(leader.id % 3 + 1);

            Objects.requireNonNull(follower.disk).writesFail = true;

            for (int i = 0; i < 20; i++) {
                TestStores.propose(leader.group(GROUP), "a");
            }
            await().atMost(TestStores.PATIENCE)
                    .until(() -> !follower.machine(GROUP).failures.isEmpty());
            assertThat(leader.group(GROUP).isLeader()).isTrue();
        }
    }

    @Test
    void r8_voteIsSyncedBeforeItLeavesEvenIfTheLogIsNot() {
        try (TestStores stores = new TestStores(dir, options -> options.withSync(false))) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            stores.awaitLeader(GROUP);
            int syncsOfElection = Objects.requireNonNull(one.disk).syncs.get();

            for (int i = 0; i < 20; i++) {
                TestStores.propose(one.group(GROUP), "a");
            }

            // Identity, begin, vote; and nothing for entries, which this setting leaves to the system.
            assertThat(syncsOfElection).isGreaterThanOrEqualTo(3);
            assertThat(one.disk.syncs).hasValue(syncsOfElection);
        }
    }

    @Test
    void r8_acknowledgedEntriesAreSynced() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            stores.awaitLeader(GROUP);
            int before = Objects.requireNonNull(one.disk).syncs.get();

            for (int i = 0; i < 10; i++) {
                TestStores.propose(one.group(GROUP), "a");
            }

            assertThat(one.disk.syncs.get()).isGreaterThanOrEqualTo(before + 10);
        }
    }

    @Test
    void exceptionInApplyPoisonsThisReplicaOnly() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            leader.machine(GROUP).failNext = new IllegalStateException("bug");

            CompletableFuture<Long> lost = leader.group(GROUP).propose(TestStores.bytes("a"));

            assertThatThrownBy(() -> TestStores.get(lost))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.UNDETERMINED));
            await().until(() -> leader.machine(GROUP).failures.size() == 1);
            assertThat(leader.machine(GROUP).failures.get(0)).hasMessage("bug");
            Store next = stores.awaitLeader(GROUP);
            assertThat(next.id).isNotEqualTo(leader.id);
            assertThat(TestStores.propose(next.group(GROUP), "a")).isEqualTo(2);
        }
    }
}
