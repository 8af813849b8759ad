package io.rutile.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** With a clock in hand; an election timeout is 1000. */
class VoteGateTest {

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 500);
    private final VoteGate gate = new VoteGate(1_000, now::get, false);

    @Test
    void r7_whoHasHeardALeaderGrantsNothingForAnElectionTimeout() {
        assertThat(gate.mayDecide(false)).as("it may have forgotten one").isFalse();
        now.addAndGet(999);
        assertThat(gate.hearLeader()).isTrue();
        now.addAndGet(999);
        assertThat(gate.mayDecide(false)).isFalse();
        now.addAndGet(1);
        assertThat(gate.mayDecide(false)).isTrue();
    }

    /** The lease of a leader that is heard while a vote is decided would begin before that vote is granted. */
    @Test
    void r7_noLeaderIsHeardWhileAVoteIsDecided() {
        now.addAndGet(1_000);
        assertThat(gate.mayDecide(false)).isTrue();
        assertThat(gate.mayDecide(false)).isTrue();
        assertThat(gate.hearLeader()).isFalse();
        gate.voteDecided();
        assertThat(gate.hearLeader()).as("one of two").isFalse();
        assertThat(gate.mayDecide(false)).as("nothing was promised").isTrue();
        gate.voteDecided();
        gate.voteDecided();
        assertThat(gate.hearLeader()).isTrue();
        assertThat(gate.mayDecide(false)).isFalse();
        assertThat(gate.hearLeader()).as("a vote that was refused is decided").isTrue();
    }

    @Test
    void r7_aVoteThatTheLeaderItselfAskedForPasses() {
        gate.heardLeader();
        assertThat(gate.mayDecide(true)).isTrue();
        assertThat(gate.hearLeader()).isFalse();
        gate.voteDecided();
    }
}
