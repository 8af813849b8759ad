package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.alipay.sofa.jraft.core.NodeImpl;
import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * D2: a leader that is gone in the middle of a membership change leaves voters behind that don't know each other yet. As long as
 * a majority is up, one of them is elected.
 */
class UnfinishedChangeTest {

    private static final long GROUP = 42;

    @TempDir
    Path dir;

    private static Replica replica(long store) {
        return new Replica(store, 100 + store);
    }

    private static NodeImpl node(Store store) {
        return ((JRaftAdapter<?>) store.group(GROUP)).node();
    }

    /** The membership change is in this replica's log, and not finished. */
    private static void awaitJoint(Store store) {
        await("a joint membership on store " + store.id)
                .atMost(TestStores.PATIENCE)
                .until(() -> !NodeInternals.conf(node(store)).isStable());
    }

    /**
     * From the moment on when the new replica takes one more entry, nothing that the leader sends gets there: its answer says that
     * it has caught up, and the entry that makes it a voter is lost.
     */
    private static void cutWhenCaughtUp(TestStores stores, Store joins, long leader, long... others) {
        FaultyDisk disk = Objects.requireNonNull(joins.disk);
        disk.beforeWrite = () -> {
            stores.network.cut(leader, joins.id);
            for (long other : others) {
                stores.network.cut(leader, other);
            }
            disk.beforeWrite = null;
        };
    }

    /** Makes the log so long that a replica counts as caught up even if the machine is slow and a few empty entries have come in. */
    private static void lengthen(RaftGroup<Long> leader) {
        for (int i = 0; i < 40; i++) {
            TestStores.propose(leader, "more");
        }
    }

    /** Store 1 leads alone and wants store 2, which has everything but the entry that makes it a voter. */
    private static Store growsToTwo(TestStores stores) {
        Store one = stores.open(1);
        Store two = stores.open(2);
        stores.startEverywhere(GROUP, TestStores.members(1));
        RaftGroup<Long> leader = stores.awaitLeader(GROUP).group(GROUP);
        TestStores.propose(leader, "a");
        lengthen(leader);
        two.start(GROUP, replica(2), 0);
        TestStores.feed(leader, replica(2));
        cutWhenCaughtUp(stores, two, 1);
        CompletableFuture<Void> change = leader.changeReplicas(TestStores.members(1, 2));
        awaitJoint(one);
        assertUnfinished(change);
        assertThat(NodeInternals.conf(node(two)).contains(PeerIds.of(replica(2))))
                .isFalse();
        return one;
    }

    /** It may have failed, if the leader has stepped down by now. */
    private static void assertUnfinished(CompletableFuture<Void> change) {
        assertThat(change.isDone() && !change.isCompletedExceptionally()).isFalse();
    }

    private static void restart(Store store) {
        store.reopen();
        store.start(GROUP, replica(store.id), TestStores.BEGIN);
    }

    private static void worksAgain(TestStores stores, long leader, long follower) {
        assertThat(stores.awaitLeader(GROUP).id).isEqualTo(leader);
        stores.proposeAnyhow(GROUP, "b");
        await().atMost(TestStores.PATIENCE)
                .until(() -> stores.store(follower).machine(GROUP).count("b") == 1);
        assertThat(stores.store(follower).machine(GROUP).count("a")).isEqualTo(1);
        await().atMost(TestStores.PATIENCE)
                .until(() -> NodeInternals.conf(node(stores.store(follower))).isStable());
    }

    @Test
    void d2_leaderThatStepsDownLeadsAgain() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = growsToTwo(stores);
            await().atMost(TestStores.PATIENCE).until(() -> !one.group(GROUP).isLeader());

            stores.network.heal();

            worksAgain(stores, 1, 2);
        }
    }

    @Test
    void d2_leaderThatCrashesLeadsAgain() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = growsToTwo(stores);
            one.kill();

            stores.network.heal();
            restart(one);

            worksAgain(stores, 1, 2);
        }
    }

    @Test
    void d2_leaderLeadsAgainWhenEverybodyCrashes() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = growsToTwo(stores);
            Store two = stores.store(2);
            one.kill();
            two.kill();

            stores.network.heal();
            restart(two);
            restart(one);

            worksAgain(stores, 1, 2);
        }
    }

    @Test
    void d2_aVoterThatHasNothingYetVotes() {
        try (TestStores stores = new TestStores(dir)) {
            Store one = stores.open(1);
            Store two = stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            TestStores.propose(stores.awaitLeader(GROUP).group(GROUP), "a");
            two.start(GROUP, replica(2), 0);
            two.machine(GROUP).refuseImages = true;
            // JRaft's own margin, which takes an empty replica for one that has caught up with a short log.
            node(one).getOptions().setCatchupMargin(1_000);
            node(one).changePeers(PeerIds.of(TestStores.members(1, 2)), status -> {});
            awaitJoint(one);
            one.kill();
            assertThat(NodeInternals.conf(node(two)).isEmpty()).isTrue();
            two.machine(GROUP).refuseImages = false;

            stores.network.heal();
            restart(one);

            worksAgain(stores, 1, 2);
        }
    }

    @Test
    void d2_anOldVoterThatWasDownDecides() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2));
            Store leader = stores.awaitLeader(GROUP);
            Store other = stores.store(3 - leader.id);
            Store joins = stores.store(3);
            stores.proposeAnyhow(GROUP, "a");
            await().until(() -> other.machine(GROUP).count("a") == 1);
            lengthen(leader.group(GROUP));
            joins.start(GROUP, replica(3), 0);
            TestStores.feed(leader.group(GROUP), replica(3));
            cutWhenCaughtUp(stores, joins, leader.id, other.id);
            CompletableFuture<Void> change = leader.group(GROUP).changeReplicas(TestStores.members(1, 2, 3));
            awaitJoint(leader);
            assertUnfinished(change);
            leader.kill();
            other.kill();
            stores.network.heal();

            // The old membership has no majority without the other one, and the new one may not do without the old.
            restart(leader);
            await("a question for votes")
                    .atMost(TestStores.PATIENCE)
                    .until(() -> leader.meters
                                    .get("kv.raft.transport.frames")
                                    .counter()
                                    .count()
                            > 0);
            assertThat(leader.group(GROUP).isLeader()).isFalse();
            restart(other);

            worksAgain(stores, leader.id, 3);
        }
    }

    @Test
    void d2_aVoterThatSleptThroughAChangeElectsAStranger() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 4; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            stores.proposeAnyhow(GROUP, "a");
            Store asleep = stores.store(leader.id % 3 + 1);
            Store leaves = stores.store(asleep.id % 3 + 1);
            await().until(() -> asleep.machine(GROUP).count("a") == 1);
            stores.network.isolate(asleep.id);
            stores.store(4).start(GROUP, replica(4), 0);

            TestStores.get(leader.group(GROUP).changeReplicas(TestStores.members(leader.id, asleep.id, 4)));
            TestStores.propose(leader.group(GROUP), "c");
            leaves.server.destroyGroup(GROUP);
            leaves.groups.clear();
            leader.kill();
            stores.network.heal();

            // Two of three are up: the one that doesn't know the other, and the only one whose log may win.
            worksAgain(stores, 4, asleep.id);
            assertThat(asleep.machine(GROUP).count("c")).isEqualTo(1);
        }
    }

    /**
     * A learner becomes a voter and a voter goes, in one change. JRaft takes no learner as a voter, so it is nothing at all for a
     * moment, and that is when the leader dies.
     */
    @Test
    void d2_aPromotionWithARemovalIsFinishedByTheNextLeader() {
        try (TestStores stores = new TestStores(dir)) {
            for (long id = 1; id <= 4; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            Store stays = stores.store(leader.id % 3 + 1);
            Store leaves = stores.store(stays.id % 3 + 1);
            Store learner = stores.store(4);
            learner.start(GROUP, replica(4), 0);
            stores.proposeAnyhow(GROUP, "a");
            Set<Replica> voters = TestStores.members(1, 2, 3).voters();
            TestStores.get(leader.group(GROUP).changeReplicas(new Replicas(voters, Set.of(replica(4)))));
            await().atMost(TestStores.PATIENCE)
                    .until(() -> learner.machine(GROUP).count("a") == 1);
            Replicas target = TestStores.members(leader.id, stays.id, 4);
            stores.network.cut(leader.id, 4);

            CompletableFuture<Void> change = leader.group(GROUP).changeReplicas(target);
            await("the learner let go")
                    .atMost(TestStores.PATIENCE)
                    .until(() -> leader.group(GROUP).replicas().equals(TestStores.members(1, 2, 3)));
            leader.kill();
            assertUnfinished(change);
            Store next = stores.awaitLeader(GROUP);
            stores.proposeAnyhow(GROUP, "b");
            assertThat(next.group(GROUP).replicas().contains(replica(leaves.id)))
                    .isTrue();
            TestStores.get(next.group(GROUP).changeReplicas(target));

            leaves.server.destroyGroup(GROUP);
            leaves.groups.clear();
            stores.proposeAnyhow(GROUP, "c");
            assertThat(stores.awaitLeader(GROUP).group(GROUP).replicas()).isEqualTo(target);
            await().atMost(TestStores.PATIENCE).untilAsserted(() -> {
                assertThat(learner.machine(GROUP).count("a")).isEqualTo(1);
                assertThat(learner.machine(GROUP).count("b")).isEqualTo(1);
                assertThat(learner.machine(GROUP).count("c")).isEqualTo(1);
            });
        }
    }
}
