package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.entity.PeerId;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.rutile.raft.transport.HeartbeatAnswer;
import io.rutile.raft.wire.CoalescedHeartbeat;
import io.rutile.raft.wire.CoalescedHeartbeatAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The leaders' side with a clock in hand. Time-out 1000: a beat is due every 100, three may be missed. */
class CoalescedHeartbeatsTest {

    private static final long TERM = 7;
    private static final Replica SELF = new Replica(1, 11);

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 300);
    private final List<Sent> calls = new ArrayList<>();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final CoalescedHeartbeats heartbeats = new CoalescedHeartbeats(
            (store, heartbeat, timeoutMs, answer) -> calls.add(new Sent(store, heartbeat, answer)),
            Runnable::run,
            now::get,
            1_000,
            meters);

    private record Sent(long toStore, CoalescedHeartbeat request, HeartbeatAnswer answer) {}

    /** A leader of one group, and what became of its heartbeats. */
    private static final class Leader implements CoalescedHeartbeats.Leader {

        long term = TERM;
        long committed = 40;

        @Nullable Long tookEntriesNanos;

        final List<Long> heardAt = new ArrayList<>();
        int sent;

        @Override
        public boolean leadsIn(long asked) {
            return asked == term;
        }

        @Override
        public long committed() {
            return committed;
        }

        @Override
        public long tookEntriesNanos(PeerId follower, long otherwise) {
            return tookEntriesNanos == null ? otherwise : tookEntriesNanos;
        }

        @Override
        public void heard(PeerId follower, long inTerm, long sentNanos, long sentMs) {
            assertThat(inTerm).isEqualTo(TERM);
            heardAt.add(sentNanos);
        }
    }

    private static CoalescedHeartbeats.Follower follower(Leader leader, long group, Replica to) {
        return new CoalescedHeartbeats.Follower(group, leader, SELF, to, PeerIds.of(to), TERM);
    }

    private boolean hold(Leader leader, long group, Replica to) {
        heartbeats.speakTo(follower(leader, group, to));
        return heartbeats.hold(follower(leader, group, to), 40, () -> leader.sent++);
    }

    private void pass(long nanos) {
        now.addAndGet(nanos);
        heartbeats.beat();
    }

    private Sent last() {
        return calls.get(calls.size() - 1);
    }

    private static CoalescedHeartbeatAnswer everybody() {
        return CoalescedHeartbeatAnswer.getDefaultInstance();
    }

    private void answer(CoalescedHeartbeatAnswer answer) {
        last().answer().take(answer);
    }

    @Test
    void groupsOfAStoreTravelTogether() {
        Leader one = new Leader();
        Leader other = new Leader();
        assertThat(hold(one, 1, new Replica(2, 21))).isTrue();
        assertThat(hold(other, 5, new Replica(2, 25))).isTrue();
        assertThat(hold(one, 1, new Replica(3, 31))).isTrue();
        pass(100);

        assertThat(calls).extracting(Sent::toStore).containsExactlyInAnyOrder(2L, 3L);
        CoalescedHeartbeat message = calls.stream()
                .filter(call -> call.toStore() == 2)
                .map(Sent::request)
                .findFirst()
                .orElseThrow();
        assertThat(message.getGroupsList()).containsExactly(1L, 5L);
        assertThat(message.getFromPeersList()).containsExactly(11L, 11L);
        assertThat(message.getToPeersList()).containsExactly(21L, 25L);
        assertThat(message.getTermsList()).containsExactly(TERM, TERM);
        assertThat(meters.get("kv.raft.heartbeats.held").gauge().value()).isEqualTo(3);
        assertThat(meters.get("kv.raft.heartbeats.coalesced").counter().count()).isEqualTo(3);
    }

    @Test
    void newsThatEntriesBringNeedsNoHeartbeatUntilNoneFollow() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        CoalescedHeartbeats.Follower follower = follower(leader, 1, new Replica(2, 21));
        assertThat(heartbeats.tookEntriesJustNow(follower)).isFalse();
        for (int beat = 0; beat < 5; beat++) {
            leader.committed++;
            leader.tookEntriesNanos = now.get() + 50;
            pass(100);
            answer(everybody());
            assertThat(heartbeats.tookEntriesJustNow(follower)).isTrue();
        }
        assertThat(leader.sent).isZero();

        pass(100);

        assertThat(heartbeats.tookEntriesJustNow(follower)).isFalse();
        assertThat(leader.sent).as("the last of them have to be told").isEqualTo(1);
    }

    @Test
    void r7_anAnswerCountsFromTheSending() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        pass(100);
        long sent = now.get();
        now.addAndGet(80);
        answer(everybody());
        assertThat(leader.heardAt).containsExactly(sent);
        assertThat(leader.sent).isZero();
    }

    @Test
    void r7_whoIsNotHeardIsNotCounted() {
        Leader busy = new Leader();
        Leader refused = new Leader();
        Leader heard = new Leader();
        hold(busy, 1, new Replica(2, 21));
        hold(refused, 2, new Replica(2, 22));
        hold(heard, 3, new Replica(2, 23));
        pass(100);
        answer(CoalescedHeartbeatAnswer.newBuilder().addBusy(0).addRefused(1).build());

        assertThat(busy.heardAt).isEmpty();
        assertThat(busy.sent).as("asked again").isZero();
        assertThat(refused.heardAt).isEmpty();
        assertThat(refused.sent).as("its follower has to be told by the node").isEqualTo(1);
        assertThat(heard.heardAt).hasSize(1);
        pass(100);
        assertThat(last().request().getGroupsList()).containsExactly(1L, 2L, 3L);
        assertThat(meters.get("kv.raft.heartbeats.refused").counter().count()).isEqualTo(2);
    }

    @Test
    void aStoreThatDoesNotAnswerGetsTheHeartbeatsOfTheNodes() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        for (int i = 0; i < 3; i++) {
            pass(100);
            assertThat(leader.sent).isZero();
        }
        pass(100);
        assertThat(leader.sent).isEqualTo(1);
        assertThat(leader.heardAt).isEmpty();
        pass(100);
        assertThat(leader.sent).isEqualTo(1);
        assertThat(hold(leader, 1, new Replica(2, 21))).as("the next one").isTrue();
    }

    @Test
    void newsAreSentAtTheNextBeat() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        pass(100);
        answer(everybody());
        leader.committed++;
        pass(100);
        assertThat(leader.sent).isEqualTo(1);
    }

    /** A leader that was elected on a store with too much to do would not lead for long if its first heartbeats had to be answered in time. */
    @Test
    void aStoreSpeaksForItsLeadersWhileTheirOwnHeartbeatsAreOnTheirWay() {
        Leader leader = new Leader();
        heartbeats.speakTo(follower(leader, 1, new Replica(2, 21)));
        pass(100);
        long first = now.get();
        answer(CoalescedHeartbeatAnswer.newBuilder().addRefused(0).build());
        assertThat(leader.heardAt).as("it doesn't follow yet").isEmpty();
        pass(100);
        answer(everybody());
        assertThat(leader.heardAt).containsExactly(first + 100);

        assertThat(hold(leader, 1, new Replica(2, 21))).isTrue();
        leader.committed++;
        pass(100);
        assertThat(leader.sent).as("news").isEqualTo(1);
        pass(100);
        answer(everybody());
        assertThat(leader.heardAt).as("the news on their way").containsExactly(first + 100, first + 300);
        assertThat(meters.get("kv.raft.heartbeats.held").gauge().value()).isZero();
    }

    /** What is stuck for so long is not only late, and somebody else may do better. */
    @Test
    void aFollowerThatAnswersItsStoreAloneIsNotSpokenToForEver() {
        Leader leader = new Leader();
        heartbeats.speakTo(follower(leader, 1, new Replica(2, 21)));
        for (int i = 0; i < 90; i++) {
            pass(100);
        }
        heartbeats.answeredBy(follower(leader, 1, new Replica(2, 21)));
        for (int i = 0; i < 100; i++) {
            pass(100);
            heartbeats.speakTo(follower(leader, 1, new Replica(2, 21)));
            answer(everybody());
        }
        assertThat(leader.heardAt).hasSize(100);
        pass(100);
        assertThat(calls).hasSize(190);
    }

    /** JRaft sends none before that one is answered: kept by nobody, it would have been its last. */
    @Test
    void aHeartbeatThatComesWhenItsFollowerIsGivenUpIsNotKept() {
        Leader leader = new Leader();
        AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});
        CoalescedHeartbeats watched = new CoalescedHeartbeats(
                (store, heartbeat, timeoutMs, answer) -> {},
                Runnable::run,
                () -> {
                    meanwhile.getAndSet(() -> {}).run();
                    return now.get();
                },
                1_000,
                new SimpleMeterRegistry());
        watched.speakTo(follower(leader, 1, new Replica(2, 21)));
        meanwhile.set(() -> {
            leader.term++;
            watched.beat();
        });
        boolean held = watched.hold(follower(leader, 1, new Replica(2, 21)), 40, () -> leader.sent++);
        assertThat(held && leader.sent == 0).as("held by nobody").isFalse();
    }

    @Test
    void aFollowerOfAnotherTermOrIncarnationIsAnotherOne() {
        Leader leader = new Leader();
        assertThat(hold(leader, 1, new Replica(2, 21))).isTrue();
        heartbeats.speakTo(follower(leader, 1, new Replica(2, 29)));
        assertThat(leader.sent).as("of the one before").isEqualTo(1);
        pass(100);
        assertThat(last().request().getToPeersList()).containsExactly(29L);
        assertThat(heartbeats.hold(follower(leader, 1, new Replica(2, 21)), 40, () -> leader.sent++))
                .isFalse();
    }

    @Test
    void nobodySpeaksForWhoLeadsNoMore() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        leader.term++;
        pass(100);
        assertThat(calls).isEmpty();
        assertThat(leader.sent).isEqualTo(1);
    }

    @Test
    void theNodesSpeakToEachOtherNowAndThenAllTheSame() {
        Leader leader = new Leader();
        hold(leader, 1, new Replica(2, 21));
        for (int i = 0; i < 100; i++) {
            pass(100);
            assertThat(leader.sent).isZero();
            answer(everybody());
        }
        pass(100);
        assertThat(leader.sent).isEqualTo(1);
    }

    @Test
    void oneIsHeldForAFollower() {
        Leader leader = new Leader();
        assertThat(heartbeats.hold(follower(leader, 1, new Replica(2, 21)), 40, () -> leader.sent++))
                .as("not spoken to")
                .isFalse();
        assertThat(hold(leader, 1, new Replica(2, 21))).isTrue();
        assertThat(hold(leader, 1, new Replica(2, 21))).isFalse();
        heartbeats.close();
        assertThat(hold(leader, 1, new Replica(3, 31))).isFalse();
        pass(100);
        assertThat(calls).isEmpty();
    }

    /** Its leaders' groups are more than one message takes. */
    @Test
    void moreGroupsThanOneMessageTakesTravelInSeveral() {
        Leader leader = new Leader();
        for (long group = 1; group <= 10_000; group++) {
            hold(leader, group, new Replica(2, 20));
        }
        pass(100);
        assertThat(calls).hasSize(2);
        calls.forEach(call -> call.answer().take(everybody()));
        assertThat(leader.heardAt).hasSize(10_000);
    }
}
