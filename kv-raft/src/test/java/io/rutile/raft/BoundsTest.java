package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
                org.awaitility.Awaitility.await().atMost(TestStores.PATIENCE).until(() -> machine.count(large) >= 1);
            }
        }
    }
}
