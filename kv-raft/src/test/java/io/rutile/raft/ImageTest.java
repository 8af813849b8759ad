package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** R2, R3, R5: who was not there gets an image, and a new incarnation is a new member. */
class ImageTest {

    private static final long GROUP = 42;

    @TempDir
    Path dir;

    @Test
    void r2_newReplicaGetsAnImageAndThenTheLog() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            TestStores.propose(leader, "before");
            ConcurrentLinkedQueue<Replica> asked = new ConcurrentLinkedQueue<>();
            two.unknown = (group, self, from) -> {
                asked.add(self);
                if (!two.groups.containsKey(group)) {
                    two.start(group, self, 0);
                }
            };

            TestStores.get(leader.changeReplicas(TestStores.members(1, 2)));
            TestStores.propose(leader, "after");

            assertThat(asked).contains(new Replica(2, 102));
            await().until(() -> two.machine(GROUP).count("after") == 1);
            assertThat(two.machine(GROUP).count("before")).isEqualTo(1);
            assertThat(two.machine(GROUP).imagesInstalled).hasValue(1);
            assertThat(leader.replicas()).isEqualTo(TestStores.members(1, 2));
            await().until(() -> TestStores.members(1, 2).equals(two.group(GROUP).replicas()));
            assertThat(one.machine(GROUP).memberships).contains(TestStores.members(1, 2));
            await().until(() ->
                    leader.reachable().equals(TestStores.members(1, 2).voters()));
        }
    }

    @Test
    void followerBehindACutLogGetsAnImage() {
        try (TestStores stores = new TestStores(dir, options -> options.withLogMax(50, 1 << 20))) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            Store slow = stores.store(leader.id % 3 + 1);
            slow.kill();
            for (int i = 0; i < 400; i++) {
                TestStores.propose(leader.group(GROUP), "word" + i % 7);
            }
            await().until(() -> leader.machine(GROUP).persists.get() >= 3);

            stores.network.heal();
            slow.reopen();
            slow.start(GROUP, new Replica(slow.id, 100 + slow.id), TestStores.BEGIN);
            await().atMost(TestStores.PATIENCE)
                    .until(() -> slow.machine(GROUP)
                            .copy()
                            .equals(leader.machine(GROUP).copy()));

            assertThat(slow.machine(GROUP).imagesInstalled.get()).isPositive();
        }
    }

    /** What the image holds is not sent once more, entry by entry. */
    @Test
    void afterItsImageANewReplicaIsSentWhatCameSince() {
        int entries = 300;
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            Store four = stores.open(4);
            four.unknown = (group, self, from) -> {
                if (!four.groups.containsKey(group)) {
                    four.start(group, self, 0);
                }
            };
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            for (int i = 0; i < entries; i++) {
                TestStores.propose(leader.group(GROUP), "word" + i % 7 + "-" + "x".repeat(2_000));
            }

            TestStores.get(leader.group(GROUP).changeReplicas(TestStores.members(1, 2, 3, 4)));

            await().atMost(TestStores.PATIENCE)
                    .until(() -> four.machine(GROUP)
                            .copy()
                            .equals(leader.machine(GROUP).copy()));
            assertThat(four.machine(GROUP).imagesInstalled).hasValue(1);
            assertThat(four.group(GROUP).firstLogIndex()).isGreaterThan(entries);
            // Others may lack what was written last: the log is cut no further than before.
            assertThat(leader.group(GROUP).firstLogIndex()).isLessThanOrEqualTo(TestStores.BEGIN + 1);
        }
    }

    @Test
    void refusedImageIsSentAgainAndTheReplicaLives() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            TestStores.propose(leader, "a");
            two.start(GROUP, new Replica(2, 102), 0);
            two.machine(GROUP).refuseImages = true;
            var change = leader.changeReplicas(TestStores.members(1, 2));
            await().until(() -> stores.store(1).machine(GROUP).imagesWritten.get() >= 2);

            // D2: it does not count before it has its image, or the lone voter would have no majority.
            assertThat(leader.replicas()).isEqualTo(TestStores.members(1));
            assertThat(TestStores.propose(leader, "b")).isEqualTo(1);

            two.machine(GROUP).refuseImages = false;

            await().atMost(TestStores.PATIENCE).until(() -> two.machine(GROUP).count("a") == 1);
            await().atMost(TestStores.PATIENCE).until(change::isDone);
            assertThat(two.machine(GROUP).failures).isEmpty();
        }
    }

    /** It answers from the beginning, but PD must not take it for somebody who could vote. */
    @Test
    void d2_aLearnerThatWaitsForItsImageHasNotCaughtUp() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            TestStores.propose(leader, "a");
            Replica one = new Replica(1, 101);
            Replica learner = new Replica(2, 102);
            two.start(GROUP, learner, 0);
            two.machine(GROUP).refuseImages = true;

            TestStores.get(leader.changeReplicas(new Replicas(Set.of(one), Set.of(learner))));
            await().atMost(TestStores.PATIENCE)
                    .until(() -> leader.reachable().equals(Set.of(one, learner))
                            && stores.store(1).machine(GROUP).imagesWritten.get() >= 2);
            assertThat(leader.caughtUp()).containsExactly(one);
            assertThat(two.group(GROUP).caughtUp())
                    .as("a follower knows nothing")
                    .isEmpty();

            two.machine(GROUP).refuseImages = false;
            await().atMost(TestStores.PATIENCE).until(() -> leader.caughtUp().equals(Set.of(one, learner)));
            assertThat(two.machine(GROUP).count("a")).isEqualTo(1);
        }
    }

    /** Making an image reads a whole Region: who can't take one is not made one ten times a second. */
    @Test
    void r10_aReplicaThatRefusesImagesIsMadeFewerAndFewer() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            TestStores.propose(leader, "a");
            two.start(GROUP, new Replica(2, 102), 0);
            two.machine(GROUP).refuseImages = true;
            long begunNanos = System.nanoTime();
            var change = leader.changeReplicas(TestStores.members(1, 2));

            await().atMost(TestStores.PATIENCE)
                    .until(() -> one.machine(GROUP).imagesWritten.get() >= 5);

            // At least half of each pause: 100, 200, 400 and 800 ms.
            assertThat(Duration.ofNanos(System.nanoTime() - begunNanos)).isGreaterThan(Duration.ofMillis(1_500));
            assertThat(one.meters.get("kv.raft.images.backoffs").counter().count())
                    .isGreaterThanOrEqualTo(4);
            two.machine(GROUP).refuseImages = false;
            await().atMost(TestStores.PATIENCE).until(() -> two.machine(GROUP).count("a") == 1);
            await().atMost(TestStores.PATIENCE).until(change::isDone);
        }
    }

    /** A long image to one store, and another group on the same two stores goes on. */
    @Test
    void r10_aSlowImageHoldsUpNoOtherGroup() {
        long other = GROUP + 1;
        try (TestStores stores = new TestStores(dir, options -> options.withImageBytesPerSecondMax(20))) {
            stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(other, TestStores.members(1, 2));
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            // Some 60 bytes: three seconds.
            for (int i = 0; i < 10; i++) {
                TestStores.propose(leader, "word" + i);
            }
            two.start(GROUP, new Replica(2, 102), 0);
            var change = leader.changeReplicas(TestStores.members(1, 2));
            await().atMost(TestStores.PATIENCE)
                    .until(() -> stores.store(1).machine(GROUP).imagesWritten.get() > 0);

            for (int i = 0; i < 100; i++) {
                stores.proposeAnyhow(other, "w");
            }

            assertThat(two.machine(GROUP).imagesInstalled).hasValue(0);
            await().atMost(TestStores.PATIENCE).until(change::isDone);
            assertThat(two.machine(GROUP).imagesInstalled.get()).isPositive();
            assertThat(two.machine(other).count("w")).isEqualTo(100);
        }
    }

    @Test
    void restartOfACompactedLoneReplicaAppliesEachEntryOnce() {
        try (TestStores stores = new TestStores(dir, options -> options.withLogMax(40, 1 << 20))) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            for (int i = 0; i < 300; i++) {
                TestStores.propose(stores.awaitLeader(GROUP).group(GROUP), "a");
            }
            await().until(() -> one.machine(GROUP).persists.get() >= 2);

            one.stop();
            one.reopen();
            one.start(GROUP, new Replica(1, 101), TestStores.BEGIN);

            assertThat(TestStores.propose(stores.awaitLeader(GROUP).group(GROUP), "a"))
                    .isEqualTo(301);
        }
    }

    @Test
    void stateThatIsBehindItsLogIsRefusedAtStart() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            one.bootstrap(GROUP, TestStores.members(1));

            assertThatThrownBy(() -> one.start(GROUP, new Replica(1, 101), TestStores.BEGIN - 1))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.INVALID));
            assertThat(one.server.groups()).isEmpty();
        }
    }

    @Test
    void r3_removedReplicaComesBackOnlyAsANewMember() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            TestStores.propose(leader.group(GROUP), "a");
            Store gone = stores.store(leader.id % 3 + 1);
            Store other = stores.store(gone.id % 3 + 1);
            Replica stays = new Replica(leader.id, 100 + leader.id);
            Replica alsoStays = new Replica(other.id, 100 + other.id);

            TestStores.get(leader.group(GROUP).changeReplicas(Replicas.ofVoters(stays, alsoStays)));
            gone.server.destroyGroup(GROUP);
            gone.groups.clear();
            Replica reborn = new Replica(gone.id, 200 + gone.id);
            ConcurrentLinkedQueue<Replica> asked = new ConcurrentLinkedQueue<>();
            gone.unknown = (group, self, from) -> {
                asked.add(self);
                if (self.equals(reborn) && !gone.groups.containsKey(group)) {
                    gone.start(group, self, 0);
                }
            };
            TestStores.get(leader.group(GROUP).changeReplicas(Replicas.ofVoters(stays, alsoStays, reborn)));
            TestStores.propose(leader.group(GROUP), "b");

            await().until(() -> gone.machine(GROUP).count("b") == 1);
            assertThat(gone.machine(GROUP).count("a")).isEqualTo(1);
            assertThat(asked).containsOnly(reborn);
        }
    }

    @Test
    void r3_logOfAnotherIncarnationIsNotTakenOver() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            stores.startEverywhere(GROUP, TestStores.members(1));
            one.server.stopGroup(GROUP);

            assertThatThrownBy(() -> one.start(GROUP, new Replica(1, 999), 0))
                    .isInstanceOf(RaftException.class)
                    .hasMessageContaining("belongs to peer 101");
            one.server.destroyGroup(GROUP);
            assertThat(one.start(GROUP, new Replica(1, 999), 0).isLeader()).isFalse();
        }
    }

    @Test
    void learnerFollowsAndBecomesAVoterAndBack() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
            Replica first = new Replica(1, 101);
            Replica second = new Replica(2, 102);
            two.start(GROUP, second, 0);

            Replicas asLearner = new Replicas(Set.of(first), Set.of(second));
            TestStores.get(leader.changeReplicas(asLearner));
            await().until(() -> leader.replicas().equals(asLearner));
            TestStores.propose(leader, "a");
            await().until(() -> two.machine(GROUP).count("a") == 1);

            TestStores.get(leader.changeReplicas(Replicas.ofVoters(first, second)));
            await().until(() -> leader.replicas().equals(Replicas.ofVoters(first, second)));
            TestStores.get(leader.changeReplicas(asLearner));
            await().until(() -> leader.replicas().equals(asLearner));
            TestStores.propose(leader, "b");
            await().until(() -> two.machine(GROUP).count("b") == 1);
        }
    }
}
