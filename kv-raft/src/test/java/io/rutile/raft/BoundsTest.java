package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R10: what is under way is bounded, and whoever hits the bound is told so. */
class BoundsTest {

    private static final long GROUP = 42;
    /** Fewer than there are threads that apply, for all stores of this process share them. */
    private static final int LAGGING_GROUPS = 6;

    private static final int ENTRIES_OF_EACH = 24;
    private static final int ENTRY_BYTES = 256 << 10;

    @TempDir
    Path dir;

    @Test
    void r10_proposalsBehindASlowStateMachineAreRefusedAsBusy() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);
            CountDownLatch hold = new CountDownLatch(1);
            one.machine(GROUP).beforeApply = () -> {
                try {
                    hold.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            };

            List<CompletableFuture<Long>> proposals = new ArrayList<>();
            for (int i = 0; i < 20_000; i++) {
                proposals.add(group.propose(TestStores.bytes("w")));
            }
            long refusedAtOnce = proposals.stream()
                    .filter(CompletableFuture::isCompletedExceptionally)
                    .count();
            hold.countDown();

            long acknowledged = 0;
            for (CompletableFuture<Long> proposal : proposals) {
                try {
                    proposal.join();
                    acknowledged++;
                } catch (CompletionException e) {
                    assertThat(e.getCause())
                            .isInstanceOfSatisfying(
                                    RaftException.class,
                                    refusal -> assertThat(refusal.kind()).isEqualTo(RaftException.Kind.BUSY));
                }
            }
            assertThat(refusedAtOnce).isPositive();
            assertThat(one.machine(GROUP).count("w")).isEqualTo(acknowledged);
            assertThat(one.meters.get("kv.raft.propose.busy").counter().count()).isPositive();
            TestStores.propose(group, "again");
            assertThat(one.meters.get("kv.raft.propose.inflight").gauge().value())
                    .isZero();
        }
    }

    /** A store whose state machines all lag behind must not hold the logs of all its groups in memory. */
    @Test
    void r10_groupsThatLagTogetherHoldNoMoreThanTheirStoresShare() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        try (TestStores stores = new TestStores(dir, options -> options.withMemoryBytes(32L << 20));
                AutoCloseable released = hold::countDown) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            for (long group = GROUP; group < GROUP + LAGGING_GROUPS; group++) {
                stores.startEverywhere(group, TestStores.members(1, 2, 3));
            }
            Store slow = stores.store(3);
            for (long group = GROUP; group < GROUP + LAGGING_GROUPS; group++) {
                awaitAnotherLeader(stores, group, slow);
            }
            slow.machines
                    .values()
                    .forEach(machine -> machine.beforeApply = () -> {
                        try {
                            hold.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    });

            for (int i = 0; i < ENTRIES_OF_EACH; i++) {
                String word = i + "x".repeat(ENTRY_BYTES);
                for (long group = GROUP; group < GROUP + LAGGING_GROUPS; group++) {
                    stores.proposeAnyhow(group, word);
                }
            }

            await().atMost(TestStores.PATIENCE)
                    .until(() ->
                            slow.meters.get("kv.raft.entries.refused").counter().count() > 0);
            assertThat(slow.meters.get("kv.raft.apply.lag").gauge().value()).isPositive();
            // What came in between two looks is on top of it.
            assertThat(slow.meters
                            .get("kv.raft.memory")
                            .tag("use", "log")
                            .gauge()
                            .value())
                    .isBetween(1.0 * ENTRY_BYTES, 0.5 * LAGGING_GROUPS * ENTRIES_OF_EACH * ENTRY_BYTES);
            hold.countDown();
            for (long group = GROUP; group < GROUP + LAGGING_GROUPS; group++) {
                CounterMachine machine = slow.machine(group);
                await().atMost(TestStores.PATIENCE)
                        .until(() -> machine.count(ENTRIES_OF_EACH - 1 + "x".repeat(ENTRY_BYTES)) >= 1);
            }
            await().atMost(TestStores.PATIENCE)
                    .until(() -> slow.meters.get("kv.raft.apply.lag").gauge().value() == 0);
            for (String use : List.of("outbound", "inbound")) {
                await().atMost(TestStores.PATIENCE)
                        .until(() -> slow.meters
                                        .get("kv.raft.memory")
                                        .tag("use", use)
                                        .gauge()
                                        .value()
                                == 0);
            }
        }
    }

    private static void awaitAnotherLeader(TestStores stores, long group, Store than) {
        await().atMost(TestStores.PATIENCE).until(() -> {
            Store leader = stores.awaitLeader(group);
            if (leader == than) {
                leader.group(group).transferLeader(new Replica(1, 101));
            }
            return leader != than;
        });
    }

    @Test
    void entryThatIsTooLargeOrEmptyIsRefused() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);

            for (byte[] bad : new byte[][] {new byte[(8 << 20) + (64 << 10) + 1], new byte[0]}) {
                assertThatThrownBy(() -> TestStores.get(group.propose(bad)))
                        .isInstanceOfSatisfying(
                                RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.INVALID));
            }
        }
    }

    @Test
    void largestEntryReachesEveryReplica() {
        // The house's own time-out: an entry of this size takes its time on a busy machine.
        try (TestStores stores = new TestStores(dir, options -> options.withElectionTimeout(Duration.ofSeconds(2)))) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            String large = "x".repeat((8 << 20) + (64 << 10));

            stores.proposeAnyhow(GROUP, large);

            for (long id = 1; id <= 3; id++) {
                CounterMachine machine = stores.store(id).machine(GROUP);
                await().atMost(TestStores.PATIENCE).until(() -> machine.count(large) >= 1);
            }
        }
    }
}
