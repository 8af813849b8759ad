package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexRequest;
import io.rutile.raft.RaftException.Kind;
import io.rutile.raft.TestStores.Store;
import io.rutile.raft.wire.ReadIndexAnswer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads at replicas that don't lead (R7). */
class FollowerReadTest {

    private static final long GROUP = 42;
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path dir;

    private TestStores three(boolean forceReadIndex) {
        TestStores stores = new TestStores(dir, options -> options.withForceReadIndex(forceReadIndex));
        for (long id = 1; id <= 3; id++) {
            stores.open(id);
        }
        stores.startEverywhere(GROUP, TestStores.members(1, 2, 3));
        return stores;
    }

    private static Store next(TestStores stores, Store store) {
        return stores.store(store.id % 3 + 1);
    }

    private static void awaitFollows(Store follower, Store leader) {
        await().atMost(TestStores.PATIENCE)
                .until(() ->
                        leader.group(GROUP).self().equals(follower.group(GROUP).leader()));
    }

    private static Optional<byte[]> read(Store store) {
        return TestStores.get(store.group(GROUP).followerReadIndex(new byte[0], LONG));
    }

    private static void assertBusy(ThrowingCallable read) {
        assertThatThrownBy(read)
                .isInstanceOfSatisfying(
                        RaftException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BUSY));
    }

    @Test
    void r7_aFollowerShowsEveryWriteThatWasAcknowledgedBefore() {
        try (TestStores stores = three(false)) {
            Store leader = stores.awaitLeader(GROUP);

            assertEveryWriteShows(stores, leader);

            assertThat(rounds(leader)).as("the lease is enough").isLessThan(50);
        }
    }

    private static void assertEveryWriteShows(TestStores stores, Store leader) {
        Store one = next(stores, leader);
        Store other = next(stores, one);
        awaitFollows(one, leader);
        awaitFollows(other, leader);
        for (int i = 0; i < 50; i++) {
            TestStores.propose(leader.group(GROUP), "word" + i);
            Store asked = i % 2 == 0 ? one : other;

            assertThat(read(asked)).isEmpty();

            assertThat(asked.machine(GROUP).count("word" + i)).isEqualTo(1);
        }
    }

    @Test
    void r7_aFollowerThatLagsIsNotReadUntilItHasCaughtUp() {
        CountDownLatch slow = new CountDownLatch(1);
        // The latch opens first, whatever fails: a blocked apply thread can't be stopped.
        try (TestStores stores = three(false);
                AutoCloseableLatch open = slow::countDown) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            awaitFollows(follower, leader);
            follower.machine(GROUP).beforeApply = () -> awaitLatch(slow);
            TestStores.propose(leader.group(GROUP), "a");

            CompletableFuture<Optional<byte[]>> tooLong =
                    follower.group(GROUP).followerReadIndex(new byte[0], Duration.ofMillis(200));
            CompletableFuture<Optional<byte[]>> patient = follower.group(GROUP).followerReadIndex(new byte[0], LONG);
            assertBusy(() -> TestStores.get(tooLong));
            assertThat(patient).isNotDone();
            slow.countDown();

            assertThat(TestStores.get(patient)).isEmpty();
            assertThat(follower.machine(GROUP).count("a")).isEqualTo(1);
        }
    }

    @Test
    void r7_withoutALeaseAMajorityIsAskedAndManyReadsShareARound() {
        try (TestStores stores = three(true)) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            assertEveryWriteShows(stores, leader);
            assertThat(rounds(leader)).isGreaterThanOrEqualTo(50);
            double before = rounds(leader);

            List<CompletableFuture<Optional<byte[]>>> reads = IntStream.range(0, 500)
                    .mapToObj(i -> follower.group(GROUP).followerReadIndex(new byte[0], LONG))
                    .toList();
            reads.forEach(TestStores::get);

            assertThat(rounds(leader) - before).isBetween(1.0, 250.0);
        }
    }

    private static double rounds(Store store) {
        return store.meters.get("kv.raft.readindex.rounds").counter().count();
    }

    @Test
    void r7_aFollowerThatIsCutOffRefusesInTime() {
        try (TestStores stores = three(false)) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            awaitFollows(follower, leader);
            // Its question gets through, what it has to apply does not.
            stores.network.cut(leader.id, follower.id);
            TestStores.propose(leader.group(GROUP), "a");
            assertBusy(
                    () -> TestStores.get(follower.group(GROUP).followerReadIndex(new byte[0], Duration.ofMillis(300))));
            stores.network.isolate(follower.id);
            long begin = System.nanoTime();

            assertBusy(() -> read(follower));

            // Two election timeouts, and room for a busy machine.
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(6));
            assertThat(follower.meters
                            .get("kv.raft.follower.reads.refused")
                            .counter()
                            .count())
                    .isPositive();
            stores.network.heal();
            await().atMost(TestStores.PATIENCE)
                    .ignoreExceptionsInstanceOf(RaftException.class)
                    .untilAsserted(() -> {
                        Store now = stores.awaitLeader(GROUP);
                        assertThat(read(next(stores, now))).isEmpty();
                    });
        }
    }

    @Test
    void r7_aLeaderThatWasDeposedGivesNoIndex() {
        try (TestStores stores = three(false)) {
            Store old = stores.awaitLeader(GROUP);
            TestStores.propose(old.group(GROUP), "a");
            stores.network.isolate(old.id);
            Store now = stores.awaitLeader(GROUP);
            TestStores.propose(now.group(GROUP), "b");

            ReadIndexAnswer answer = TestStores.get(ask(old, next(stores, now)));

            assertThat(answer.getAnswerCase()).isEqualTo(ReadIndexAnswer.AnswerCase.NOT_NOW);
        }
    }

    /** What the old leader would be asked by a follower that has not heard of the new one. */
    private static CompletableFuture<ReadIndexAnswer> ask(Store leader, Store from) {
        CompletableFuture<ReadIndexAnswer> answer = new CompletableFuture<>();
        ((JRaftAdapter<?>) leader.group(GROUP))
                .answerReadIndex(
                        ReadIndexRequest.newBuilder()
                                .setGroupId("g" + GROUP)
                                .setServerId(
                                        PeerIds.of(from.group(GROUP).self()).toString())
                                .setPeerId(
                                        PeerIds.of(leader.group(GROUP).self()).toString())
                                .build(),
                        answer::complete);
        return answer;
    }

    /** A split may be applied, and its pieces written to, elsewhere before this leader has applied it. */
    @Test
    void r7_theIndexIsWhatIsCommittedNotWhatTheLeaderHasApplied() {
        CountDownLatch slow = new CountDownLatch(1);
        // The latch opens first, whatever fails: a blocked apply thread can't be stopped.
        try (TestStores stores = three(false);
                AutoCloseableLatch open = slow::countDown) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            awaitFollows(follower, leader);
            leader.machine(GROUP).beforeApply = () -> awaitLatch(slow);
            CompletableFuture<Long> proposed = leader.group(GROUP).propose(TestStores.bytes("split"));
            await().atMost(TestStores.PATIENCE)
                    .until(() -> follower.machine(GROUP).count("split") == 1);
            await().atMost(TestStores.PATIENCE).until(leader.group(GROUP)::holdsLease);
            assertThat(leader.machine(GROUP).count("split")).isZero();

            ReadIndexAnswer answer = TestStores.get(ask(leader, follower));

            assertThat(answer.getIndex()).isEqualTo(follower.group(GROUP).appliedIndex());
            slow.countDown();
            TestStores.get(proposed);
        }
    }

    /** Closes without an exception to declare. */
    @FunctionalInterface
    private interface AutoCloseableLatch extends AutoCloseable {
        @Override
        void close();
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void r7_aLeaderThatHandsOverGivesNoIndexAndAsksAMajorityAfterwards() {
        try (TestStores stores = three(false)) {
            Store leader = stores.awaitLeader(GROUP);
            Store heir = next(stores, leader);
            Store reader = next(stores, heir);
            awaitFollows(reader, leader);
            stores.network.isolate(heir.id);
            CompletableFuture<Void> transfer =
                    leader.group(GROUP).transferLeader(heir.group(GROUP).self());
            assertThat(leader.group(GROUP).isLeader()).isFalse();

            assertBusy(() -> read(reader));

            assertThatThrownBy(() -> TestStores.get(transfer)).isInstanceOf(RaftException.class);
            await().atMost(TestStores.PATIENCE).until(leader.group(GROUP)::isLeader);
            double before = rounds(leader);
            TestStores.propose(leader.group(GROUP), "a");
            assertThat(read(reader)).isEmpty();
            assertThat(reader.machine(GROUP).count("a")).isEqualTo(1);
            assertThat(rounds(leader)).isGreaterThan(before);
        }
    }

    @Test
    void p4_theLeaderIsAskedFirstAndTheIndexLookedUpAfterwards() {
        try (TestStores stores = three(false)) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            awaitFollows(follower, leader);
            leader.machine(GROUP).onQuestion = question -> {
                // As if a lock had gone from memory, for its write is applied, while the question is looked at.
                TestStores.propose(leader.group(GROUP), new String(question, java.nio.charset.StandardCharsets.UTF_8));
                return null;
            };

            Optional<byte[]> refusal =
                    TestStores.get(follower.group(GROUP).followerReadIndex(TestStores.bytes("asked"), LONG));

            assertThat(refusal).isEmpty();
            assertThat(follower.machine(GROUP).count("asked")).isEqualTo(1);
        }
    }

    @Test
    void whatTheLeadersStateMachineSaysAgainstItReachesTheReader() {
        try (TestStores stores = three(false)) {
            Store leader = stores.awaitLeader(GROUP);
            Store follower = next(stores, leader);
            awaitFollows(follower, leader);
            leader.machine(GROUP).onQuestion = question -> question;

            Optional<byte[]> refusal =
                    TestStores.get(follower.group(GROUP).followerReadIndex(TestStores.bytes("no"), LONG));

            assertThat(refusal).hasValueSatisfying(no -> assertThat(no).isEqualTo(TestStores.bytes("no")));
            leader.machine(GROUP).onQuestion = question -> {
                throw new IllegalStateException("by test");
            };
            assertBusy(() -> read(follower));
            assertThatThrownBy(() -> TestStores.get(
                            follower.group(GROUP).followerReadIndex(new byte[RaftGroup.QUESTION_BYTES_MAX + 1], LONG)))
                    .isInstanceOfSatisfying(
                            RaftException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INVALID));
        }
    }

    @Test
    void aLearnerIsReadAsAFollowerIsAlsoRightAfterItsImage() {
        try (TestStores stores = new TestStores(dir)) {
            stores.open(1);
            stores.open(2);
            stores.startEverywhere(GROUP, TestStores.members(1));
            Store leader = stores.awaitLeader(GROUP);
            TestStores.propose(leader.group(GROUP), "a");
            Replica learner = new Replica(2, 102);
            stores.store(2).start(GROUP, learner, 0);

            TestStores.get(leader.group(GROUP)
                    .changeReplicas(new Replicas(Set.of(leader.group(GROUP).self()), Set.of(learner))));
            awaitFollows(stores.store(2), leader);

            await().atMost(TestStores.PATIENCE)
                    .ignoreExceptionsInstanceOf(RaftException.class)
                    .until(() -> read(stores.store(2)).isEmpty());
            assertThat(stores.store(2).machine(GROUP).count("a")).isEqualTo(1);
            assertBusy(() -> read(leader));
        }
    }
}
