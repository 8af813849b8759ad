package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.conf.ConfigurationEntry;
import com.alipay.sofa.jraft.entity.LogId;
import com.alipay.sofa.jraft.entity.PeerId;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** R7 with a clock in hand. Time-out 1000: a lease lasts 900. */
class LeaderLeaseTest {

    private static final PeerId A = peer(1);
    private static final PeerId B = peer(2);
    private static final PeerId C = peer(3);
    private static final PeerId D = peer(4);
    private static final PeerId E = peer(5);
    private static final long TERM = 7;

    /** Any moment will do for a monotonic clock: this one wraps soon. */
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 300);

    private final LeaderLease lease = new LeaderLease(A, 1_000, now::get);

    private static PeerId peer(long store) {
        return PeerIds.of(new Replica(store, store));
    }

    private static ConfigurationEntry conf(PeerId... peers) {
        return new ConfigurationEntry(new LogId(1, 1), new Configuration(Arrays.asList(peers)), new Configuration());
    }

    @Test
    void r7_leaseCountsFromTheSendingNotFromTheAnswer() {
        ConfigurationEntry three = conf(A, B, C);
        long sent = now.get();
        now.addAndGet(500);
        lease.acked(B, TERM, sent);

        assertThat(lease.holds(TERM, three)).isTrue();
        now.addAndGet(399);
        assertThat(lease.holds(TERM, three)).isTrue();
        now.addAndGet(1);
        assertThat(lease.holds(TERM, three)).isFalse();
    }

    @Test
    void r7_minorityProvesNothing() {
        ConfigurationEntry five = conf(A, B, C, D, E);
        lease.acked(B, TERM, now.get());
        assertThat(lease.holds(TERM, five)).isFalse();
        lease.acked(C, TERM, now.get());
        assertThat(lease.holds(TERM, five)).isTrue();
    }

    @Test
    void r7_oldestAnswerOfTheMajorityDecides() {
        ConfigurationEntry five = conf(A, B, C, D, E);
        lease.acked(B, TERM, now.get());
        now.addAndGet(600);
        lease.acked(C, TERM, now.get());
        now.addAndGet(299);
        assertThat(lease.holds(TERM, five)).isTrue();
        now.addAndGet(1);
        assertThat(lease.holds(TERM, five)).isFalse();
        lease.acked(D, TERM, now.get() - 100);
        assertThat(lease.holds(TERM, five)).isTrue();
    }

    @Test
    void r7_answersOfAnEarlierTermProveNothing() {
        ConfigurationEntry three = conf(A, B, C);
        lease.acked(B, TERM - 1, now.get());
        lease.acked(C, TERM - 1, now.get());
        assertThat(lease.holds(TERM, three)).isFalse();
    }

    @Test
    void r7_newMembershipIsCountedAfresh() {
        ConfigurationEntry alone = conf(A);
        ConfigurationEntry three = conf(A, B, C);
        assertThat(lease.holds(TERM, alone)).isTrue();
        now.addAndGet(1_000_000);
        assertThat(lease.holds(TERM, alone)).isTrue();
        assertThat(lease.holds(TERM, three)).isFalse();
    }

    @Test
    void r7_bothMajoritiesAreNeededWhileOneReplacesTheOther() {
        ConfigurationEntry joint = new ConfigurationEntry(
                new LogId(2, 1), new Configuration(Arrays.asList(A, D, E)), new Configuration(Arrays.asList(A, B, C)));
        lease.acked(D, TERM, now.get());
        lease.acked(E, TERM, now.get());
        assertThat(lease.holds(TERM, joint)).isFalse();
        lease.acked(B, TERM, now.get());
        assertThat(lease.holds(TERM, joint)).isTrue();
    }

    @Test
    void r7_leaseIsGoneForTheTermOnceSomebodyWasToldToStandForElection() {
        ConfigurationEntry three = conf(A, B, C);
        lease.acked(B, TERM, now.get());
        lease.forfeit(TERM);
        lease.acked(C, TERM, now.get());

        assertThat(lease.holds(TERM, three)).isFalse();
        lease.acked(B, TERM + 1, now.get());
        assertThat(lease.holds(TERM + 1, three)).isTrue();
    }

    @Test
    void leaderOutsideItsMembershipNeedsAMajorityOfOthers() {
        ConfigurationEntry others = conf(B, C, D);
        lease.acked(B, TERM, now.get());
        assertThat(lease.holds(TERM, others)).isFalse();
        lease.acked(C, TERM, now.get());
        assertThat(lease.holds(TERM, others)).isTrue();
    }

    @Test
    void r7_followerThatAnsweredGrantsNothingForATimeout() {
        VoteGate gate = new VoteGate(1_000, now::get, true);
        assertThat(gate.mayGrant(false)).isTrue();
        gate.heardLeader();
        now.addAndGet(999);
        assertThat(gate.mayGrant(false)).isFalse();
        assertThat(gate.mayGrant(true)).isTrue();
        now.addAndGet(1);
        assertThat(gate.mayGrant(false)).isTrue();
    }

    @Test
    void r7_replicaThatJustStartedGrantsNothingForATimeoutUnlessItsGroupWasNeverLed() {
        assertThat(new VoteGate(1_000, now::get, true).mayGrant(false)).isTrue();
        VoteGate restarted = new VoteGate(1_000, now::get, false);
        assertThat(restarted.mayGrant(false)).isFalse();
        now.addAndGet(1_000);
        assertThat(restarted.mayGrant(false)).isTrue();
    }
}
