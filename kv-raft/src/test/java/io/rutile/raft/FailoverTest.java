package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowRequest;
import com.google.protobuf.Message;
import io.rutile.raft.TestStores.Store;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FailoverTest {

    private static final long GROUP = 42;

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

    /** A proposal goes to the network on its proposer's thread, and a name server answers when it likes. */
    @Test
    void aProposerLooksNoAddressUpThoughAFollowerIsGone() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            TestStores.propose(leader.group(GROUP), "before");
            long gone = leader.id == 1 ? 2 : 1;
            stores.lookedUpBy.clear();
            stores.store(gone).kill();

            for (int i = 0; i < 50; i++) {
                TestStores.propose(leader.group(GROUP), "word" + i);
            }

            await("somebody looks for the follower")
                    .atMost(TestStores.PATIENCE)
                    .until(() -> !stores.lookedUpBy.isEmpty());
            assertThat(stores.lookedUpBy).doesNotContain(Thread.currentThread());
        }
    }

    @Test
    void killedLeaderIsReplacedAndNothingAcknowledgedIsLost() {
        try (TestStores stores = three()) {
            Store first = stores.awaitLeader(GROUP);
            Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
            RaftGroup<Long> group = first.group(GROUP);
            List<CompletableFuture<Void>> running = new java.util.ArrayList<>();
            for (int i = 0; i < 500; i++) {
                String word = "word" + i;
                running.add(group.propose(TestStores.bytes(word))
                        .thenAccept(count -> acknowledged.add(word))
                        .exceptionally(failure -> null));
            }

            first.kill();
            running.forEach(TestStores::get);
            Store second = stores.awaitLeader(GROUP);

            assertThat(second.id).isNotEqualTo(first.id);
            TestStores.propose(second.group(GROUP), "after");
            acknowledged.forEach(word ->
                    assertThat(second.machine(GROUP).count(word)).as(word).isEqualTo(1));

            stores.network.heal();
            first.reopen();
            first.start(GROUP, new Replica(first.id, 100 + first.id), TestStores.BEGIN);
            await().atMost(TestStores.PATIENCE)
                    .until(() -> first.machine(GROUP)
                            .copy()
                            .equals(second.machine(GROUP).copy()));
        }
    }

    @Test
    void everybodyKilledAtOnceComesBackWithEverythingAcknowledged() {
        try (TestStores stores = three()) {
            RaftGroup<Long> group = stores.awaitLeader(GROUP).group(GROUP);
            for (int i = 0; i < 50; i++) {
                TestStores.propose(group, "word" + i);
            }

            for (long id = 1; id <= 3; id++) {
                stores.network.isolate(id);
            }
            for (long id = 1; id <= 3; id++) {
                stores.store(id).stop();
            }
            stores.network.heal();
            for (long id = 1; id <= 3; id++) {
                stores.store(id).reopen();
                stores.store(id).start(GROUP, new Replica(id, 100 + id), TestStores.BEGIN);
            }

            stores.proposeAnyhow(GROUP, "after");
            CounterMachine machine = stores.awaitLeader(GROUP).machine(GROUP);
            for (int i = 0; i < 50; i++) {
                assertThat(machine.count("word" + i)).isEqualTo(1);
            }
        }
    }

    @Test
    void r7_isolatedLeaderLosesItsLeaseBeforeAnotherLeads() {
        try (TestStores stores = three()) {
            Store old = stores.awaitLeader(GROUP);
            RaftGroup<Long> group = old.group(GROUP);
            TestStores.propose(group, "a");
            await().until(group::holdsLease);
            AtomicBoolean overlapped = new AtomicBoolean();
            AtomicBoolean stop = new AtomicBoolean();
            Thread watch = new Thread(() -> {
                while (!stop.get()) {
                    boolean otherLeads = stores.leader(GROUP)
                            .filter(leader -> leader.id != old.id)
                            .isPresent();
                    // Asked afterwards: the other one led already.
                    if (otherLeads && group.holdsLease()) {
                        overlapped.set(true);
                    }
                    Thread.onSpinWait();
                }
            });
            watch.start();

            stores.network.isolate(old.id);
            Store next = stores.awaitLeader(GROUP);
            stop.set(true);
            join(watch);

            assertThat(next.id).isNotEqualTo(old.id);
            assertThat(overlapped).isFalse();
            assertThat(group.holdsLease()).isFalse();
            assertThatThrownBy(() -> TestStores.get(group.readIndex())).isInstanceOf(RaftException.class);
        }
    }

    @Test
    void whoeverIsCutOffFromTheQuorumIsCountedAsLeaderless() {
        try (TestStores stores = three()) {
            Store old = stores.awaitLeader(GROUP);
            await().atMost(TestStores.PATIENCE).until(() -> leaderless(stores, 1, 2, 3) == 0);

            stores.network.isolate(old.id);
            stores.awaitLeader(GROUP);

            await().atMost(TestStores.PATIENCE)
                    .until(() -> leaderless(stores, old.id) == 1 && leaderless(stores, 1, 2, 3) == 1);
            stores.network.heal();
            await().atMost(TestStores.PATIENCE).until(() -> leaderless(stores, 1, 2, 3) == 0);
        }
    }

    private static double leaderless(TestStores stores, long... ids) {
        return java.util.Arrays.stream(ids)
                .mapToDouble(id -> stores.store(id)
                        .meters
                        .get("kv.raft.leaderless")
                        .gauge()
                        .value())
                .sum();
    }

    @Test
    void proposalOfAnIsolatedLeaderIsUndetermined() {
        try (TestStores stores = three()) {
            Store old = stores.awaitLeader(GROUP);
            stores.network.isolate(old.id);

            CompletableFuture<Long> lost = old.group(GROUP).propose(TestStores.bytes("lost"));

            assertThatThrownBy(() -> TestStores.get(lost))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.UNDETERMINED));
            assertThatThrownBy(() -> TestStores.propose(old.group(GROUP), "refused"))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.NOT_LEADER));
        }
    }

    @Test
    void staleTermIsRefusedAndNothingWritten() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            RaftGroup<Long> group = leader.group(GROUP);

            assertThatThrownBy(() -> TestStores.get(group.propose(TestStores.bytes("x"), group.term() - 1)))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.STALE_TERM));
            TestStores.get(group.propose(TestStores.bytes("y"), group.term()));

            assertThat(leader.machine(GROUP).count("x")).isZero();
            assertThat(leader.machine(GROUP).count("y")).isEqualTo(1);
        }
    }

    @Test
    void followerRefusesProposals() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = stores.store(leader.id % 3 + 1);
            await().until(() -> new Replica(leader.id, 100 + leader.id)
                    .equals(follower.group(GROUP).leader()));

            assertThatThrownBy(() -> TestStores.propose(follower.group(GROUP), "x"))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(RaftException.Kind.NOT_LEADER));
            assertThat(follower.group(GROUP).holdsLease()).isFalse();
        }
    }

    @Test
    void leadershipMovesUnderLoadAndNothingIsLostOrDoubled() {
        try (TestStores stores = three()) {
            stores.awaitLeader(GROUP);
            Queue<String> acknowledged = new ConcurrentLinkedQueue<>();
            AtomicBoolean stop = new AtomicBoolean();
            Thread load = new Thread(() -> {
                for (int i = 0; !stop.get(); i++) {
                    String word = "word" + i;
                    stores.leader(GROUP).ifPresent(store -> {
                        try {
                            TestStores.propose(store.group(GROUP), word);
                            acknowledged.add(word);
                        } catch (RaftException e) {
                            assertThat(e.kind()).isNotEqualTo(RaftException.Kind.INVALID);
                        }
                    });
                }
            });
            load.start();

            for (int round = 0; round < 4; round++) {
                Store from = stores.awaitLeader(GROUP);
                long to = from.id % 3 + 1;
                TestStores.get(from.group(GROUP).transferLeader(new Replica(to, 100 + to)));
                assertThat(from.group(GROUP).holdsLease()).isFalse();
                await().atMost(TestStores.PATIENCE)
                        .until(() -> stores.leader(GROUP)
                                .map(store -> store.id)
                                .filter(id -> id == to)
                                .isPresent());
            }
            stop.set(true);
            join(load);

            assertThat(acknowledged).isNotEmpty();
            CounterMachine machine = stores.awaitLeader(GROUP).machine(GROUP);
            acknowledged.forEach(
                    word -> assertThat(machine.count(word)).as(word).isEqualTo(1));
        }
    }

    /** A replica that is taken down in the middle of a message is no bug, and who asked it is told at once. */
    @Test
    void aReplicaThatIsBeingStoppedAnswersThatItIsGone() {
        try (TestStores stores = three();
                LoggedLines failures = LoggedLines.of(SerialExecutor.class)) {
            Store leader = stores.awaitLeader(GROUP);
            Store stopping = stores.store(leader.id % 3 + 1);
            JRaftAdapter<?> asks = (JRaftAdapter<?>) leader.group(GROUP);
            JRaftAdapter<?> asked = (JRaftAdapter<?>) stopping.group(GROUP);
            PeerId from = PeerIds.of(asks.self());
            PeerId to = PeerIds.of(asked.self());
            asked.stop();

            for (Message request : new Message[] {
                TimeoutNowRequest.newBuilder()
                        .setGroupId("g42")
                        .setServerId(from.toString())
                        .setPeerId(to.toString())
                        .setTerm(asks.term())
                        .build(),
                AppendEntriesRequest.newBuilder()
                        .setGroupId("g42")
                        .setServerId(from.toString())
                        .setPeerId(to.toString())
                        .setTerm(asks.term())
                        .setPrevLogIndex(0)
                        .setPrevLogTerm(0)
                        .setCommittedIndex(0)
                        .build()
            }) {
                CompletableFuture<Message> answer = new CompletableFuture<>();
                asks.send(to.getEndpoint(), request, 5_000, (response, failure) -> answer.complete(response));
                assertThat(TestStores.get(answer)).isInstanceOf(ErrorResponse.class);
            }

            assertThat(failures.lines()).isEmpty();
        }
    }

    /** Learners that were restarted become voters and find out that their leader is gone, like everybody else. */
    @Test
    void whoWasALearnerStandsForElectionOnceItIsAVoter() {
        try (TestStores stores = new TestStores(dir, options -> options.withElectionTimeout(Duration.ofMillis(400)));
                LoggedLines node = LoggedLines.of(NodeImpl.class)) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1));
            Store one = stores.awaitLeader(GROUP);
            Replica first = new Replica(1, 101);
            Replica second = new Replica(2, 102);
            Replica third = new Replica(3, 103);
            stores.store(2).start(GROUP, second, 0);
            stores.store(3).start(GROUP, third, 0);
            TestStores.get(one.group(GROUP).changeReplicas(new Replicas(Set.of(first), Set.of(second, third))));
            TestStores.propose(one.group(GROUP), "a");
            for (long id = 2; id <= 3; id++) {
                Store learner = stores.store(id);
                await().atMost(TestStores.PATIENCE)
                        .until(() -> learner.group(GROUP).replicas().learners().size() == 2);
                learner.stop();
                learner.reopen();
                learner.start(GROUP, new Replica(id, 100 + id), 0);
                await().atMost(TestStores.PATIENCE)
                        .until(() -> first.equals(learner.group(GROUP).leader()));
            }
            // Nobody leads for a while: who has no vote doesn't say several times a second that it may not stand.
            one.stop();
            await().atMost(TestStores.PATIENCE)
                    .until(() -> stores.store(2).group(GROUP).leader() == null
                            && stores.store(3).group(GROUP).leader() == null);
            assertThat(node.lines()
                            .filter(line -> line.contains("can't do preVote"))
                            .count())
                    .isLessThanOrEqualTo(4);
            one.reopen();
            one.start(GROUP, first, TestStores.BEGIN);
            stores.awaitLeader(GROUP);

            TestStores.get(one.group(GROUP).changeReplicas(Replicas.ofVoters(first, second, third)));
            one.kill();

            Store next = stores.awaitLeader(GROUP);
            assertThat(next.id).isNotEqualTo(1);
            assertThat(TestStores.propose(next.group(GROUP), "a")).isEqualTo(2);
        }
    }

    /** As when a pre-vote that began while the leader was silent is won after it was heard again. */
    @Test
    void r7_whoHasJustAnsweredALeaderAsksForNoVote() {
        try (TestStores stores = three()) {
            Store leader = stores.awaitLeader(GROUP);
            TestStores.propose(leader.group(GROUP), "a");
            Store follower = stores.store(leader.id % 3 + 1);
            Store other = stores.store(follower.id % 3 + 1);
            await().until(() -> follower.machine(GROUP).count("a") == 1
                    && other.machine(GROUP).count("a") == 1);
            long term = leader.group(GROUP).term();
            double before = withheld(follower);
            JRaftAdapter<?> candidate = (JRaftAdapter<?>) follower.group(GROUP);

            for (boolean preVote : new boolean[] {true, false}) {
                CompletableFuture<Message> answer = new CompletableFuture<>();
                RequestVoteRequest asks = RequestVoteRequest.newBuilder()
                        .setGroupId("g42")
                        .setServerId(PeerIds.of(follower.group(GROUP).self()).toString())
                        .setPeerId(PeerIds.of(other.group(GROUP).self()).toString())
                        .setTerm(term + 1)
                        .setLastLogTerm(term)
                        .setLastLogIndex(1_000_000)
                        .setPreVote(preVote)
                        .build();
                candidate.send(
                        PeerIds.of(other.group(GROUP).self()).getEndpoint(), asks, 1_000, (response, failure) -> {
                            if (failure == null) {
                                answer.complete(response);
                            } else {
                                answer.completeExceptionally(failure);
                            }
                        });
                assertThatThrownBy(answer::join).hasMessageContaining("a leader was heard");
            }

            assertThat(withheld(follower)).isGreaterThanOrEqualTo(before + 2);
            assertThat(other.group(GROUP).term()).isEqualTo(term);
        }
    }

    @Test
    void readIndexIsProvenByAMajority() {
        try (TestStores stores = new TestStores(dir, options -> options.withForceReadIndex(true))) {
            for (long id = 1; id <= 3; id++) {
                stores.open(id);
            }
            stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
            Store leader = stores.awaitLeader(GROUP);
            TestStores.propose(leader.group(GROUP), "a");

            assertThat(leader.group(GROUP).holdsLease()).isFalse();
            List<CompletableFuture<Void>> reads = java.util.stream.IntStream.range(0, 200)
                    .mapToObj(i -> leader.group(GROUP).readIndex())
                    .toList();
            reads.forEach(TestStores::get);

            assertThat(leader.group(GROUP).appliedIndex()).isGreaterThan(TestStores.BEGIN);
        }
    }

    private static double withheld(Store store) {
        return store.meters.get("kv.raft.votes.withheld").counter().count();
    }

    private static void join(Thread thread) {
        try {
            thread.join(Duration.ofSeconds(30).toMillis());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        assertThat(thread.isAlive()).isFalse();
    }
}
