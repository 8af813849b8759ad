package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import io.rutile.raft.NodeInternals.Heard;
import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Groups in which nobody writes, whose stores speak for them. */
class IdleGroupsTest {

    private static final int GROUPS = 30;

    @TempDir
    Path dir;

    private static double held(TestStores stores) {
        return LongStream.of(1, 2, 3)
                .mapToDouble(id -> stores.store(id)
                        .meters
                        .get("kv.raft.heartbeats.held")
                        .gauge()
                        .value())
                .sum();
    }

    private static double sum(TestStores stores, String counter) {
        return LongStream.of(1, 2, 3)
                .mapToDouble(
                        id -> stores.store(id).meters.get(counter).counter().count())
                .sum();
    }

    private static double calls(TestStores stores) {
        return LongStream.of(1, 2, 3)
                .mapToDouble(id -> stores.store(id)
                        .meters
                        .get("kv.raft.transport.frame.calls")
                        .summary()
                        .totalAmount())
                .sum();
    }

    private static void idle(TestStores stores) {
        for (long id = 1; id <= 3; id++) {
            stores.open(id);
        }
        for (long group = 1; group <= GROUPS; group++) {
            stores.startEverywhere(group, TestStores.members(1, 2, 3));
        }
        for (long group = 1; group <= GROUPS; group++) {
            stores.proposeAnyhow(group, "first");
        }
        await("all heartbeats held").atMost(TestStores.PATIENCE).until(() -> held(stores) == 2 * GROUPS);
    }

    @Test
    void r7_storesSpeakForTheirGroupsAndNobodyLosesALease() {
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            double begun = sum(stores, "kv.raft.leader.starts");
            double callsBefore = calls(stores);
            double coalescedBefore = sum(stores, "kv.raft.heartbeats.coalesced");
            // Three election timeouts: who is not heard would have been replaced.
            double until = coalescedBefore + 2 * GROUPS * 3 * CoalescedHeartbeats.BEATS_PER_TIMEOUT;
            await("three election timeouts")
                    .atMost(TestStores.PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> {
                        for (long group = 1; group <= GROUPS; group++) {
                            Optional<Store> leader = stores.leader(group);
                            assertThat(leader).as("leader of group %d", group).isPresent();
                            assertThat(leader.orElseThrow().group(group).holdsLease())
                                    .as("lease of group %d", group)
                                    .isTrue();
                            assertThat(promised(stores, leader.orElseThrow(), group))
                                    .as("promises to the leader of group %d", group)
                                    .isEqualTo(2);
                        }
                        return sum(stores, "kv.raft.heartbeats.coalesced") >= until;
                    });
            assertThat(sum(stores, "kv.raft.leader.starts")).isEqualTo(begun);
            // Question and answer for each; nearly all of the groups' have gone in those of stores.
            assertThat(calls(stores) - callsBefore).isLessThan((until - coalescedBefore) / 2);
        }
    }

    /** Followers that grant no vote at this moment. */
    private static long promised(TestStores stores, Store leader, long group) {
        return LongStream.of(1, 2, 3)
                .filter(id -> id != leader.id)
                .filter(id -> !((JRaftAdapter<?>) stores.store(id).group(group))
                        .gate()
                        .mayGrant(false))
                .count();
    }

    @Test
    void aFollowerOfAnIdleGroupHearsOfWhatIsCommitted() {
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            stores.proposeAnyhow(7, "news");
            for (long id = 1; id <= 3; id++) {
                CounterMachine machine = stores.store(id).machine(7);
                await().atMost(Duration.ofSeconds(2)).until(() -> machine.count("news") == 1);
            }
        }
    }

    /** Nobody leads beside a leader that still trusts its lease, though it has heard from the others through its store alone. */
    @Test
    void r7_anIdleStoreThatIsCutOffLosesItsLeasesBeforeOthersLead() {
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            Store cut = stores.awaitLeader(1);
            List<Long> led = LongStream.rangeClosed(1, GROUPS)
                    .filter(group -> cut.group(group).isLeader())
                    .boxed()
                    .toList();
            stores.network.isolate(cut.id);
            await("others lead")
                    .atMost(TestStores.PATIENCE)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> led.stream()
                            .map(group -> {
                                boolean otherLeads = stores.leader(group)
                                        .filter(other -> other != cut)
                                        .isPresent();
                                // In this order: the lease is looked at after the other was seen to lead.
                                assertThat(otherLeads && cut.group(group).holdsLease())
                                        .as("two leaders of group %d", group)
                                        .isFalse();
                                return otherLeads;
                            })
                            .reduce(true, Boolean::logicalAnd));
            for (long group : led) {
                await().atMost(TestStores.PATIENCE)
                        .until(() -> !cut.group(group).isLeader());
            }
            stores.network.heal();
            for (long group : led) {
                stores.proposeAnyhow(group, "after");
            }
            await("all heartbeats held again").atMost(TestStores.PATIENCE).until(() -> held(stores) == 2 * GROUPS);
        }
    }

    /** Stores that have more to do than they can keep their leaders: what a heartbeat needs is not what everything else waits for. */
    @Test
    void heartbeatsPassPoolsInWhichNoThreadIsFree() throws InterruptedException {
        assumeTrue(Pools.RPC_THREADS < GROUPS, "a machine of many processors needs more groups to be busy");
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            Store leader = stores.awaitLeader(GROUPS);
            // The first of them have a message in hand besides, and others behind it.
            List<Long> led = LongStream.rangeClosed(1, GROUPS)
                    .filter(group -> leader.group(group).isLeader())
                    .boxed()
                    .toList();
            CountDownLatch begun = new CountDownLatch(2 * Pools.RPC_THREADS);
            CountDownLatch end = new CountDownLatch(1);
            try {
                for (long id = 1; id <= 3; id++) {
                    for (long group = 1; id != leader.id && group <= Pools.RPC_THREADS; group++) {
                        ((JRaftAdapter<?>) stores.store(id).group(group))
                                .inbound()
                                .execute(() -> occupy(begun, end));
                    }
                }
                begun.await();
                double until = coalesced(leader) + led.size() * 2 * 2 * CoalescedHeartbeats.BEATS_PER_TIMEOUT;
                await("two election timeouts")
                        .atMost(TestStores.PATIENCE)
                        .pollInterval(Duration.ofMillis(10))
                        .until(() -> {
                            led.forEach(group -> assertThat(leader.group(group).holdsLease())
                                    .as("lease of group %d", group)
                                    .isTrue());
                            return coalesced(leader) >= until;
                        });
            } finally {
                end.countDown();
            }
        }
    }

    private static double coalesced(Store store) {
        return store.meters.get("kv.raft.heartbeats.coalesced").counter().count();
    }

    private static void occupy(CountDownLatch begun, CountDownLatch end) {
        begun.countDown();
        try {
            end.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void r7_aFollowerHearsItsLeaderAloneAndPromises() throws InterruptedException {
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            Store leader = stores.awaitLeader(1);
            Store other = stores.store(leader.id % 3 + 1);
            JRaftAdapter<?> follower = (JRaftAdapter<?>) other.group(1);
            JRaftAdapter<?> leading = (JRaftAdapter<?>) leader.group(1);
            long term = leading.term();
            long peer = leading.self().peerId();
            assertThat(leading.hear(other.id, follower.self().peerId(), term))
                    .as("a leader hears nobody")
                    .isEqualTo(Heard.NO);

            await("it follows")
                    .atMost(TestStores.PATIENCE)
                    .until(() -> follower.hear(leader.id, peer, term) == Heard.YES);
            assertThat(strangers(follower, leader.id, peer, term)).containsOnly(Heard.NO);

            // From here on only what this test says is heard.
            stores.network.isolate(other.id);
            await("it may vote again")
                    .atMost(TestStores.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> follower.gate().mayGrant(false));
            assertThat(strangers(follower, leader.id, peer, term)).containsOnly(Heard.NO);
            assertThat(follower.gate().mayGrant(false))
                    .as("no promise to a stranger")
                    .isTrue();

            stores.network.heal();
            await("it is heard, and the promise holds")
                    .atMost(TestStores.PATIENCE)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> {
                        Heard heard = follower.hear(leader.id, peer, leading.term());
                        // At once: for as long as it hears, it grants nothing.
                        return heard == Heard.YES && !follower.gate().mayGrant(false);
                    });

            assertThat(follower.gate().mayDecide(true)).isTrue();
            assertThat(follower.hear(leader.id, peer, leading.term()))
                    .as("a vote is in the making")
                    .isEqualTo(Heard.BUSY);
            follower.gate().voteDecided();
        }
    }

    /** The vote has passed the gate and waits for the node, which looks at no promise any more. */
    @Test
    void r7_noLeaderIsHeardWhileAVoteIsOnItsWayToTheNode() {
        try (TestStores stores = new TestStores(dir)) {
            idle(stores);
            Store leader = stores.awaitLeader(1);
            JRaftAdapter<?> follower =
                    (JRaftAdapter<?>) stores.store(leader.id % 3 + 1).group(1);
            JRaftAdapter<?> leading = (JRaftAdapter<?>) leader.group(1);
            long term = leading.term();
            LogId last = NodeInternals.lastLogId(leading.node());
            PeerId from = PeerIds.of(leading.self());
            PeerId to = PeerIds.of(follower.self());
            AtomicBoolean tried = new AtomicBoolean();
            await("the follower's node is ours")
                    .atMost(TestStores.PATIENCE)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> {
                        NodeInternals.hearLeader(follower.node(), from, term, () -> {
                            // A vote that the leader asks for itself passes every gate.
                            leading.handoverFrom(term);
                            leading.send(
                                    to.getEndpoint(),
                                    RequestVoteRequest.newBuilder()
                                            .setGroupId("1")
                                            .setServerId(from.toString())
                                            .setPeerId(to.toString())
                                            .setTerm(term + 1)
                                            .setLastLogIndex(last.getIndex())
                                            .setLastLogTerm(last.getTerm())
                                            .setPreVote(false)
                                            .build(),
                                    1_000,
                                    (response, failure) -> {});
                            await("the vote waits for the node")
                                    .atMost(TestStores.PATIENCE)
                                    .until(IdleGroupsTest::aVoteWaits);
                            assertThat(follower.hear(leader.id, leading.self().peerId(), term))
                                    .isEqualTo(Heard.BUSY);
                            tried.set(true);
                            return false;
                        });
                        return tried.get();
                    });
        }
    }

    private static boolean aVoteWaits() {
        return Thread.getAllStackTraces().entrySet().stream()
                .anyMatch(thread -> thread.getKey().getState() == Thread.State.WAITING
                        && Arrays.stream(thread.getValue())
                                .anyMatch(frame -> frame.getMethodName().equals("handleRequestVoteRequest")));
    }

    /** What becomes of heartbeats of another term, of another incarnation, of another store. */
    private static List<Heard> strangers(JRaftAdapter<?> follower, long store, long peer, long term) {
        return List.of(
                idleHear(follower, store, peer, term - 1),
                idleHear(follower, store, peer, term + 1),
                idleHear(follower, store, peer + 1, term),
                idleHear(follower, 6 - store - follower.self().storeId(), peer, term));
    }

    private static Heard idleHear(JRaftAdapter<?> follower, long store, long peer, long term) {
        return await().atMost(TestStores.PATIENCE)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> follower.hear(store, peer, term), heard -> heard != Heard.BUSY);
    }
}
