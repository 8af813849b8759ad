package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaftGroupTest {

    private static final long GROUP = 42;

    @TempDir
    Path dir;

    @Test
    void loneReplicaLeadsAtOnceAndAnswersWithTheOutcome() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));

            Store leader = stores.awaitLeader(GROUP);

            assertThat(TestStores.propose(leader.group(GROUP), "a")).isEqualTo(1);
            assertThat(TestStores.propose(leader.group(GROUP), "a")).isEqualTo(2);
            assertThat(leader.group(GROUP).holdsLease()).isTrue();
            assertThat(TestStores.get(leader.group(GROUP).readIndex())).isNull();
            assertThat(one.group(GROUP).replicas()).isEqualTo(TestStores.members(1));
        }
    }

    @Test
    void aProposerHearsWhenItsEntryWasCommittedBeforeItHearsWhatCameOfIt() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);
            AtomicLong committedNanos = new AtomicLong();
            long begunNanos = System.nanoTime();

            long seenBefore = TestStores.get(group.propose(TestStores.bytes("a"), 0, committedNanos::set)
                    .thenApply(outcome -> committedNanos.get()));

            assertThat(seenBefore - begunNanos).isPositive();
            assertThat(System.nanoTime() - seenBefore).isPositive();
            assertThat(one.meters.get("kv.raft.commit").timer().count()).isPositive();
        }
    }

    @Test
    void theOwnerHearsHowLongTheDisksTake() {
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger ended = new AtomicInteger();
        AtomicInteger applied = new AtomicInteger();
        try (TestStores stores = new TestStores(dir)) {
            stores.latencies = new StoreLatencies() {
                @Override
                public void syncBegins() {
                    begun.incrementAndGet();
                }

                @Override
                public void syncEnds(long nanos) {
                    assertThat(nanos).isPositive();
                    ended.incrementAndGet();
                }

                @Override
                public void applied(long nanos) {
                    assertThat(nanos).isPositive();
                    applied.incrementAndGet();
                }
            };
            stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));

            TestStores.propose(stores.awaitLeader(GROUP).group(GROUP), "a");
        }
        assertThat(ended.get()).isPositive().isEqualTo(begun.get());
        assertThat(applied.get()).isPositive();
    }

    @Test
    void threeReplicasElectReplicateAndKeepALease() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));

            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            for (int i = 1; i <= 100; i++) {
                assertThat(TestStores.propose(leader, "word")).isEqualTo(i);
            }

            assertThat(leader.holdsLease()).isTrue();
            TestStores.get(leader.readIndex());
            for (long id = 1; id <= 3; id++) {
                CounterMachine machine = stores.store(id).machine(GROUP);
                await().atMost(Duration.ofSeconds(5)).until(() -> machine.count("word") == 100);
            }
            assertThat(leader.reachable()).isEqualTo(TestStores.members(1, 2, 3).voters());
        }
    }

    /** A store that is about to stop: nobody hands over to it, and it does not stand itself. */
    @Test
    void aDrainingStoreLeadsNothingAnyMore() {
        Duration electionTimeout = Duration.ofSeconds(3);
        try (TestStores stores = new TestStores(dir, options -> options.withElectionTimeout(electionTimeout))) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            stores.store(1).group(GROUP).campaign();
            Store leader = stores.awaitLeader(GROUP);
            Store draining = stores.store(leader.id % 3 + 1);
            Store third = stores.store(draining.id % 3 + 1);
            stores.proposeAnyhow(GROUP, "a");
            draining.server.drain();
            long begunNanos = System.nanoTime();

            assertThatThrownBy(() -> TestStores.get(leader.group(GROUP)
                            .transferLeader(draining.group(GROUP).self())))
                    .isInstanceOf(RaftException.class);
            // It leads on at once, give or take the moment in which the transfer ends, and replicates to the store that
            // drains.
            stores.proposeAnyhow(GROUP, "b");
            assertThat(System.nanoTime() - begunNanos).isLessThan(electionTimeout.toNanos());
            await().atMost(TestStores.PATIENCE)
                    .until(() -> draining.machine(GROUP).count("b") == 1);

            leader.kill();
            assertThat(stores.awaitLeader(GROUP).id).isEqualTo(third.id);
            stores.proposeAnyhow(GROUP, "c");
        }
    }

    @Test
    void restartReplaysWhatWasNotPersistedAndNothingTwice() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);
            for (int i = 0; i < 50; i++) {
                TestStores.propose(group, "a");
            }

            one.stop();
            one.reopen();
            one.start(GROUP, new Replica(1, 101), TestStores.BEGIN);

            RaftGroup<Long> again = stores.awaitLeader(GROUP).group(GROUP);
            assertThat(TestStores.propose(again, "a")).isEqualTo(51);
        }
    }

    @Test
    void anEmptyEntryReachesNoStateMachineAndLosesNoOther() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);
            long committed = group.committedIndex();
            for (int i = 1; i <= 20; i++) {
                ((JRaftAdapter<?>) group).nudge();
                assertThat(TestStores.propose(group, "a")).isEqualTo(i);
            }
            assertThat(group.committedIndex()).isGreaterThanOrEqualTo(committed + 40);

            one.stop();
            one.reopen();
            one.start(GROUP, new Replica(1, 101), TestStores.BEGIN);

            RaftGroup<Long> again = stores.awaitLeader(GROUP).group(GROUP);
            ((JRaftAdapter<?>) again).nudge();
            assertThat(TestStores.propose(again, "a")).isEqualTo(21);
        }
    }

    /** Without a nudge nobody would ever look at that peer again: JRaft does so only when it takes an entry, or asks for its log. */
    @Test
    void aQuietGroupTakesAPeerThatHadEverythingBeforeItWasWaitedFor() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            TestStores.propose(leader, "a");
            Replica quick = new Replica(2, 102);
            two.start(GROUP, quick, 0);
            TestStores.feed(leader, quick);

            TestStores.get(leader.changeReplicas(TestStores.members(1, 2)));

            await().until(() -> leader.replicas().equals(TestStores.members(1, 2)));
            assertThat(two.machine(GROUP).count("a")).isEqualTo(1);
        }
    }
}
